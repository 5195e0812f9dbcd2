"""The operations that are called, and how often: Mirakl publishes no numeric limits, but a "call frequency" for each
operation (seller OpenAPI, 2026-08-22). What it allows `on event` is not limited here.

A pair is calls a second and how many at once. Lists are read in pages, of which Mirakl says `as many times as there are
pages`: hence the bursts.
"""

from __future__ import annotations

LIST_ORDERS = "mirakl.list_orders"
GET_ORDER = "mirakl.get_order"
UPDATE_ORDER = "mirakl.update_order"
ACCEPT = "mirakl.accept"
TRACKING = "mirakl.tracking"
SHIP = "mirakl.ship"
CREATE_SHIPMENTS = "mirakl.create_shipments"
LIST_SHIPMENTS = "mirakl.list_shipments"
SHIP_SHIPMENTS = "mirakl.ship_shipments"
CANCEL_ORDER = "mirakl.cancel_order"
CANCEL_LINES = "mirakl.cancel_lines"
REFUND = "mirakl.refund"
LIST_RETURNS = "mirakl.list_returns"
GET_RETURN = "mirakl.get_return"
ACCEPT_RETURN = "mirakl.accept_return"
RECEIVE_RETURN = "mirakl.receive_return"
JUDGE_RETURN = "mirakl.judge_return"
CLOSE_RETURN = "mirakl.close_return"
IMPORT_STOCK = "mirakl.import_stock"
STOCK_STATUS = "mirakl.stock_status"
STOCK_ERRORS = "mirakl.stock_errors"
TRANSACTION_LOGS = "mirakl.transaction_logs"
BILLING_CYCLES = "mirakl.billing_cycles"
REASONS = "mirakl.reasons"
CARRIERS = "mirakl.carriers"

QUOTAS: dict[str, tuple[float, int]] = {
    LIST_ORDERS: (1 / 60, 10),
    UPDATE_ORDER: (1 / 60, 10),
    LIST_RETURNS: (1 / 300, 10),
    IMPORT_STOCK: (1 / 60, 10),
    STOCK_STATUS: (1 / 15, 10),
    STOCK_ERRORS: (1 / 60, 10),
    # 20 a minute and 60 an hour: twenty at once, and forty more in the hour.
    TRANSACTION_LOGS: (1 / 90, 20),
    BILLING_CYCLES: (1 / 86_400, 10),
    CARRIERS: (1 / 86_400, 10),
}
