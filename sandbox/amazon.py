"""Amazon's twin: login, orders (2026-01-01 and v0), shipment confirmation and settlement reports of one account."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import amazon_shipping
from sandbox.amazon_answers import expired, identified, now, rate_header, refusing, throttled
from sandbox.amazon_buyers import US, invent
from sandbox.amazon_files import orders_in
from sandbox.amazon_login import CREDENTIALS, AmazonLogin
from sandbox.amazon_orders import AmazonOrders
from sandbox.amazon_reads_v0 import AmazonReadsV0
from sandbox.amazon_reports import AmazonReports
from sandbox.amazon_shelf import ACCOUNT, AmazonShelf, order_key
from sandbox.amazon_shipping import AmazonShipping
from sandbox.core import Handler, Sandbox
from sandbox.traits import Traits

V2026 = "/orders/2026-01-01/orders"
V0 = "/orders/v0/orders"
SEEN_AFTER = 1.0
"""Seconds until Amazon ships its own orders."""


class AmazonTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._shelf = AmazonShelf(sandbox)
        self._login = AmazonLogin(sandbox)
        self._orders = AmazonOrders(self._shelf)
        self._v0 = AmazonReadsV0(self._shelf)
        self._shipping = AmazonShipping(self._shelf, sandbox.ledger)
        self._reports = AmazonReports(sandbox, self._shelf)

    def routes(self) -> list[Route]:
        login, guarded = self._login, self._login.guarded
        order, document = "{order_id}", "{document_id}"
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
            self._route("get_reports", "/reports/2021-06-30/reports", guarded(self._reports.reports), (0.0222, 10)),
            self._route(
                "get_report_document",
                f"/reports/2021-06-30/documents/{document}",
                guarded(self._reports.document),
                (0.0167, 15),
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
        base_url = self.sandbox.options.base_url

        return {
            "provider": "amazon",
            "account": ACCOUNT,
            "base_url": base_url,
            "credentials": CREDENTIALS,
            "options": {"login_url": base_url, "default_marketplace": US.marketplace_id, "overlap_seconds": 5},
        }

    def credentials(self) -> dict[str, str]:
        base_url = self.sandbox.options.base_url
        return {"base_url": base_url, "token_url": f"{base_url}/auth/o2/token", "account": ACCOUNT, **CREDENTIALS}

    def sell(self, traits: Traits) -> str:
        """A buyer orders; returns Amazon's order id."""
        order = invent(traits, self.sandbox.options.seed, len(self._shelf) + 1, now())
        becomes = "CANCELLED" if traits.cancel else "SHIPPED" if traits.channel_fulfilled else ""
        # Amazon lets a buyer cancel while it still holds the order back: the seller only ever sees it cancelled.
        self._shelf.add(order["orderId"], order, becomes=becomes, after=0.0 if traits.cancel else SEEN_AFTER)
        self.sandbox.ledger.record("amazon", "order_placed", order_key(order["orderId"]))
        return str(order["orderId"])

    def load(self, path: Path) -> list[str]:
        """Serve the orders of a file as if just updated; returns their ids. A file without an order brings none."""
        external_ids = []
        for order in orders_in(path):
            external_id = str(order.get("orderId") or f"without-id-{len(self._shelf) + 1}")
            if self._shelf.get(external_id) is None:
                self._shelf.add(external_id, order)
            external_ids.append(external_id)
        return external_ids

    def close_period(self) -> list[str]:
        """Amazon closes a settlement period; returns the settlement ids, one a currency."""
        return self._reports.close_period()
