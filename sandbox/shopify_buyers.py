"""What buyers and the shop's own staff do after an order: pay, cancel, take a unit off, send one back."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

from sandbox.core import Sandbox
from sandbox.shopify_hooks import Hooks
from sandbox.shopify_money import to_shown
from sandbox.shopify_pages import gid
from sandbox.shopify_refunds import current, fulfillable, share_of
from sandbox.shopify_root import Parts
from sandbox.traits import Traits

LATEST_CANCELLATION = 0.3
"""Seconds within which a buyer who regrets cancels: it may race with everything that happens to the order."""
PAYMENT_SECONDS = 1.0
EDIT_SECONDS = 0.05
RETURN_SECONDS = 0.3


class Buyers:
    def __init__(self, sandbox: Sandbox, parts: Parts, hooks: Hooks) -> None:
        self._sandbox = sandbox
        self._parts = parts
        self._hooks = hooks
        self._plans = sandbox.shelf.collection("shopify.returns_planned")

    def bought(self, order: dict[str, Any], traits: Traits) -> None:
        """Everything that will happen to an order of these traits. (Shopify's buyers cannot ask for a cancellation.)"""
        order_id, told = str(order["id"]), not traits.lose_webhook
        chance = random.Random(f"{self._sandbox.options.seed}/shopify-buyer/{traits.number}")
        if traits.returns:
            self._plans.put(order_id, True)
        if traits.cancel:
            delay = chance.uniform(0, LATEST_CANCELLATION)
            self._sandbox.spawn(self._cancel_later(order_id, delay, told=told))
        elif order["financial_status"] == "pending":
            self.pays(order_id, told=told)
        elif traits.cancels_part:
            self._sandbox.spawn(self._edit_later(order_id))

    def pays(self, order_id: str, *, told: bool) -> None:
        self._sandbox.spawn(self._pay_later(order_id, told=told))

    def shipped(self, order_id: str) -> None:
        """All of an order has left: the buyer who wants to send something back asks for it."""
        if self._plans.get(order_id):
            self._sandbox.spawn(self._return_later(order_id))

    def resume(self) -> None:
        for order_id in self._parts.book.unpaid():
            self.pays(order_id, told=True)
        for order_id in list(self._plans):
            if (self._parts.book.get(order_id) or {}).get("fulfillment_status") == "fulfilled":
                self.shipped(order_id)

    async def _cancel_later(self, order_id: str, delay: float, *, told: bool) -> None:
        await asyncio.sleep(delay)
        order = self._parts.cancelling.cancel(order_id, reason="CUSTOMER", by="buyer")
        if order and told:
            self._hooks.send("orders/cancelled", order)

    async def _pay_later(self, order_id: str, *, told: bool) -> None:
        await asyncio.sleep(PAYMENT_SECONDS)
        order = self._parts.book.pay(order_id)
        if order and told:
            self._hooks.send("orders/paid", order)

    async def _edit_later(self, order_id: str) -> None:
        """The merchant takes one unit off, and pays the difference back; an order of one unit stays as it is."""
        await asyncio.sleep(EDIT_SECONDS)
        order = self._parts.book.get(order_id)
        units = sum(current(line) for line in order["line_items"]) if order else 0
        if order is None or order.get("cancelled_at") or units < 2:
            return
        line = order["line_items"][0]
        if not fulfillable(line):
            return
        worth = self._parts.refunds.worth(order, [share_of(order, line, 1, "cancel")])
        editing = self._parts.editing
        edit = editing.begin(order_id)
        editing.set_quantity(edit, str(line["id"]), current(line) - 1, restock=True)
        editing.commit(edit)
        edited = self._parts.book.get(order_id)
        assert edited is not None
        due = to_shown(edited, min(worth, self._parts.refunds.left(edited)))
        if due > Decimal(0):
            self._parts.refunds.make(edited, [], due, note="Taken off the order")

    async def _return_later(self, order_id: str) -> None:
        await asyncio.sleep(RETURN_SECONDS)
        order = self._parts.book.get(order_id)
        if order is None or not self._plans.get(order_id):
            return
        self._plans.remove(order_id)
        line = {
            "fulfillmentLineItemId": gid("FulfillmentLineItem", f"{order['fulfillments'][0]['id']}0"),
            "quantity": 1,
            "returnReason": "UNWANTED",
            "customerNote": "Changed my mind.",
        }
        self._parts.returns.request({"orderId": gid("Order", order_id), "returnLineItems": [line]})
