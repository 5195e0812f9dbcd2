"""Cancellations, for which Amazon has no call: a feed for the whole order, and another for a part of it."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.amazon import feeds
from connectors.amazon.envelopes import CONTENT_TYPE, AdjustedItem, adjustment, cancellation
from connectors.amazon.operations import Operation, Purpose
from connectors.amazon.orders import Orders
from connectors.amazon.requests import NOW, identity
from connectors.amazon.seller import Seller
from connectors.amazon.submissions import Effect, Submissions
from connectors.amazon.words import CANCEL_REASONS, PART_REASONS
from connectors.errors import Declined
from models.channel import Cancellation, Progress
from models.order import Order


class Cancelling:
    def __init__(self, orders: Orders, submissions: Submissions, seller: Seller) -> None:
        self._orders = orders
        self._submissions = submissions
        self._seller = seller

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        """A whole order is refused by an acknowledgement, units of it by an adjustment (Seller Central G201722390)."""
        order_id = request.order_key.external_id
        order = await self._orders.now(order_id)
        units = still_to_cancel(order, request.units)
        if not units:
            return Progress()
        draft = self._draft(request, order, units)
        effect = Effect(lambda: self._happened(request), NOW)
        feed_id = await self._submissions.submit(identity(request), draft, effect, retry=retry)
        if feed_id is None:
            return Progress()
        operation = Operation(purpose=Purpose.CANCEL, feed_id=feed_id, order_id=order_id)
        return Progress(operation=operation.text(), look_again=self._seller.look_again)

    def _draft(self, request: Cancellation, order: Order, units: Mapping[str, int]) -> feeds.Draft:
        order_id, seller_id = order.key.external_id, self._seller.seller_id
        if units == {line.line_id: line.open for line in order.lines if line.open} and not _shipped(order):
            reason = self._seller.reason(CANCEL_REASONS, request.reason, "cancel_reasons")
            kind, body = feeds.CANCELLATIONS, cancellation(seller_id, order_id, units, reason)
        else:
            reason = self._seller.reason(PART_REASONS, request.reason, "part_reasons")
            items = [AdjustedItem(line_id, reason, cancelled=count) for line_id, count in units.items()]
            kind, body = feeds.ADJUSTMENTS, adjustment(seller_id, order_id, items)
        marketplace = self._seller.marketplace(request.region or order.region)
        return feeds.Draft(kind, CONTENT_TYPE, body, marketplace, request.correlation_id)

    async def _happened(self, request: Cancellation) -> bool:
        """An order shows its cancelled units as soon as the feed is done."""
        order = await self._orders.now(request.order_key.external_id)
        cancelled = {line.line_id: line.cancelled for line in order.lines}
        return all(cancelled.get(line_id, 0) >= units for line_id, units in request.units.items())


def still_to_cancel(order: Order, wanted: Mapping[str, int]) -> dict[str, int]:
    """What is cancelled already needs no cancelling. Raises `Declined` for units that have left."""
    lines = {line.line_id: line for line in order.lines}
    units: dict[str, int] = {}
    for line_id, count in wanted.items():
        line = lines.get(line_id)
        if line is None:
            words = f"amazon: order {order.key.external_id} has no item {line_id}"
            raise Declined(words, code="unknown_line", field=line_id)
        if count > line.open + line.cancelled:
            words = f"amazon: {line.shipped} of {line.quantity} units of item {line_id} have left"
            raise Declined(words, code="already_shipped", field=line_id)
        if open_units := min(count, line.open):
            units[line_id] = open_units
    return units


def _shipped(order: Order) -> bool:
    return any(line.shipped for line in order.lines)
