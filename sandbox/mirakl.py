"""Mirakl's twin: one shop of one operator's marketplace (orders, shipments, returns, stock files, billing cycles)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import mirakl_reference
from sandbox.core import Handler, Sandbox
from sandbox.mirakl_answers import API_KEY, Payload, declined, guarded, now, throttled, unauthorized
from sandbox.mirakl_buyers import invent
from sandbox.mirakl_money import MiraklMoney
from sandbox.mirakl_orders import MiraklOrders
from sandbox.mirakl_payout import MiraklPayout
from sandbox.mirakl_returns import MiraklReturns
from sandbox.mirakl_shelf import ACCOUNT, CHANNEL, MiraklShelf
from sandbox.mirakl_shipments import MiraklShipments
from sandbox.mirakl_stock import MiraklStock
from sandbox.traits import Traits

PREFIX = "/mirakl"
"""So that `/api/…` of this twin meets no other's."""
ORDER = "/api/orders/{order_id}"
IMPORT = "/api/offers/stock/imports/{import_id}"

Quota = tuple[float, int]
MINUTELY, FIVE_MINUTELY, DAILY = (1 / 60, 10), (1 / 300, 10), (1 / 86_400, 10)
EACH_FIFTEEN_SECONDS, OF_LOGS = (1 / 15, 10), (1 / 90, 20)
"""Mirakl's call frequencies, a list's pages allowed for."""


