"""Stock by item and node, and what orders hold of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlmodel import SQLModel

from store.tables import columns

RESERVATION_STATES = ("held", "released", "shipped", "returned")


class StockLevel(SQLModel, table=True):
    """Units of an item at a node; what is reserved for orders is still on hand."""

    __tablename__ = "stock"
    __table_args__ = (CheckConstraint("0 <= reserved AND reserved <= on_hand", name="stock_never_oversold"),)

    item: str = columns.key()
    node: str = columns.key()
    on_hand: int = columns.count()
    reserved: int = columns.count()

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class ReservationRow(SQLModel, table=True):
    """Units of an item at a node that an order took; `held` while some of them are neither shipped nor given back."""

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint("0 <= shipped AND shipped <= quantity", name="reservation_shipped"),
        columns.one_of("state", RESERVATION_STATES, "reservation_state"),
        Index("reservation_of_stock", "item", "node"),
    )

    order_key: str = columns.key()
    item: str = columns.key()
    node: str = columns.key()
    quantity: int
    shipped: int = columns.count()
    state: str = columns.word("held")


class AllocationRow(SQLModel, table=True):
    """The decision which node ships what of an order, `models.fulfilment.Allocation`."""

    __tablename__ = "allocation"

    order_key: str = columns.key()
    body: dict[str, Any] = columns.document()
    decided_at: datetime = columns.now()


class StockMove(SQLModel, table=True):
    """Units that left a node in a shipment; a shipment that is reported twice moves stock once."""

    __tablename__ = "stock_move"
    __table_args__ = (CheckConstraint("quantity >= 1", name="stock_move_quantity"),)

    order_key: str = columns.key()
    shipment_id: str = columns.key()
    item: str = columns.key()
    node: str = columns.key()
    quantity: int
    moved_at: datetime = columns.now()
