"""Amazon's twin: one account with its orders, parcels, feeds, listings, returns, reports and notifications."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import amazon_feeds, amazon_listings, amazon_shipping
from sandbox.amazon_answers import expired, identified, now, rate_header, refusing, throttled
from sandbox.amazon_buyers import US, invent
from sandbox.amazon_feeds import AmazonFeeds, Work
from sandbox.amazon_files import orders_in
from sandbox.amazon_listings import SELLER_ID, AmazonListings
from sandbox.amazon_login import CREDENTIALS, AmazonLogin
from sandbox.amazon_notifications import SECRET, AmazonNotifications
from sandbox.amazon_obeying import Obeying
from sandbox.amazon_orders import AmazonOrders
from sandbox.amazon_reads_v0 import AmazonReadsV0
from sandbox.amazon_refunds import AmazonRefunds
from sandbox.amazon_reports import AmazonReports
from sandbox.amazon_requested import RequestedReports
from sandbox.amazon_returns import AmazonReturns
from sandbox.amazon_shelf import ACCOUNT, ONE_UNIT_LESS, AmazonShelf, order_key
from sandbox.amazon_shipping import AmazonShipping
from sandbox.amazon_storage import AmazonStorage
from sandbox.core import Handler, Sandbox
from sandbox.traits import Traits
from sandbox.webhooks import WebhookSender

V2026 = "/orders/2026-01-01/orders"
V0 = "/orders/v0/orders"
FEEDS = "/feeds/2021-06-30"
REPORTS = "/reports/2021-06-30"
SEEN_AFTER = 1.0
"""Seconds until Amazon ships its own orders."""


class AmazonTwin:
    def __init__(self, sandbox: Sandbox, webhooks: WebhookSender | None = None) -> None:
        """Without a sender of webhooks no notification is sent: orders have to be polled."""
        self.sandbox = sandbox
        self._shelf = AmazonShelf(sandbox)
        self._tells = webhooks is not None and bool(sandbox.options.webhooks_to)
        if webhooks and self._tells:
            AmazonNotifications(self._shelf, webhooks)
        storage = AmazonStorage(sandbox)
        refunds, returns = AmazonRefunds(sandbox, self._shelf), AmazonReturns(sandbox, self._shelf)
        obeying = Obeying(self._shelf, refunds, returns, sandbox.ledger)
        self._login = AmazonLogin(sandbox)
        self._orders = AmazonOrders(self._shelf)
        self._v0 = AmazonReadsV0(self._shelf)
        self._shipping = AmazonShipping(self._shelf, sandbox.ledger)
        self._refunds = refunds
        self._reports = AmazonReports(sandbox, self._shelf, storage, refunds)
        self._requested = RequestedReports(sandbox, returns)
        self._listings = AmazonListings(sandbox)
        work: dict[str, Work] = {
            "POST_ORDER_ACKNOWLEDGEMENT_DATA": obeying.acknowledgements,
            "POST_PAYMENT_ADJUSTMENT_DATA": obeying.adjustments,
            "JSON_LISTINGS_FEED": self._listings.obey,
        }
        self._feeds = AmazonFeeds(sandbox, storage, work)

    def routes(self) -> list[Route]:
        return [*self._order_routes(), *self._feed_routes(), *self._listing_routes(), *self._report_routes()]

    def _order_routes(self) -> list[Route]:
        login, guarded, order = self._login, self._login.guarded, "{order_id}"
        address = guarded(self._v0.address, restricted=True)
        return [
            self._route("token", "/auth/o2/token", login.token, method="POST", open_to_all=True),
            self._route(
                "create_restricted_data_token",
                "/tokens/2021-03-01/restrictedDataToken",
                guarded(login.restricted_token),
                (1.0, 10),
                method="POST",
            ),
            self._route("search_orders", V2026, guarded(self._orders.search), (0.0056, 20)),
            self._route("get_order", f"{V2026}/{order}", guarded(self._orders.get), (0.5, 30)),
            self._route("get_orders_v0", V0, guarded(self._v0.orders), (0.0167, 20)),
            self._route("get_order_v0", f"{V0}/{order}", guarded(self._v0.order), (0.5, 30)),
            self._route("get_order_items_v0", f"{V0}/{order}/orderItems", guarded(self._v0.items), (0.5, 30)),
            self._route("get_order_address_v0", f"{V0}/{order}/address", address, (0.5, 30)),
            self._route(
                "confirm_shipment",
                f"{V0}/{order}/shipmentConfirmation",
                guarded(self._shipping.confirm),
                (2.0, 10),
                method="POST",
                declined=amazon_shipping.declined,
            ),
            self._route(
                "get_financial_events",
                f"/finances/v0/orders/{order}/financialEvents",
                guarded(self._refunds.events),
                (0.5, 30),
            ),
        ]

    def _feed_routes(self) -> list[Route]:
        feeds, guarded, document = self._feeds, self._login.guarded, "{document_id}"
        return [
            self._route(
                "create_feed_document",
                f"{FEEDS}/documents",
                guarded(feeds.create_document),
                (0.5, 15),
                method="POST",
                declined=amazon_feeds.declined,
            ),
            self._route("upload_feed", f"/amazon-uploads/{document}", feeds.upload, method="PUT", open_to_all=True),
            self._route(
                "create_feed",
                f"{FEEDS}/feeds",
                guarded(feeds.create),
                (0.0083, 15),
                method="POST",
                declined=amazon_feeds.declined,
            ),
            self._route("get_feeds", f"{FEEDS}/feeds", guarded(feeds.feeds), (0.0222, 10)),
            self._route("get_feed", f"{FEEDS}/feeds/{{feed_id}}", guarded(feeds.feed), (2.0, 15)),
            self._route("get_feed_document", f"{FEEDS}/documents/{document}", guarded(feeds.document), (0.0222, 10)),
            self._route("download_feed_result", f"/amazon-feed-results/{document}", feeds.download, open_to_all=True),
        ]

    def _listing_routes(self) -> list[Route]:
        path, guarded = "/listings/2021-08-01/items/{seller_id}/{sku}", self._login.guarded
        patch = guarded(self._listings.patch)
        return [
            self._route("get_listing", path, guarded(self._listings.get), (5.0, 10)),
            self._route("patch_listing", path, patch, (5.0, 5), method="PATCH", declined=amazon_listings.declined),
        ]

    def _report_routes(self) -> list[Route]:
        guarded, document = self._login.guarded, "{document_id}"
        return [
            self._route("get_reports", f"{REPORTS}/reports", guarded(self._reports.reports), (0.0222, 10)),
            self._route(
                "create_report", f"{REPORTS}/reports", guarded(self._requested.create), (0.0167, 15), method="POST"
            ),
            self._route("get_report", f"{REPORTS}/reports/{{report_id}}", guarded(self._requested.get), (2.0, 15)),
            self._route(
                "get_report_document", f"{REPORTS}/documents/{document}", guarded(self._reports.document), (0.0167, 15)
            ),
            self._route("download_document", f"/amazon-documents/{document}", self._reports.download, open_to_all=True),
        ]

    def _route(
        self,
        name: str,
        path: str,
        handler: Handler,
        quota: tuple[float, int] | None = None,
        *,
        method: str = "GET",
        open_to_all: bool = False,
        declined: Callable[[Request], Response] | None = None,
    ) -> Route:
        operation = self.sandbox.operation(
            f"amazon.{name}",
            refusing(handler),
            throttled=throttled,
            quota=quota,
            quota_headers=rate_header,
            expired=None if open_to_all else expired,
            declined=declined,
        )
        return Route(path, identified(operation), methods=[method])

    def connection(self) -> dict[str, Any]:
        """The account's entry in the connections file."""
        options = self.sandbox.options
        return {
            "provider": "amazon",
            "account": ACCOUNT,
            "base_url": options.base_url,
            "credentials": CREDENTIALS,
            "quota_scale": options.quota_scale,
            "webhook_secrets": [SECRET],
            "options": {
                "login_url": options.base_url,
                "seller_id": SELLER_ID,
                "default_marketplace": US.marketplace_id,
                "overlap_seconds": 5,
                "look_again_seconds": max(0.05, options.job_delay),
                # Here a refund is shown as soon as its feed is done.
                "refunds_shown_within_hours": 0,
            },
        }

    def credentials(self) -> dict[str, str]:
        base_url = self.sandbox.options.base_url
        return {"base_url": base_url, "token_url": f"{base_url}/auth/o2/token", "account": ACCOUNT, **CREDENTIALS}

    def sell(self, traits: Traits) -> str:
        """A buyer orders; returns Amazon's order id."""
        order = invent(traits, self.sandbox.options.seed, len(self._shelf) + 1, now())
        becomes = _becomes(traits)
        # Amazon lets a buyer cancel while it still holds the order back: the seller only ever sees it cancelled.
        after = SEEN_AFTER if becomes == "SHIPPED" else 0.0
        self._shelf.add(
            order["orderId"],
            order,
            becomes=becomes,
            after=after,
            copies=0 if traits.lose_webhook else traits.duplicates,
            # What Amazon shipped comes back to Amazon.
            returns=traits.returns and not traits.channel_fulfilled,
        )
        self.sandbox.ledger.record("amazon", "order_placed", order_key(order["orderId"]))
        if becomes and self._tells:
            self.sandbox.spawn(self._look(after))
        return str(order["orderId"])

    async def _look(self, after: float) -> None:
        """What is due happens when somebody looks: here, so that a notification tells of it."""
        await asyncio.sleep(after)
        self._shelf.records()

    def load(self, path: Path) -> list[str]:
        """Serve the orders of a file as if just updated; returns their ids. A file without an order brings none."""
        external_ids = []
        for order in orders_in(path):
            external_id = str(order.get("orderId") or f"without-id-{len(self._shelf) + 1}")
            if self._shelf.get(external_id) is None:
                self._shelf.add(external_id, order)
            external_ids.append(external_id)
        return external_ids

    def resume(self) -> None:
        """Go on with what was under way when the sandbox stopped. Needs a running event loop."""
        self._feeds.resume()
        self._requested.resume()
        self._listings.resume()
        if self._tells:
            self.sandbox.spawn(self._look(SEEN_AFTER))

    def close_period(self) -> list[str]:
        """Amazon closes a settlement period; returns the settlement ids, one a currency."""
        return self._reports.close_period()


def _becomes(traits: Traits) -> str:
    """What Amazon or the buyer makes of an order before the seller does anything."""
    if traits.cancel:
        return "CANCELLED"
    if traits.channel_fulfilled:
        return "SHIPPED"
    return ONE_UNIT_LESS if traits.cancels_part else ""
