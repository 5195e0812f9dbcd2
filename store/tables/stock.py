"""Stock by item and node, and what orders hold of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

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
    """A decision which node ships what of an order, `models.fulfilment.Allocation`, and what it was made from."""

    __tablename__ = "allocation"
    __table_args__ = (CheckConstraint("decision >= 1", name="allocation_decision"),)

    order_key: str = columns.key()
    decision: int = Field(primary_key=True)
    body: dict[str, Any] = columns.ordered_document()
    """In it the criteria of a score stand in the order in which they were compared."""
    inputs: dict[str, Any] | None = columns.document(nullable=True)
    """`models.routing.Inputs`; empty for decisions that are older than routing rules."""
    decided_at: datetime = columns.now()


class NodeLoad(SQLModel, table=True):
    """A fulfilment that a node was given on a day, in the node's own time zone; gone when all of it is given back."""

    __tablename__ = "node_load"
    __table_args__ = (Index("node_load_of_day", "node", "day"),)

    order_key: str = columns.key()
    node: str = columns.key()
    decision: int = Field(primary_key=True)
    day: date


class StockWait(SQLModel, table=True):
    """An order that waits for an item. It stays on the list, as told, until it asks again or gives up."""

    __tablename__ = "stock_wait"
    __table_args__ = (Index("stock_wait_of_item", "item", "since"),)

    order_key: str = columns.key()
    item: str = columns.key()
    decision: int
    """Whose short items these are."""
    workflow_id: str = columns.text()
    since: datetime = columns.moment()
    told_at: datetime | None = columns.moment(nullable=True)


class StockReport(SQLModel, table=True):
    """A shortfall or a receipt that was counted; one that is reported twice moves stock once."""

    __tablename__ = "stock_report"
    __table_args__ = (columns.one_of("kind", ("shortfall", "receipt"), "stock_report_kind"),)

    kind: str = columns.key()
    order_key: str = columns.key()
    """Empty for a receipt without an order."""
    report_id: str = columns.key()
    body: dict[str, Any] = columns.document()
    counted_at: datetime = columns.now()


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
