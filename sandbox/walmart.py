"""Walmart's twin: token, orders, returns, inventory, reconciliation reports and notifications of one US account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.routing import Route

from sandbox.core import Handler, Sandbox
from sandbox.traits import Traits
from sandbox.walmart_answers import declined, expired, now, refusing, throttled
from sandbox.walmart_book import ACCOUNT, OrderBook, order_key
from sandbox.walmart_buyers import invent
from sandbox.walmart_changes import WalmartChanges
from sandbox.walmart_files import orders_in
from sandbox.walmart_hooks import PATH, SECRET, Hooks
from sandbox.walmart_login import CREDENTIALS, WalmartLogin
from sandbox.walmart_orders import WalmartOrders
from sandbox.walmart_quota import Allotment
from sandbox.walmart_recon import WalmartRecon
from sandbox.walmart_returns import WalmartReturns
from sandbox.walmart_stock import WalmartStock
from sandbox.webhooks import WebhookSender

LATEST_CANCELLATION = 0.3
"""Seconds within which a buyer who regrets cancels."""
SHIPPED_AFTER = 1.0
"""Seconds until Walmart ships its own orders."""
AUTO_CANCEL_AFTER = 6 * 86_400.0
"""Seconds until Walmart cancels what was not shipped: four days after the estimated ship date, which is in two."""
ONE = "/v3/orders/{order_id}"
RECON = "/v3/report/reconreport"


class WalmartTwin:
    def __init__(self, sandbox: Sandbox, webhooks: WebhookSender) -> None:
        self.sandbox = sandbox
        self._hooks = Hooks(webhooks)
        self._book = OrderBook(sandbox, self._hooks.send)
        self._login = WalmartLogin(sandbox)
        self._orders = WalmartOrders(self._book, sandbox.ledger)
        self._returns = WalmartReturns(sandbox, self._book)
        self._changes = WalmartChanges(self._book, sandbox.ledger, self._returns.open)
        self._stock = WalmartStock(sandbox)
        self._recon = WalmartRecon(sandbox, self._book)

    def routes(self) -> list[Route]:
        orders, changes, returns, recon = self._orders, self._changes, self._returns, self._recon
        token = self.sandbox.operation("walmart.token", refusing(self._login.token), throttled=throttled)
        return [
            Route("/v3/token", token, methods=["POST"]),
            self._route("list_orders", "/v3/orders", orders.search, 5000),
            self._route("acknowledge", f"{ONE}/acknowledge", orders.acknowledge, 60, method="POST"),
            self._route("ship", f"{ONE}/shipping", changes.ship, 60, method="POST"),
            self._route("cancel", f"{ONE}/cancel", changes.cancel, 60, method="POST"),
            self._route("refund", f"{ONE}/refund", changes.refund, 60, method="POST"),
            self._route("get_order", ONE, orders.get, 5000),
            # Some of Walmart's services call the list of errors `error`.
            self._route("list_returns", "/v3/returns", returns.search, 50, key="error"),
            self._route("refund_return", "/v3/returns/{return_id}/refund", returns.refund, 60, method="POST"),
            self._route("get_inventory", "/v3/inventory", self._stock.get, 200),
            self._route("set_inventory", "/v3/inventory", self._stock.put, 200, method="PUT"),
            self._route("recon_dates", f"{RECON}/availableReconFiles", recon.dates, 100),
            self._route("recon_file", f"{RECON}/reconFileJson", recon.json, 100),
            self._route("recon_csv", f"{RECON}/reconFile", recon.csv, 100),
        ]

    def _route(
        self, name: str, path: str, handler: Handler, a_minute: int, *, method: str = "GET", key: str = "errors"
    ) -> Route:
        allotment = Allotment(a_minute, self.sandbox.options.quota_scale)
        operation = self.sandbox.operation(
            f"walmart.{name}",
            allotment.within(refusing(self._login.guarded(handler), key=key)),
            throttled=throttled,
            expired=expired,
            declined=declined,
        )
        return Route(path, operation, methods=[method])

    def connection(self) -> dict[str, Any]:
        """The account's entry in the connections file."""
        return {
            "provider": "walmart",
            "account": ACCOUNT,
            "base_url": self.sandbox.options.base_url,
            "currency": "USD",
            "region": "US",
            "credentials": dict(CREDENTIALS),
            # What Walmart signs includes the path of the registered URL.
            "webhook_secrets": [f"{PATH} {SECRET}"],
            "options": {"overlap_seconds": 5},
        }

    def credentials(self) -> dict[str, str]:
        base_url = self.sandbox.options.base_url
        return {"base_url": base_url, "token_url": f"{base_url}/v3/token", **CREDENTIALS, "webhook_secret": SECRET}

    def sell(self, traits: Traits) -> str:
        """A buyer orders; returns the purchase order's id."""
        order = invent(traits, self.sandbox.options.seed, len(self._book) + 1, now())
        external_id = str(order["purchaseOrderId"])
        self._book.add(order, _due(traits), told=not traits.lose_webhook, returns=traits.returns)
        self.sandbox.ledger.record("walmart", "order_placed", order_key(external_id))
        if not traits.lose_webhook:
            self._hooks.send(order, "PO_CREATED", copies=traits.duplicates)
        return external_id

    def load(self, path: Path) -> list[str]:
        """Serve the orders of a file as if just placed; returns their ids. A file without an order brings none."""
        external_ids = []
        for order in orders_in(path):
            external_id = str(order["purchaseOrderId"])
            if not self._book.has(external_id):
                self._book.add(order)
                self._hooks.send(order, "PO_CREATED")
            external_ids.append(external_id)
        return external_ids

    def resume(self) -> None:
        """Go on with what was due when the sandbox stopped. Needs a running event loop."""
        self._book.resume()

    def close_period(self) -> list[str]:
        """Walmart closes a settlement period; returns the date of its report, if there was something to pay."""
        return self._recon.close_period()


def _due(traits: Traits) -> dict[str, float]:
    """What will happen to the order -> seconds until then."""
    soon = LATEST_CANCELLATION * (traits.number % 7) / 7
    happens = {
        "buyer_cancels": soon if traits.cancel else None,
        "asks_to_cancel": soon if traits.asks_to_cancel else None,
        "cancels_part": 0.0 if traits.cancels_part else None,
        "ships": SHIPPED_AFTER if traits.channel_fulfilled else None,
        "auto_cancel": AUTO_CANCEL_AFTER,
    }
    return {what: after for what, after in happens.items() if after is not None}
