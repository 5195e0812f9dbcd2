"""The shop's buyers: they order, pay later, change their minds, send goods back. What is planned outlives a restart."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

from sandbox.core import Sandbox
from sandbox.storefront_book import Book, Document, moment_of, open_of, restate, written
from sandbox.storefront_orders import OrderWriter
from sandbox.storefront_returns import Returns
from sandbox.storefront_writes import cancel_units
from sandbox.traits import Traits

LATEST_CHANGE = 1.5
"""Times the job delay within which a buyer changes an order: it may race with everything that happens to it."""
PAYMENT = 5.0
"""Times the job delay until a late payer has paid, and until a marketplace has shipped its own orders."""


class Buyers:
    def __init__(self, sandbox: Sandbox, book: Book, returns: Returns) -> None:
        self._sandbox = sandbox
        self._book = book
        self._returning = sandbox.shelf.collection("storefront.returning")
        self._happenings = {
            "pay": self._pay,
            "cancel": self._cancel,
            "ask_to_cancel": self._ask_to_cancel,
            "cancel_part": self._cancel_part,
            "ship": self._ship,
            "return": returns.ask,
        }

    def order(self, traits: Traits) -> Document:
        """A buyer orders, and something may happen to the order by itself soon."""
        number = self._book.number("order")
        order = OrderWriter(traits, self._sandbox.options.seed, number, datetime.now(UTC)).write()
        self._book.orders.changed(order)
        self._book.record("order_placed", order["id"])
        chance = random.Random(f"{self._sandbox.options.seed}/storefront-buyer/{traits.number}")
        soon = chance.uniform(0, LATEST_CHANGE) * self._book.job_delay
        later = PAYMENT * self._book.job_delay
        plans = {
            "pay": (order["state"] == "pending", later),
            "cancel": (traits.cancel, soon),
            "ask_to_cancel": (traits.asks_to_cancel, soon),
            "cancel_part": (traits.cancels_part, soon),
            "ship": (traits.channel_fulfilled, later),
        }
        for what, (wanted, after) in plans.items():
            if wanted:
                self._plan(what, order["id"], after)
        if traits.returns:
            self._returning.put(order["id"], True)
        return order

    def resume(self) -> None:
        """What was planned when the sandbox stopped happens now. Needs a running event loop."""
        for plan in self._book.planned():
            self._sandbox.spawn(self._happen(plan))

    def _plan(self, what: str, order_id: str, after: float) -> None:
        self._sandbox.spawn(self._happen(self._book.plan(what, order_id, after)))

    def noticed(self, order: Document) -> None:
        """An order has changed: one whose buyer will not like it is sent back once all of it has left."""
        if order["state"] == "shipped" and order["id"] in self._returning:
            self._returning.remove(order["id"])
            self._plan("return", order["id"], self._book.job_delay)

    async def _happen(self, plan: Document) -> None:
        due = moment_of(plan["at"])
        assert due is not None
        await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        self._book.done(plan)
        if order := self._book.orders.get(plan["order_id"]):
            self._happenings[plan["what"]](order)

    def _pay(self, order: Document) -> None:
        if order["state"] == "pending":
            order["state"] = "open"
            self._book.order_changed("orders/paid", order)

    def _cancel(self, order: Document) -> None:
        """The buyer cancels, unless goods have left: then the shop does not let them."""
        if order["state"] in ("open", "pending"):
            cancel_units(self._book, order, {line["id"]: open_of(line) for line in order["lines"]}, "buyer")
            self._book.record("cancelled_by_buyer", order["id"])
            self._book.order_changed("orders/cancelled", order)

    def _cancel_part(self, order: Document) -> None:
        """The shop has one unit of the first line less than it thought."""
        first = order["lines"][0]
        if order["state"] in ("open", "pending") and open_of(first):
            cancel_units(self._book, order, {first["id"]: 1}, "out_of_stock")
            self._book.record("cancelled_by_shop", order["id"], units={first["id"]: 1})
            self._book.order_changed("orders/updated", order)

    def _ask_to_cancel(self, order: Document) -> None:
        if order["state"] in ("open", "pending"):
            order["cancel_request"] = {"reason": "ordered by mistake", "requested_at": written(datetime.now(UTC))}
            self._book.order_changed("orders/updated", order)

    def _ship(self, order: Document) -> None:
        """The marketplace ships what it fulfils itself."""
        if order["state"] == "pending":
            self._plan("ship", order["id"], PAYMENT * self._book.job_delay)
        units = {line["id"]: open_of(line) for line in order["lines"] if open_of(line)}
        if units and order["state"] == "open":
            for line in order["lines"]:
                line["quantity_shipped"] += units.get(line["id"], 0)
            rows = [{"line_id": line_id, "quantity": count} for line_id, count in units.items()]
            number = self._book.number("parcel")
            parcel = {"id": f"MP-{number}", "carrier": "DHL", "tracking": f"JD{number:012d}", "lines": rows}
            order["parcels"].append({**parcel, "shipped_at": written(datetime.now(UTC))})
            restate(order)
            self._book.record("shipped_by_marketplace", order["id"], units=units)
            self._book.order_changed("orders/updated", order)
