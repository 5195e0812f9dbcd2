"""The tables, one file a subject. `metadata` is the whole schema, as the migrations must leave it."""

from sqlmodel import SQLModel

from store.tables.capture import ChannelCursor, InboxEvent, OutboxMessage
from store.tables.catalogue import ListingRow, SkuWait
from store.tables.channels import ChannelAuditRow, ChannelHealthRow, ChannelStockRow, DriftRow, ReturnRow
from store.tables.orders import CaseRow, OrderRow, OrderTransition
from store.tables.settlements import SettlementLineRow, SettlementRow
from store.tables.stock import AllocationRow, ReservationRow, StockLevel, StockMove

metadata = SQLModel.metadata

__all__ = [
    "AllocationRow",
    "CaseRow",
    "ChannelAuditRow",
    "ChannelCursor",
    "ChannelHealthRow",
    "ChannelStockRow",
    "DriftRow",
    "InboxEvent",
    "ListingRow",
    "OrderRow",
    "OrderTransition",
    "OutboxMessage",
    "ReservationRow",
    "ReturnRow",
    "SettlementLineRow",
    "SettlementRow",
    "SkuWait",
    "StockLevel",
    "StockMove",
    "metadata",
]
