"""The operations that are called, and Walmart's published allotments: calls a minute, refilled gradually (2026-08)."""

from __future__ import annotations

LIST_ORDERS = "walmart.list_orders"
GET_ORDER = "walmart.get_order"
ACKNOWLEDGE = "walmart.acknowledge"
SHIP = "walmart.ship"
CANCEL = "walmart.cancel"
REFUND = "walmart.refund"
LIST_RETURNS = "walmart.list_returns"
REFUND_RETURN = "walmart.refund_return"
SET_INVENTORY = "walmart.set_inventory"
RECON_DATES = "walmart.recon_dates"
RECON_FILE = "walmart.recon_file"

_A_MINUTE = {
    LIST_ORDERS: 5000,
    GET_ORDER: 5000,
    ACKNOWLEDGE: 60,
    SHIP: 60,
    CANCEL: 60,
    REFUND: 60,
    LIST_RETURNS: 50,
    REFUND_RETURN: 60,
    SET_INVENTORY: 200,
    RECON_DATES: 100,
    RECON_FILE: 100,
}

QUOTAS: dict[str, tuple[float, int]] = {name: (calls / 60, calls) for name, calls in _A_MINUTE.items()}
"""Operation -> (calls a second, burst)."""
