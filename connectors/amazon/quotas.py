"""The operations that are called, and Amazon's default quotas: calls a second and burst (models of 2026-08-05)."""

from __future__ import annotations

import httpx

SEARCH_ORDERS = "amazon.search_orders"
GET_ORDER = "amazon.get_order"
GET_ORDERS_V0 = "amazon.get_orders_v0"
GET_ORDER_ITEMS_V0 = "amazon.get_order_items_v0"
GET_ORDER_ADDRESS_V0 = "amazon.get_order_address_v0"
CREATE_RESTRICTED_TOKEN = "amazon.create_restricted_data_token"  # noqa: S105 - the name of an operation
CONFIRM_SHIPMENT = "amazon.confirm_shipment"
GET_REPORTS = "amazon.get_reports"
GET_REPORT_DOCUMENT = "amazon.get_report_document"
DOWNLOAD = "amazon.download_document"

QUOTAS: dict[str, tuple[float, int]] = {
    SEARCH_ORDERS: (0.0056, 20),
    GET_ORDER: (0.5, 30),
    GET_ORDERS_V0: (0.0167, 20),
    GET_ORDER_ITEMS_V0: (0.5, 30),
    GET_ORDER_ADDRESS_V0: (0.5, 30),
    CREATE_RESTRICTED_TOKEN: (1.0, 10),
    CONFIRM_SHIPMENT: (2.0, 10),
    GET_REPORTS: (0.0222, 10),
    GET_REPORT_DOCUMENT: (0.0167, 15),
}


def granted_rate(response: httpx.Response) -> float | None:
    """Calls a second that Amazon grants this account; accounts may be granted more than the default."""
    try:
        return float(response.headers["x-amzn-RateLimit-Limit"])
    except (KeyError, ValueError):
        return None
