"""Cancelling an order as a whole (OR29), or some units of it, which Mirakl takes as amounts (OR30)."""

from __future__ import annotations

from urllib.parse import quote

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.accepting import Acceptance
from connectors.mirakl.api import MiraklApi
from connectors.mirakl.node import Node
from connectors.mirakl.polling import Walks
from connectors.mirakl.reasons import Reasons
from connectors.mirakl.standing import INVALID_STATE, Standing, has_left, number, quantity, share, taxes
from connectors.mirakl.vocabulary import WAITING_ACCEPTANCE
from models.channel import Cancellation


class Cancelling:
    def __init__(self, api: MiraklApi, walks: Walks, acceptance: Acceptance, reasons: Reasons) -> None:
        self._api = api
        self._walks = walks
        self._acceptance = acceptance
        self._reasons = reasons

    async def cancel(self, request: Cancellation, *, retry: bool) -> None:
        """Raises `Declined` for an order that has left, or that its operator lets nobody cancel any more."""
        order_id = request.order_key.external_id
        order = Standing.read(await self._walks.order(order_id))
        if order.ended:
            return
        if order.left:
            raise Declined(f"cancel order: the order is {order.state}", code="ORDER_INVALID_STATE")
        if order.state == WAITING_ACCEPTANCE:
            await self._refuse(order, request)
        elif request.whole:
            await self._whole(request)
        else:
            await self._lines(order, request, retry=retry)

    async def _refuse(self, order: Standing, request: Cancellation) -> None:
        """Before acceptance, not to deliver is not to accept; a part of an order cannot be given up yet."""
        if not request.whole:
            raise Declined("cancel lines: the order is to be accepted first", code="ORDER_INVALID_STATE")
        lines = [line["order_line_id"].text() for line in order.lines()]
        order_id = request.order_key.external_id
        await self._acceptance.decide(order_id, lines, accepted=False, correlation_id=request.correlation_id)

    async def _whole(self, request: Cancellation) -> None:
        order_id = request.order_key.external_id
        path = f"/api/orders/{quote(order_id, safe='')}/cancel"
        try:
            await self._api.write(quotas.CANCEL_ORDER, "PUT", path, None, request.correlation_id)
        except Declined as refusal:
            if refusal.code not in INVALID_STATE:
                raise
            if not Standing.read(await self._walks.order(order_id)).ended:
                raise

    async def _lines(self, order: Standing, request: Cancellation, *, retry: bool) -> None:
        """OR30 has no idempotency key: a retry leaves out what the order shows as cancelled in the same way."""
        reason = await self._reasons.cancel(request.reason)
        wanted = {line_id: order.line(line_id) for line_id in request.units}
        if gone := next((line_id for line_id, line in wanted.items() if has_left(line)), None):
            raise Declined(f"cancel lines: {gone} has left", code="ORDER_INVALID_STATE", field=gone)
        todo = {
            line_id: min(units, quantity(wanted[line_id]))
            for line_id, units in request.units.items()
            if quantity(wanted[line_id]) and not (retry and _cancelled(wanted[line_id], units, reason))
        }
        if not todo:
            return
        body = {
            "order_tax_mode": order.tax_mode,
            "cancelations": [
                _cancelation(wanted[line_id], units, order.currency, reason) for line_id, units in todo.items()
            ],
        }
        await self._api.write(quotas.CANCEL_LINES, "PUT", "/api/orders/cancel", body, request.correlation_id)


def _cancelled(line: Node, units: int, reason: str) -> bool:
    return any(
        each["quantity"].quantity_or_none() == units and each["reason_code"].text() == reason
        for each in line["cancelations"].each()
    )


def _cancelation(line: Node, units: int, currency: str, reason: str) -> dict[str, object]:
    """The units' share of the price and its taxes; shipping is given up with the line's last unit."""
    of = quantity(line)
    shipping = line["shipping_price"].money_or_none(currency)
    last = units >= of
    body: dict[str, object] = {
        "order_line_id": line["order_line_id"].text(),
        "quantity": units,
        "amount": number(share(line["price"].money(currency), units, of)),
        "shipping_amount": number(shipping) if last else 0,
        "reason_code": reason,
        "currency_iso_code": currency,
    }
    if line["taxes"]:
        body["taxes"] = taxes(line, "taxes", currency, units, of)
    if line["shipping_taxes"]:
        body["shipping_taxes"] = taxes(line, "shipping_taxes", currency, units if last else 0, of)
    return body
