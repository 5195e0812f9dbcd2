"""What is written into a company's books, and what is read back: journals, payments, stock levels, documents.

An invoice's receivable is what the channel owes for a parcel: net and the tax that the seller remits. Tax that the
channel remits is recorded on an account of its own and against it in the same invoice, so it is never owed to anybody
here. A payment moves a receivable to the clearing account of the channel account that pays; a settlement's journal
takes it from there to the bank. What is left on a clearing account is what is not matched yet.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.money import Money
from models.order import OrderKey


class AccountRole(StrEnum):
    """What an account is for. Which number that is in a company's chart, the ERP connection says."""

    CLEARING = "clearing"
    """What a channel account owes and has not explained; one account, or one party, for each `channel_account`."""
    REVENUE = "revenue"
    TAX_SELLER = "tax_seller"
    """Owed to the authority by the seller."""
    TAX_CHANNEL = "tax_channel"
    """Collected from buyers and remitted by the channel."""
    COMMISSION = "commission"
    FEE = "fee"
    REFUND = "refund"
    """Paid back without a credit note that it settles."""
    RESERVE = "reserve"
    """Held back by the channel, to be paid out later."""
    ADJUSTMENT = "adjustment"
    BANK = "bank"
    TRANSIT = "transit"
    """Payouts under way: a settlement has announced them, and no bank statement has shown them yet."""


class JournalLine(Model):
    """One line: a positive amount debits the account, a negative one credits it."""

    account: AccountRole
    amount: Money
    channel_account: str = ""
    """`amazon/US-1`, on lines whose account is kept for each channel account (clearing, reserve)."""
    order_key: OrderKey | None = None
    label: str = ""
    """Why: the channel's own words, or ours."""
    source: str = ""
    """What the line stands for, e.g. `S-1#12` for line 12 of settlement S-1; unique in the journal when not empty."""


class Journal(Model):
    """A balanced entry in the books of one company. Posted once for its `journal_id`, however often it is asked."""

    journal_id: str = Field(min_length=1)
    """E.g. `amazon/US-1#settlement:S-1` or, posted again under another rule, `…:S-1#2`."""
    correlation_id: str
    on: date
    """Accounting date: decides the period."""
    lines: tuple[JournalLine, ...] = Field(min_length=2)
    entity: str = ""
    """Legal entity whose books these are; empty for the ERP connection's own company."""
    description: str = ""
    replaces: str = ""
    """`journal_id` of an earlier one that was reversed, of the same payout: what is under way is under way once."""

    @property
    def sends(self) -> bool:
        """It leaves money under way, or takes that back."""
        return any(line.account is AccountRole.TRANSIT for line in self.lines)

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            sums[line.amount.currency] += line.amount.amount
        if off := {currency: str(total) for currency, total in sorted(sums.items()) if total}:
            raise ValueError(f"journal {self.journal_id} does not balance: {off}; debits and credits must add up to 0")
        return self

    @model_validator(mode="after")
    def _one_line_a_source(self) -> Self:
        sources = [line.source for line in self.lines if line.source]
        if twice := sorted({source for source in sources if sources.count(source) > 1}):
            raise ValueError(f"journal {self.journal_id} has more than one line for {', '.join(twice)}")
        return self


class Payment(Model):
    """Money of a settlement that pays an order's invoices (or, when negative, its credit notes).

    Debits the account and credits the receivable, and reconciles the two where that settles a document.
    """

    payment_id: str = Field(min_length=1)
    """E.g. `amazon/US-1#settlement:S-1#302-1`; posted once."""
    order_key: OrderKey
    correlation_id: str
    channel_account: str
    amount: Money
    on: date
    entity: str = ""
    settlement_id: str = ""
    account: AccountRole = AccountRole.CLEARING
    """Where it comes from: clearing, or `adjustment` for what is written off because nobody will pay it."""


class StockLevel(Model):
    """Units of an item at a node, as the ERP's books have them."""

    node: str
    item: str
    on_hand: int
    free: int
    """On hand without what is assigned to shipments."""


class DocumentKind(StrEnum):
    SHIPMENT = "shipment"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    RETURN = "return"
    PAYMENT = "payment"


class BookedDocument(Model):
    """A document that hangs on a sales order, in the ERP's own figures."""

    kind: DocumentKind
    number: str
    reference: str
    """Our external reference."""
    state: str
    """The ERP's own word."""
    net: Money | None = None
    seller_tax: Money | None = None
    channel_tax: Money | None = None
    open: Money | None = None
    """What is not paid of an invoice or credit note."""
    units: dict[str, int] = Field(default_factory=dict)
    """Item -> units, of stock documents."""


class OrderDocuments(Model):
    """Everything that the ERP holds for one order, read back from it."""

    order_key: OrderKey
    number: str
    state: str
    entity: str = ""
    cancelled: bool = False
    units: dict[str, int] = Field(default_factory=dict)
    """Item -> units on the sales order, without cancelled ones."""
    documents: tuple[BookedDocument, ...] = ()

    def of_kind(self, kind: DocumentKind) -> tuple[BookedDocument, ...]:
        return tuple(document for document in self.documents if document.kind is kind)


class Balance(Model):
    """Balance of one account of a company, in the company's currency; positive: more debit than credit."""

    account: str
    """The ERP's own code."""
    name: str
    role: AccountRole | None = None
    channel_account: str = ""
    amount: Money
    paid_in: tuple[Money, ...] = ()
    """The same in the currencies of its entries, on accounts that are kept for each channel account."""


class TrialBalance(Model):
    entity: str = ""
    balances: tuple[Balance, ...]

    @property
    def difference(self) -> dict[str, Decimal]:
        """Currency -> debits minus credits over all accounts: all zero when the books balance."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for each in self.balances:
            sums[each.amount.currency] += each.amount.amount
        return dict(sums)
