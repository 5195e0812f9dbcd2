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
CREATE_FEED_DOCUMENT = "amazon.create_feed_document"
UPLOAD_FEED = "amazon.upload_feed"
CREATE_FEED = "amazon.create_feed"
GET_FEEDS = "amazon.get_feeds"
GET_FEED = "amazon.get_feed"
GET_FEED_DOCUMENT = "amazon.get_feed_document"
PATCH_LISTING = "amazon.patch_listing"
GET_LISTING = "amazon.get_listing"
CREATE_REPORT = "amazon.create_report"
GET_REPORT = "amazon.get_report"
GET_REPORTS = "amazon.get_reports"
GET_REPORT_DOCUMENT = "amazon.get_report_document"
GET_FINANCIAL_EVENTS = "amazon.get_financial_events"
DOWNLOAD = "amazon.download_document"

QUOTAS: dict[str, tuple[float, int]] = {
    SEARCH_ORDERS: (0.0056, 20),
    GET_ORDER: (0.5, 30),
    GET_ORDERS_V0: (0.0167, 20),
    GET_ORDER_ITEMS_V0: (0.5, 30),
    GET_ORDER_ADDRESS_V0: (0.5, 30),
    CREATE_RESTRICTED_TOKEN: (1.0, 10),
    CONFIRM_SHIPMENT: (2.0, 10),
    CREATE_FEED_DOCUMENT: (0.5, 15),
    CREATE_FEED: (0.0083, 15),
    GET_FEEDS: (0.0222, 10),
    GET_FEED: (2.0, 15),
    GET_FEED_DOCUMENT: (0.0222, 10),
    PATCH_LISTING: (5.0, 5),
    GET_LISTING: (5.0, 10),
    CREATE_REPORT: (0.0167, 15),
    GET_REPORT: (2.0, 15),
    GET_REPORTS: (0.0222, 10),
    GET_REPORT_DOCUMENT: (0.0167, 15),
    GET_FINANCIAL_EVENTS: (0.5, 30),
}
"""Storage behind signed addresses (`UPLOAD_FEED`, `DOWNLOAD`) has no quota."""


def granted_rate(response: httpx.Response) -> float | None:
    """Calls a second that Amazon grants this account; accounts may be granted more than the default."""
    try:
        return float(response.headers["x-amzn-RateLimit-Limit"])
    except (KeyError, ValueError):
        return None
