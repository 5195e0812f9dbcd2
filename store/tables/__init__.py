"""The tables, one file a subject. `metadata` is the whole schema, as the migrations must leave it."""

from sqlmodel import SQLModel

from store.tables.bank import BankLineRow
from store.tables.capture import ChannelCursor, InboxEvent, InboxPart, OutboxMessage
from store.tables.catalogue import ListingRow, SkuWait
from store.tables.channels import ChannelAuditRow, ChannelHealthRow, ChannelStockRow, DriftRow, ReturnRow
from store.tables.finance import ExchangeRateRow
from store.tables.inventory import InventoryMismatchRow, InventoryRunRow, StockCorrectionRow, StockStatementRow
from store.tables.orders import CaseRow, OrderRow, OrderTransition
from store.tables.repairs import BreakerTripRow, CauseGoneRow, ItemTaxCodeRow, RepairItemRow, RepairRow
from store.tables.returns import RefundRow, RestockRow, ReturnCountRow, ReturnProcessRow
from store.tables.routing import NodeRow, RoutingRulesRow
from store.tables.settlements import (
    FindingRow,
    OrderWriteOffRow,
    RuleSetRow,
    SettlementLineRow,
    SettlementOrderRow,
    SettlementRow,
)
from store.tables.stock import (
    AllocationRow,
    NodeLoad,
    ReservationRow,
    StockLevel,
    StockMove,
    StockReport,
    StockWait,
)

metadata = SQLModel.metadata

__all__ = [
    "AllocationRow",
    "BankLineRow",
    "BreakerTripRow",
    "CaseRow",
    "CauseGoneRow",
    "ChannelAuditRow",
    "ChannelCursor",
    "ChannelHealthRow",
    "ChannelStockRow",
    "DriftRow",
    "ExchangeRateRow",
    "FindingRow",
    "InboxEvent",
    "InboxPart",
    "InventoryMismatchRow",
    "InventoryRunRow",
    "ItemTaxCodeRow",
    "ListingRow",
    "NodeLoad",
    "NodeRow",
    "OrderRow",
    "OrderTransition",
    "OrderWriteOffRow",
    "OutboxMessage",
    "RefundRow",
    "RepairItemRow",
    "RepairRow",
    "ReservationRow",
    "RestockRow",
    "ReturnCountRow",
    "ReturnProcessRow",
    "ReturnRow",
    "RoutingRulesRow",
    "RuleSetRow",
    "SettlementLineRow",
    "SettlementOrderRow",
    "SettlementRow",
    "SkuWait",
    "StockCorrectionRow",
    "StockLevel",
    "StockMove",
    "StockReport",
    "StockStatementRow",
    "StockWait",
    "metadata",
]
