"""What a settlement is in the books: one balanced journal, and a payment for each order. Pure.

The payout is on the bank, or under way to it; costs are on their accounts; what orders are paid, and what nobody has
explained yet, is on the clearing account of the channel account. Tax that the channel remits passes through its own
account and nets to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date

from pydantic import Field

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
WRITTEN_OFF = "written off"
"""How the words begin that say who gave a residual up."""
EXPLAINED = frozenset({Fault.NO_ORDER, Fault.RESERVE})
"""Residuals of a known type: they are booked as what they are, although no order answers to them."""


class Group(Model):
    """Lines of one type and fault, in sum."""

    type: LineType
    fault: Fault | None = None
    matched: Money
    residual: Money
    corrected: Money
    """What of the matched takes residuals of earlier settlements back."""
    written_off: Money
    """What of the residual was given up before the journal was made."""
    lines: int = 0

    @property
    def explained(self) -> Money:
        own = self.matched - self.corrected
        return own + self._left if self.fault in EXPLAINED else own

    @property
    def unexplained(self) -> Money:
        return self._left * 0 if self.fault in EXPLAINED else self._left

    @property
    def _left(self) -> Money:
        return self.residual - self.written_off


class BookedOrder(Model):
    """What a settlement pays for an order, as far as it is matched and not in the books yet."""

    order_key: OrderKey
    paid: Money
    refunded: Money
    """Negative, unless less is paid back than the books have."""
    whole: Money
    """What the books have of the settlement with it."""
    whole_back: Money


class OrderPayments(Model):
    """What the ERP is told that an order got."""

    order_key: OrderKey
    paid: Payment | None = None
    """Of its invoices."""
    refunded: Payment | None = None
    """Of its credit notes."""
    whole: Money
    """What the books have of the settlement then."""
    whole_back: Money


class WriteOff(Model):
    """The decision to give a line's residual up."""

    key: SettlementKey
    number: int
    actor: str
    note: str
    on: date
    """Accounting date."""

    @property
    def words(self) -> str:
        return f"{WRITTEN_OFF} by {self.actor}: {self.note}"


class WrittenOff(Model):
    """A residual that was given up, as it stands in the books."""

    key: SettlementKey
    number: int
    revision: int
    role: AccountRole
    """Where it stood: clearing, or reserve."""
    residual: Money
    words: str
    on: date
    entity: str = ""


class OrderWriteOff(Model):
    """What an order is still to bring is given up."""

    order_key: OrderKey
    correlation_id: str
    expected: Money
    on: date
    """Accounting date."""
    entity: str = ""


class OrderEntry(Model):
    """What the books are told of it: an amount that nobody will pay, or (negative) that somebody has after all."""

    order_key: OrderKey
    nth: int = Field(ge=1)
    amount: Money
    on: date
    entity: str = ""
    correlation_id: str

    def payment(self) -> Payment:
        return Payment(
            payment_id=f"{self.order_key}#write-off:{self.nth}",
            order_key=self.order_key,
            correlation_id=self.correlation_id,
            channel_account=f"{self.order_key.channel}/{self.order_key.account}",
            amount=self.amount,
            on=self.on,
            entity=self.entity,
            account=AccountRole.ADJUSTMENT,
        )


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
    corrected = sum((each.corrected for each in groups), start=zero)
    yield source.line(AccountRole.CLEARING, -corrected, "corrects earlier residuals")
    written_off = sum((each.written_off for each in groups), start=zero)
    yield source.line(AccountRole.ADJUSTMENT, -written_off, "written off")
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


def write_off_journal(off: WrittenOff) -> Journal:
    """What nobody explains any more leaves the account where it stood, and is a cost or a gain."""
    place = f"{off.key.channel}/{off.key.account}"
    source = f"{off.key.settlement_id}#{off.number}"
    return Journal(
        journal_id=f"{journal_id(off.key, off.revision)}#{off.number}:write-off",
        correlation_id=f"settlement/{off.key}",
        on=off.on,
        lines=(
            JournalLine(
                account=off.role, amount=off.residual, channel_account=place, label=off.words, source=f"{source}:from"
            ),
            JournalLine(account=AccountRole.ADJUSTMENT, amount=-off.residual, label=off.words, source=f"{source}:to"),
        ),
        entity=off.entity,
        description=f"Line {off.number} of settlement {off.key.settlement_id}: {off.words}",
    )


def payments_of(key: SettlementKey, revision: int, booked: BookedOrder, on: date, entity: str = "") -> OrderPayments:
    amounts = {"paid": booked.paid, "refunded": booked.refunded}
    payments = {
        what: Payment(
            payment_id=f"{journal_id(key, revision)}#{booked.order_key.external_id}:{what}",
            order_key=booked.order_key,
            correlation_id=f"settlement/{key}",
            channel_account=f"{key.channel}/{key.account}",
            amount=amount,
            on=on,
            entity=entity,
            settlement_id=key.settlement_id,
        )
        for what, amount in amounts.items()
        if amount
    }
    return OrderPayments(order_key=booked.order_key, whole=booked.whole, whole_back=booked.whole_back, **payments)
