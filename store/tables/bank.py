"""Movements on the company's bank accounts, as the statements show them."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from store.tables import columns

_SETTLEMENT = ("channel", "account", "settlement_id")
ALL_OR_NONE = "num_nulls(channel, account, settlement_id) IN (0, 3)"


class BankLineRow(SQLModel, table=True):
    """A line of a bank statement, `models.bank.StatementLine`; kept once, and matched with one payout or none."""

    __tablename__ = "bank_line"
    __table_args__ = (
        ForeignKeyConstraint(_SETTLEMENT, [f"settlement.{name}" for name in _SETTLEMENT], name="bank_line_settlement"),
        CheckConstraint(ALL_OR_NONE, name="bank_line_payout"),
        Index("bank_line_of_settlement", *_SETTLEMENT),
        Index("bank_line_by_age", "booked_on"),
    )

    bank_account: str = columns.key()
    line_id: str = columns.key()
    booked_on: date = Field(nullable=False, sa_type=Date())
    amount: Decimal = columns.amount()
    currency: str = columns.text()
    counterparty: str = columns.word("")
    text: str = columns.word("")
    channel: str | None = columns.text(nullable=True)
    account: str | None = columns.text(nullable=True)
    settlement_id: str | None = columns.text(nullable=True)
    matched_by: str = columns.word("")
    """`reference` or `amount`."""
    number: str | None = columns.text(nullable=True)
    """Of its entry in the ERP."""
    refused: str = columns.word("")
    """Why the ERP did not book it the last time."""
    kept_at: datetime = columns.now()
