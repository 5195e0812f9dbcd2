"""What a seller may decide of a return by API: to refund it. All else is decided in Seller Central, or by Amazon."""

from __future__ import annotations

from connectors.amazon.orders import Orders
from connectors.amazon.refunding import Refunding
from connectors.errors import Declined
from models.channel import Progress, RefundLine, RefundReason, RefundRequest, ReturnAction, ReturnDecision
from models.money import Money
from models.order import Order, OrderLine, Remitter


class Deciding:
    def __init__(self, orders: Orders, refunding: Refunding) -> None:
        self._orders = orders
        self._refunding = refunding

    async def decide(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        if decision.action is not ReturnAction.REFUND:
            words = f"amazon: to {decision.action} return {decision.return_id} is left to Seller Central"
            raise Declined(words, code="unsupported", field="action")
        order = await self._orders.now(decision.order_key.external_id)
        request = RefundRequest(
            request_id=decision.request_id,
            order_key=decision.order_key,
            correlation_id=decision.correlation_id,
            region=decision.region or order.region,
            extras=decision.extras,
            lines=tuple(_refund(order, sku, units) for sku, units in decision.units.items()),
            reason=RefundReason.RETURNED,
            note=decision.note,
        )
        return await self._refunding.refund(request, retry=retry)


def _refund(order: Order, sku: str, units: int) -> RefundLine:
    """Return lines are known by their SKU alone. Raises `Declined` when the order has not shipped so many of it."""
    for line in order.lines:
        if line.sku == sku and line.shipped >= units:
            return of_units(line, units)
    words = f"amazon: order {order.key.external_id} has not shipped {units} of {sku}"
    raise Declined(words, code="unknown_line", field=sku)


def of_units(line: OrderLine, units: int) -> RefundLine:
    """What the buyer paid for some of a line's units. Tax that Amazon remits, it also refunds."""
    paid = line.goods - Money.total((discount.amount for discount in line.discounts), line.goods.currency)
    seller_tax = [tax.amount for tax in line.taxes if tax.remitter is Remitter.SELLER and not tax.included]
    tax = _share(Money.total(seller_tax, line.goods.currency), line, units)
    return RefundLine(line_id=line.line_id, quantity=units, goods=_share(paid, line, units), tax=tax or None)


def _share(amount: Money, line: OrderLine, units: int) -> Money:
    """A line's price is that of the units that were not cancelled."""
    return amount.allocate([units, max(0, line.quantity - line.cancelled - units)])[0]
