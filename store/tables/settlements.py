"""Payouts of the channels, line by line."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from models.settlement import SettlementResult
from store.tables import columns

_DOCUMENT = ("channel", "account", "settlement_id")


class SettlementRow(SQLModel, table=True):
    """A settlement that was posted; not a cent of it is unaccounted for."""

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint("matched + residual = payout", name="settlement_adds_up"),
        Index("settlement_by_age", "posted_at"),
    )

    channel: str = columns.key()
    account: str = columns.key()
    settlement_id: str = columns.key()
    currency: str = columns.text()
    payout: Decimal = columns.amount()
    matched: Decimal = columns.amount()
    residual: Decimal = columns.amount()
    result: dict[str, Any] = columns.document()
    lines: int
    posted_at: datetime = columns.now()

    def settlement_result(self) -> SettlementResult:
        return SettlementResult.model_validate(self.result)


class SettlementLineRow(SQLModel, table=True):
    """A line of a settlement: matched to an order, or a residual with a name."""

    __tablename__ = "settlement_line"
    __table_args__ = (
        ForeignKeyConstraint(
            _DOCUMENT, [f"settlement.{column}" for column in _DOCUMENT], name="settlement_line_settlement"
        ),
        CheckConstraint("matched = (residual IS NULL)", name="settlement_line_matched_or_named"),
        CheckConstraint("NOT matched OR order_key IS NOT NULL", name="settlement_line_order"),
        Index("settlement_line_of_order", "order_key"),
    )

    channel: str = columns.key()
    account: str = columns.key()
    settlement_id: str = columns.key()
    number: int = Field(primary_key=True)
    type: str = columns.text()
    label: str = columns.text()
    amount: Decimal = columns.amount()
    currency: str = columns.text()
    order_key: str | None = columns.text(nullable=True)
    external_order_id: str | None = columns.text(nullable=True)
    line_id: str | None = columns.text(nullable=True)
    sku: str | None = columns.text(nullable=True)
    quantity: int | None = None
    posted_at: datetime | None = columns.moment(nullable=True)
    matched: bool
    residual: str | None = columns.text(nullable=True)
