"""What a bank says of a company's account: the lines of its statements, and which of them bring a channel's payout.

A settlement says that money was sent; the bank says that it came. In between it is under way: on the account with the
role `transit`, which the settlement's journal debits and the statement line credits.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from models.base import Model
from models.money import Money


class StatementLine(Model):
    """One movement on a bank account. Booked once for its `reference`, however often it is asked."""

    bank_account: str = Field(min_length=1)
    """IBAN, or the name that the account has in the ERP."""
    line_id: str = Field(min_length=1)
    """The bank's own reference of the movement, unique on the account."""
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


def compact(bank_account: str) -> str:
    """An IBAN is written with spaces and without; a name keeps its meaning without them."""
    return "".join(bank_account.split()).casefold()
