"""Refunds: money by an adjustment feed. It cannot be taken back, and twice the feed is twice the money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from connectors.amazon import feeds
from connectors.amazon.envelopes import CONTENT_TYPE, AdjustedItem, adjustment
from connectors.amazon.finances import Finances
from connectors.amazon.operations import Operation, Purpose
from connectors.amazon.requests import identity
from connectors.amazon.seller import Seller
from connectors.amazon.submissions import Effect, Submissions
from connectors.amazon.words import REFUND_REASONS
from models.channel import Progress, RefundLine, RefundRequest
from models.money import Money


class Refunding:
    def __init__(self, finances: Finances, submissions: Submissions, seller: Seller, shown_within: timedelta) -> None:
        self._finances = finances
        self._submissions = submissions
        self._seller = seller
        self._shown_within = shown_within

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        order_id = request.order_key.external_id
        reason = self._seller.reason(REFUND_REASONS, request.reason, "refund_reasons")
        items = [AdjustedItem(line.line_id, reason, components(line)) for line in request.lines]
        body = adjustment(self._seller.seller_id, order_id, items)
        marketplace = self._seller.marketplace(request.region)
        draft = feeds.Draft(feeds.ADJUSTMENTS, CONTENT_TYPE, body, marketplace, request.correlation_id)
        effect = Effect(lambda: self._happened(request), self._shown_within)
        feed_id = await self._submissions.submit(identity(request), draft, effect, retry=retry)
        if feed_id is None:
            return Progress()
        operation = Operation(purpose=Purpose.REFUND, feed_id=feed_id, order_id=order_id)
        return Progress(operation=operation.text(), look_again=self._seller.look_again)

    async def _happened(self, request: RefundRequest) -> bool:
        """True when the order's refund events have these very amounts."""
        events = await self._finances.refunds(request.order_key.external_id)
        return all(any(_same(line, item, given) for item, given in events) for line in request.lines)


def components(line: RefundLine) -> dict[str, Money]:
    """What is paid back, by Amazon's component types, without the tax that Amazon remits: that it refunds itself."""
    parts = {
        "Principal": line.goods,
        "Tax": _sellers(line.tax, line.channel_tax),
        "Shipping": line.shipping,
        "ShippingTax": _sellers(line.shipping_tax, line.channel_shipping_tax),
    }
    return {kind: amount for kind, amount in parts.items() if amount}


def _sellers(tax: Money | None, of_amazon: Money | None) -> Money | None:
    return tax - of_amazon if tax and of_amazon else tax


def _same(line: RefundLine, item: str, given: Mapping[str, Money]) -> bool:
    return item == line.line_id and given == components(line)
