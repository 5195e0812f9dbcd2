"""What a bank says of a company's account: the lines of its statements, and which of them bring a channel's payout.

A settlement says that money was sent; the bank says that it came. In between it is under way: on the account with the
role `transit`, which the settlement's journal debits and the statement line credits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from pydantic import Field

from models.base import Model
from models.money import Money


class StatementLine(Model):
    """One movement on a bank account. Booked once for its `reference`, however often it is asked."""

    bank_account: str = Field(min_length=1)
    """IBAN, or the name that the account has in the ERP."""
    line_id: str = Field(min_length=1)
    """The bank's own reference of the movement, or a name made of what it says; unique on the account."""
    other_id: str = ""
    """As it is read: the other of these two, under which it is kept where `line_id` is another movement's already."""
    booked_on: date
    """Accounting date: decides the period."""
    amount: Money
    """Positive: it came in."""
    counterparty: str = ""
    text: str = ""
    """The bank's words: purpose of the payment, references of the payer."""
    payout_of: str = ""
    """`journal_id` of the settlement's journal whose payout this is; empty when it belongs to none."""
    entity: str = ""
    """Legal entity that the account belongs to; empty for the ERP connection's own company."""

    @property
    def reference(self) -> str:
        return f"bank/{self.bank_account}#{self.line_id}"

    @property
    def label(self) -> str:
        return " ".join(part for part in (self.counterparty, self.text) if part) or self.line_id

    def moves_as(self, other: StatementLine) -> bool:
        """The same movement, of two lines with one name: a bank may word it anew in its next file."""
        return (self.booked_on, self.amount) == (other.booked_on, other.amount)


Kept = Mapping[tuple[str, str], StatementLine]
"""Lines by bank account and name."""


def not_kept(read: Iterable[StatementLine], kept: Kept) -> list[StatementLine]:
    """Those lines of a file that are not kept yet, each under a name that is free.

    Banks use a reference again (for a payment and its return), in one file or in files that are days apart. Whichever
    movement came first keeps it; any other is kept under the name made of its content, and looked for under both.
    """
    taken = dict(kept)
    new: list[StatementLine] = []
    for line in read:
        names = [(line.bank_account, name) for name in (line.line_id, line.other_id) if name]
        if any(name in taken and taken[name].moves_as(line) for name in names):
            continue
        free = next(name for name in names if name not in taken)
        taken[free] = line.model_copy(update={"line_id": free[1], "other_id": ""})
        new.append(taken[free])
    return new


def compact(bank_account: str) -> str:
    """An IBAN is written with spaces and without; a name keeps its meaning without them."""
    return "".join(bank_account.split()).casefold()
