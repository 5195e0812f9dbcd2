"""What other systems say of stock, where that differs from ours and since when, and what was corrected."""

from datetime import datetime
from typing import Any

from sqlmodel import SQLModel

from store.tables import columns

SYSTEMS = ("wms", "erp")


class StockStatementRow(SQLModel, table=True):
    """Units on hand as a system said when it was last asked."""

    __tablename__ = "stock_statement"
    __table_args__ = (columns.one_of("system", SYSTEMS, "stock_statement_system"),)

    system: str = columns.key()
    item: str = columns.key()
    node: str = columns.key()
    on_hand: int


class InventoryMismatchRow(SQLModel, table=True):
    """A mismatch that stands; gone when a reconciliation does not find it."""

    __tablename__ = "inventory_mismatch"

    subject: str = columns.key()
    verdict: str = columns.key()
    mismatch: dict[str, Any] = columns.document()
    """`models.inventory.Mismatch`."""
    since: datetime = columns.moment()
    unchanged_since: datetime = columns.moment()


class InventoryRunRow(SQLModel, table=True):
    """A reconciliation, `models.inventory.InventoryReport`."""

    __tablename__ = "inventory_run"

    id: int = columns.serial()
    ran_at: datetime = columns.moment()
    report: dict[str, Any] = columns.document()


class StockCorrectionRow(SQLModel, table=True):
    """A level that was taken over from the warehouse: moves without an order."""

    __tablename__ = "stock_correction"

    id: int = columns.serial()
    item: str = columns.text()
    node: str = columns.text()
    before: int
    after: int
    corrected_at: datetime = columns.moment()
