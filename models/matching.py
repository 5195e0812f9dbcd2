"""How a settlement's lines of one order answer to what the order is to bring. Pure.

Each line is matched, in whole or in part, or its rest is a residual with a reason: matched + residual = amount, always.
What is not paid is a finding. Exact first, then within the tolerance of the channel's rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from models.base import Model, Moment
from models.money import Money
from models.settlement import LineType, SettlementLine


class Fault(StrEnum):
    """What is wrong with money: of a line (its residual), or of an order (a finding)."""

    SHORT_PAID = "short_paid"
    OVER_PAID = "over_paid"
    MISSING = "missing"
    """Expected, and no line pays it."""
    DUPLICATE = "duplicate"
    FEE_DIFFERS = "fee_differs"
    """The commission is not what the contract says."""
    REFUND_WITHOUT_RETURN = "refund_without_return"
    """Money went back, and nothing is known to have been refunded, or less."""
    RETURN_WITHOUT_REFUND = "return_without_refund"
    """A refund is due, or known, and no settlement shows it."""
    RESERVE = "reserve"
    """Held back, to be paid out later."""
    LATE = "late"
    UNKNOWN_LABEL = "unknown_label"
    UNKNOWN_ORDER = "unknown_order"
    NO_ORDER = "no_order"
    """Of a known type, and of no order: a cost or movement of the account, booked as such."""


WORDS = {
    Fault.SHORT_PAID: "less was paid than the order is to bring",
    Fault.OVER_PAID: "more was paid than the order is to bring",
    Fault.MISSING: "no line pays what is expected",
    Fault.DUPLICATE: "the same line was paid before",
    Fault.FEE_DIFFERS: "the commission is not what the contract says",
    Fault.REFUND_WITHOUT_RETURN: "money went back to the buyer, and no refund of so much is known",
    Fault.RETURN_WITHOUT_REFUND: "a refund is due, and no settlement shows it",
    Fault.RESERVE: "held back by the channel, to be paid out later",
    Fault.LATE: "booked after the money was due",
    Fault.UNKNOWN_LABEL: "no rule knows the label",
    Fault.UNKNOWN_ORDER: "no such order is registered",
    Fault.NO_ORDER: "the line names no order: a cost or movement of the account",
}


class LineRef(Model):
    settlement_id: str
    number: int

    def __str__(self) -> str:
        return f"{self.settlement_id}#{self.number}"


class Booked(Model):
    """A line of an earlier settlement of the order, as it was matched."""

    ref: LineRef
    line: SettlementLine
    matched: Money
    residual: Money
    """What of it is still unexplained: zero once a later correction has settled it."""
    fault: Fault | None = None


class Verdict(Model):
    """What becomes of a line."""

    number: int
    matched: Money
    residual: Money
    fault: Fault | None = None
    rule: str = ""
    """By which rule it was matched: `exact`, `tolerance 0.01`, `as charged` …"""
    settles: tuple[LineRef, ...] = ()
    """Earlier residuals that this line corrects."""
    corrected: Money | None = None
    """What of the line takes these back: in the books it goes where they stand. None: nothing."""


class Finding(Model):
    """Money of an order that is not as expected, and that no line's residual says."""

    fault: Fault
    component: str
    """`goods 551`, `shipping`, `refund R-1` …"""
    amount: Money
    """Positive: still owed to the seller."""
    number: int | None = None
    """The line, where there is one (a late one)."""


class OrderMatch(Model):
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> frozenset[Fault]:
        found = {verdict.fault for verdict in self.verdicts if verdict.fault}
        return frozenset(found | {finding.fault for finding in self.findings})


def without_order(line: SettlementLine, known: bool) -> Verdict | None:
    """The verdict on a line that no order can answer to; None when its order is to be asked."""
    zero = Money.zero(line.amount.currency)
    fault = None
    if line.type is LineType.UNKNOWN:
        fault = Fault.UNKNOWN_LABEL
    elif line.order_id is None:
        fault = Fault.RESERVE if line.type is LineType.RESERVE else Fault.NO_ORDER
    elif not known:
        fault = Fault.UNKNOWN_ORDER
    return Verdict(number=line.number, matched=zero, residual=line.amount, fault=fault) if fault else None


def is_late(line: SettlementLine, due: Moment | None) -> bool:
    return due is not None and line.posted_at is not None and line.posted_at > due


def total(lines: Sequence[SettlementLine], currency: str) -> Money:
    return Money.total((line.amount for line in lines), currency)
