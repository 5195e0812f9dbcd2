"""Paying a buyer back (OR28): amounts a line, and an amount a tax code where prices are without tax."""

from __future__ import annotations

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi
from connectors.mirakl.node import Node
from connectors.mirakl.polling import Walks
from connectors.mirakl.reasons import Reasons
from connectors.mirakl.standing import Standing, number
from connectors.mirakl.vocabulary import TAX_EXCLUDED
from models.channel import RefundLine, RefundReason, RefundRequest
from models.money import Money


class Refunding:
    def __init__(self, api: MiraklApi, walks: Walks, reasons: Reasons) -> None:
        self._api = api
        self._walks = walks
        self._reasons = reasons

    async def refund(self, request: RefundRequest, *, retry: bool) -> None:
        order = Standing.read(await self._walks.order(request.order_key.external_id))
        await self.pay(order, request.lines, request.reason, request.correlation_id, retry=retry)

    async def pay(
        self,
        order: Standing,
        lines: tuple[RefundLine, ...],
        reason: RefundReason,
        correlation_id: str,
        *,
        retry: bool,
    ) -> None:
        """A repeated OR28 pays twice, so that a retry leaves out each line whose refund the order shows.

        The operator pays later (`refund_state`); that the refund is owed is decided here. Raises `Declined`.
        """
        code = await self._reasons.refund(reason)
        bodies = [(line, _refund(order, line, code)) for line in lines]
        todo = [body for line, body in bodies if not (retry and _shown(order.line(line.line_id), line, code))]
        if not todo:
            return
        body = {"order_tax_mode": order.tax_mode, "refunds": todo}
        await self._api.write(quotas.REFUND, "PUT", "/api/orders/refund", body, correlation_id)


def _refund(order: Standing, line: RefundLine, reason: str) -> dict[str, object]:
    node, currency = order.line(line.line_id), order.currency
    if line.goods.currency != currency:
        raise Declined(f"refund: the order is in {currency}", code="currency_differs", field="currency_iso_code")
    body: dict[str, object] = {
        "order_line_id": line.line_id,
        "amount": number(line.goods),
        "shipping_amount": number(line.shipping) if line.shipping else 0,
        "quantity": line.quantity,
        "reason_code": reason,
        "currency_iso_code": currency,
        # What is paid back before it leaves is not to be shipped any more.
        "excluded_from_shipment": bool(line.quantity) and not order.left,
    }
    for name, wanted, base in (("taxes", line.tax, line.goods), ("shipping_taxes", line.shipping_tax, line.shipping)):
        if node[name]:
            amount = wanted or _tax_within(order, node, name, base)
            body[name] = _by_code(node, name, amount, currency)
    return body


def _tax_within(order: Standing, node: Node, name: str, base: Money | None) -> Money:
    """The tax that a price with tax contains, in the proportion of the line's; none where prices are without."""
    currency = order.currency
    price = node["price" if name == "taxes" else "shipping_price"].money_or_none(currency)
    if order.tax_mode == TAX_EXCLUDED or not base or not price:
        return Money.zero(currency)
    whole = Money.total((tax["amount"].money(currency) for tax in node[name].each()), currency)
    return Money.rounded(whole.amount * base.amount / price.amount, currency)


def _by_code(node: Node, name: str, amount: Money, currency: str) -> list[dict[str, object]]:
    """The tax by its codes, in the proportion of what each has left."""
    taxes = [(tax["code"].text(), tax["amount"].money(currency)) for tax in node[name].each()]
    weights = [abs(left.amount) for _, left in taxes]
    shares = amount.allocate(weights if any(weights) else [1] * len(taxes))
    return [{"code": code, "amount": number(part)} for (code, _), part in zip(taxes, shares, strict=True)]


def _shown(node: Node, line: RefundLine, reason: str) -> bool:
    """True when the order line already carries this refund: same amounts, units and reason."""
    currency = line.goods.currency
    wanted = (line.goods, line.shipping or Money.zero(currency), line.quantity, reason)
    return any(
        (
            each["amount"].money_or_none(currency),
            each["shipping_amount"].money_or_none(currency),
            each["quantity"].quantity_or_none(),
            each["reason_code"].text(),
        )
        == wanted
        for each in node["refunds"].each()
    )
