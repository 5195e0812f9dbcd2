"""Returns in their own process, what came back with them, and the ledger of refunds."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlmodel import SQLModel

from models.refunds import Refund, RefundState
from models.return_process import ReturnFile
from models.returns import ReturnProcessState
from models.systems import Condition
from store.tables import columns


class RefundRow(SQLModel, table=True):
    """A refund, `models.refunds.Refund`. What is reserved or done counts against what the order's buyer paid."""

    __tablename__ = "refund"
    __table_args__ = (
        columns.one_of("state", RefundState, "refund_state"),
        CheckConstraint("total >= 0", name="refund_total"),
        Index("refund_of_order", "order_key", "created_at"),
    )

    request_id: str = columns.key()
    order_key: str = columns.text()
    state: str = columns.text()
    currency: str = columns.text()
    total: Decimal = columns.amount()
    reason: str = columns.text()
    actor: str = columns.text()
    body: dict[str, Any] = columns.document()
    created_at: datetime = columns.now()
    updated_at: datetime = columns.now()

    def refund(self) -> Refund:
        return Refund.model_validate({**self.body, "state": self.state})


class ReturnCountRow(SQLModel, table=True):
    """Units of an order line that came back and were accepted; one receipt counts once."""

    __tablename__ = "return_count"
    __table_args__ = (
        CheckConstraint("units >= 1", name="return_count_units"),
        Index("return_count_of_order", "order_key"),
    )

    receipt_id: str = columns.key()
    line_id: str = columns.key()
    order_key: str = columns.text()
    return_id: str = columns.text()
    units: int
    counted_at: datetime = columns.now()


class RestockRow(SQLModel, table=True):
    """Goods of a receipt, as inspected; those to be sold again are in stock since."""

    __tablename__ = "restock"
    __table_args__ = (
        columns.one_of("condition", Condition, "restock_condition"),
        CheckConstraint("quantity >= 1", name="restock_quantity"),
    )

    receipt_id: str = columns.key()
    item: str = columns.key()
    node: str = columns.key()
    condition: str = columns.key()
    quantity: int
    restocked_at: datetime = columns.now()


class ReturnProcessRow(SQLModel, table=True):
    """Where a return's process stands, `models.return_process.ReturnFile`; later goods are understood by it."""

    __tablename__ = "return_process"
    __table_args__ = (
        columns.one_of("state", ReturnProcessState, "return_process_state"),
        Index("return_process_of_order", "order_key"),
        Index("return_process_by_rma", "rma"),
    )

    workflow_id: str = columns.key()
    order_key: str | None = columns.text(nullable=True)
    return_id: str = columns.text()
    rma: str = columns.text()
    state: str = columns.text()
    body: dict[str, Any] = columns.document()
    opened_at: datetime = columns.now()
    updated_at: datetime = columns.now()

    def file(self) -> ReturnFile:
        return ReturnFile.model_validate(self.body)