class MiraklTwin:
    """`multi_shipment`: whether the operator has enabled it. Where it has, orders are not shipped as a whole."""

    def __init__(self, sandbox: Sandbox, *, multi_shipment: bool = True) -> None:
        self.sandbox = sandbox
        self.multi_shipment = multi_shipment
        self._shelf = MiraklShelf(sandbox)
        self._orders = MiraklOrders(self._shelf, multi_shipment=multi_shipment, shipped=self._shipped)
        self._money = MiraklMoney(self._shelf)
        self._shipments = MiraklShipments(self._shelf, multi_shipment=multi_shipment, shipped=self._shipped)
        self._returns = MiraklReturns(self._shelf)
        self._stock = MiraklStock(self._shelf)
        self._payout = MiraklPayout(self._shelf)

    def routes(self) -> list[Route]:
        return [*self._order_routes(), *self._shipment_routes(), *self._return_routes(), *self._other_routes()]

    def _order_routes(self) -> list[Route]:
        orders, money, refuse = self._orders, self._money, declined
        lists = self._operation("list_orders", orders.search, MINUTELY)
        gets = self._operation("get_order", orders.search)
        return [
            Route(f"{PREFIX}/api/orders", _by_query("order_ids", gets, lists), methods=["GET"]),
            self._route("update_order", "/api/orders", orders.update, MINUTELY, method="PUT"),
            self._route("cancel_lines", "/api/orders/cancel", money.cancel_lines, method="PUT", declined=refuse),
            self._route("refund", "/api/orders/refund", money.refund, method="PUT", declined=refuse),
            self._route("get_order_deprecated", ORDER, orders.get),
            self._route("accept", f"{ORDER}/accept", orders.accept, method="PUT", declined=refuse),
            self._route("tracking", f"{ORDER}/tracking", orders.track, method="PUT", declined=refuse),
            self._route("ship", f"{ORDER}/ship", orders.ship, method="PUT", declined=refuse),
            self._route("cancel_order", f"{ORDER}/cancel", money.cancel_order, method="PUT", declined=refuse),
        ]

    def _shipment_routes(self) -> list[Route]:
        shipments, path = self._shipments, "/api/shipments"
        return [
            self._route("create_shipments", path, shipments.create, method="POST", declined=declined),
            self._route("list_shipments", path, shipments.listing),
            self._route("ship_shipments", f"{path}/ship", shipments.ship, method="PUT", declined=declined),
        ]

    def _return_routes(self) -> list[Route]:
        returns, path = self._returns, "/api/returns"
        lists = self._operation("list_returns", returns.listing, FIVE_MINUTELY)
        gets = self._operation("get_return", returns.listing)
        return [
            Route(f"{PREFIX}{path}", _by_query("return_id", gets, lists), methods=["GET"]),
            self._route("accept_return", f"{path}/accept", returns.accept, method="PUT", declined=declined),
            self._route("receive_return", f"{path}/receive", returns.receive, method="PUT", declined=declined),
            self._route("judge_return", f"{path}/compliance", returns.judge, method="PUT", declined=declined),
            self._route("close_return", f"{path}/close", returns.close, method="PUT", declined=declined),
        ]

    def _other_routes(self) -> list[Route]:
        stock, payout, imports = self._stock, self._payout, "/api/offers/stock/imports"
        logs = "/api/sellerpayment/transactions_logs"
        return [
            self._route("import_stock", imports, stock.upload, MINUTELY, method="POST", declined=declined),
            self._route("stock_status", f"{IMPORT}/status", stock.status, EACH_FIFTEEN_SECONDS),
            self._route("stock_errors", f"{IMPORT}/error_report", stock.errors, MINUTELY),
            self._route("transaction_logs", logs, payout.transactions, OF_LOGS),
            self._route("billing_cycles", "/api/seller-billing-cycles", payout.cycles, DAILY),
            self._route("reasons", "/api/reasons", mirakl_reference.reasons),
            self._route("carriers", "/api/shipping/carriers", mirakl_reference.carriers, DAILY),
            self._route("version", "/api/version", mirakl_reference.version),
        ]

    def _operation(
        self,
        name: str,
        handler: Handler,
        quota: Quota | None = None,
        declined: Callable[[Request], Response] | None = None,
    ) -> Handler:
        return self.sandbox.operation(
            f"{CHANNEL}.{name}",
            guarded(handler),
            throttled=throttled,
            quota=quota,
            expired=unauthorized,
            declined=declined,
        )

    def _route(
        self,
        name: str,
        path: str,
        handler: Handler,
        quota: Quota | None = None,
        *,
        method: str = "GET",
        declined: Callable[[Request], Response] | None = None,
    ) -> Route:
        return Route(f"{PREFIX}{path}", self._operation(name, handler, quota, declined), methods=[method])

    def connection(self) -> dict[str, Any]:
        """The account's entry in the connections file."""
        options = self.sandbox.options
        return {
            "provider": CHANNEL,
            "account": ACCOUNT,
            "base_url": f"{options.base_url}{PREFIX}",
            "credentials": {"api_key": API_KEY},
            "currency": "EUR",
            "quota_scale": options.quota_scale,
            "options": {
                "multi_shipment": self.multi_shipment,
                "overlap_seconds": 5,
                "import_poll_seconds": max(0.05, options.job_delay),
            },
        }

    def credentials(self) -> dict[str, str]:
        return {"base_url": f"{self.sandbox.options.base_url}{PREFIX}", "account": ACCOUNT, "api_key": API_KEY}

    def sell(self, traits: Traits) -> str:
        """A buyer orders; returns Mirakl's order id. There are no webhooks that could be lost or doubled."""
        order, hidden = invent(traits, self.sandbox.options.seed, len(self._shelf) + 1, now())
        order_id = str(order["order_id"])
        record = self._shelf.add(order_id, order, hidden)
        record["returns"] = traits.returns
        self._shelf.kept(record)
        if traits.cancel:
            self._shelf.later(record, "cancel", 0.0)
        if traits.cancels_part:
            self._shelf.later(record, "cancel_part", self.sandbox.options.job_delay)
        self._shelf.record("order_placed", order_id)
        return order_id

    def _shipped(self, record: Payload) -> None:
        """A buyer who will send something back asks for it once it has left."""
        if record.pop("returns", False):
            self._shelf.later(record, "return", self.sandbox.options.job_delay)

    def load(self, path: Path) -> list[str]:
        """Serve the orders of a file as if just updated; returns their ids. A file without an order brings none."""
        loaded = []
        for order in _orders_in(path):
            order_id = str(order.get("order_id") or f"without-id-{len(self._shelf) + 1}")
            if not self._shelf.known(order_id):
                self._shelf.add(order_id, order)
            loaded.append(order_id)
        return loaded

    def close_period(self) -> list[str]:
        return self._payout.close_period()

    def resume(self) -> None:
        """Orders change by the clock alone; stock files that were not looked at are."""
        self._stock.resume()


def _by_query(name: str, with_it: Handler, without: Handler) -> Handler:
    """One address, two operations: a list, and a read of what the query names."""

    async def answer(request: Request) -> Response:
        return await (with_it if name in request.query_params else without)(request)

    return answer


def _orders_in(path: Path) -> list[Payload]:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return []
    found = document.get("orders", [document]) if isinstance(document, dict) else document
    if not isinstance(found, list):
        return []
    return [each for each in found if isinstance(each, dict) and {"order_id", "order_lines"} <= each.keys()]
