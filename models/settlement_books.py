"""What a settlement is in the books: one balanced journal, and a payment for each order. Pure.

The payout is on the bank, or under way to it; costs are on their accounts; what orders are paid, and what nobody has
explained yet, is on the clearing account of the channel account. Tax that the channel remits passes through its own
account and nets to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date

from models.base import Model
from models.ledger import AccountRole, Journal, JournalLine, Payment
from models.matching import Fault
from models.money import Money
from models.order import OrderKey
from models.settlement import LineType, SettlementKey, Statement

ROLES = {
    LineType.COMMISSION: AccountRole.COMMISSION,
    LineType.FEE: AccountRole.FEE,
    LineType.RESERVE: AccountRole.RESERVE,
    LineType.ADJUSTMENT: AccountRole.ADJUSTMENT,
}
"""Of lines that are explained; transfers are where the payout is, and all other types on the clearing account."""
EXPLAINED = frozenset({Fault.NO_ORDER, Fault.RESERVE})
"""Residuals of a known type: they are booked as what they are, although no order answers to them."""


class Group(Model):
    """Lines of one type and fault, in sum."""

    type: LineType
    fault: Fault | None = None
    matched: Money
    residual: Money
    lines: int = 0

    @property
    def explained(self) -> Money:
        return self.matched + self.residual if self.fault in EXPLAINED else self.matched

    @property
    def unexplained(self) -> Money:
        return self.matched + self.residual - self.explained


class BookedOrder(Model):
    """What a settlement pays for an order, as far as it is matched."""

    order_key: OrderKey
    paid: Money
    refunded: Money
    """Negative or zero."""


def journal_id(key: SettlementKey, revision: int) -> str:
    suffix = "" if revision == 1 else f"#{revision}"
    return f"{key.channel}/{key.account}#settlement:{key.settlement_id}{suffix}"


def accounting_date(statement: Statement, fallback: date) -> date:
    moment = statement.deposited_at or statement.ends_at
    return moment.astimezone(UTC).date() if moment else fallback


def journal_of(
    statement: Statement,
    revision: int,
    groups: Sequence[Group],
    on: date,
    entity: str = "",
    payout_on: AccountRole = AccountRole.BANK,
) -> Journal | None:
    """None for a settlement that moves nothing. The groups are all its lines, so that it balances."""
    lines = [line for line in _lines(statement, groups, payout_on) if line.amount]
    if len(lines) < 2:
        return None
    return Journal(
        journal_id=journal_id(statement.key, revision),
        correlation_id=f"settlement/{statement.key}",
        on=on,
        lines=tuple(lines),
        entity=entity,
        replaces=journal_id(statement.key, revision - 1) if revision > 1 else "",
        description=f"Settlement {statement.settlement_id} of {statement.channel} {statement.account}",
    )


def _lines(statement: Statement, groups: Sequence[Group], payout_on: AccountRole) -> Iterator[JournalLine]:
    source, roles = _Sources(statement), {**ROLES, LineType.TRANSFER: payout_on}
    yield source.line(payout_on, statement.payout, "payout")
    zero = Money.zero(statement.currency)
    withheld = sum((each.explained for each in groups if each.type is LineType.TAX_WITHHELD), start=zero)
    for kind in LineType:
        explained = sum((each.explained for each in groups if each.type is kind), start=zero)
        if kind is LineType.TAX:
            yield source.line(AccountRole.TAX_CHANNEL, withheld, "tax collected for the channel")
            explained = explained + withheld
        role = AccountRole.TAX_CHANNEL if kind is LineType.TAX_WITHHELD else roles.get(kind, AccountRole.CLEARING)
        yield source.line(role, -explained, kind.value.replace("_", " "))
    for fault in Fault:
        open_ones = sum((each.unexplained for each in groups if each.fault is fault), start=zero)
        yield source.line(AccountRole.CLEARING, -open_ones, f"not explained: {fault.value.replace('_', ' ')}")


class _Sources:
    def __init__(self, statement: Statement) -> None:
        self._id = statement.settlement_id
        self._account = f"{statement.channel}/{statement.account}"

    def line(self, role: AccountRole, amount: Money, label: str) -> JournalLine:
        own = role in (AccountRole.CLEARING, AccountRole.RESERVE)
        return JournalLine(
            account=role,
            amount=amount,
            channel_account=self._account if own else "",
            label=label,
            source=f"{self._id}#{role.value}:{label}",
        )


def payments_of(
    key: SettlementKey, revision: int, booked: Iterable[BookedOrder], on: date, entity: str = ""
) -> list[Payment]:
    """A payment of each order's invoices, and one of its credit notes."""
    payments = []
    for each in booked:
        for what, amount in (("paid", each.paid), ("refunded", each.refunded)):
            if amount:
                payments.append(
                    Payment(
                        payment_id=f"{journal_id(key, revision)}#{each.order_key.external_id}:{what}",
                        order_key=each.order_key,
                        correlation_id=f"settlement/{key}",
                        channel_account=f"{key.channel}/{key.account}",
                        amount=amount,
                        on=on,
                        entity=entity,
                        settlement_id=key.settlement_id,
                    )
                )
    return payments
