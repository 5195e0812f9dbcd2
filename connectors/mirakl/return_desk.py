"""The seller's decisions on a return: RT21, RT25, RT26, RT27. All are bulk calls of partial success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi, document
from connectors.mirakl.node import Node
from connectors.mirakl.order import canonical
from connectors.mirakl.polling import Walks
from connectors.mirakl.refunding import Refunding
from connectors.mirakl.standing import Standing, share
from connectors.mirakl.vocabulary import REFUSED
from models.channel import RefundLine, RefundReason, ReturnAction, ReturnDecision
from models.money import Money
from models.order import Order

REJECTION = "RETURN_REJECTION_NOT_ELIGIBLE"
"""Reason of a refusal when the option `return_rejection_reason` does not name another."""
REACHED = {
    ReturnAction.ACCEPT: frozenset({"IN_PROGRESS", "RECEIVED", "CLOSED"}),
    ReturnAction.REFUSE: frozenset({REFUSED}),
    ReturnAction.RECEIVE: frozenset({"RECEIVED", "CLOSED"}),
    ReturnAction.REFUND: frozenset({"CLOSED"}),
}
"""States in which a decision has had its effect."""


class ReturnDesk:
    def __init__(self, api: MiraklApi, walks: Walks, refunding: Refunding, options: Mapping[str, Any]) -> None:
        self._api = api
        self._walks = walks
        self._refunding = refunding
        self._rejection = str(options.get("return_rejection_reason", REJECTION))

    async def decide(self, decision: ReturnDecision, *, retry: bool) -> None:
        """A decision that is in effect already is done. Raises `Declined` with Mirakl's words."""
        if retry and (await self._state(decision)) in REACHED[decision.action]:
            return
        match decision.action:
            case ReturnAction.ACCEPT:
                await self._send(quotas.ACCEPT_RETURN, "accept", {"accepted": True}, decision)
            case ReturnAction.REFUSE:
                body = {"accepted": False, "rejection_reason_code": self._rejection}
                await self._send(quotas.ACCEPT_RETURN, "accept", body, decision)
            case ReturnAction.RECEIVE:
                await self._send(quotas.RECEIVE_RETURN, "receive", {}, decision)
            case ReturnAction.REFUND:
                await self._refund(decision, retry=retry)

    async def _refund(self, decision: ReturnDecision, *, retry: bool) -> None:
        """What came back is declared as agreed (RT26), paid back (OR28), and the return closed (RT27)."""
        lines = [{"order_line_id": line_id, "compliant": True} for line_id in decision.units]
        await self._send(quotas.JUDGE_RETURN, "compliance", {"return_lines": lines}, decision)
        standing = Standing.read(await self._walks.order(decision.order_key.external_id))
        order = canonical(standing.node, decision.order_key.account)
        paid = tuple(_refund_line(order, line_id, units) for line_id, units in decision.units.items())
        await self._refunding.pay(standing, paid, RefundReason.RETURNED, decision.correlation_id, retry=retry)
        await self._send(quotas.CLOSE_RETURN, "close", {}, decision)

    async def _send(self, operation: str, verb: str, body: Mapping[str, object], decision: ReturnDecision) -> None:
        returns = {"returns": [{"id": decision.return_id, **body}]}
        path = f"/api/returns/{verb}"
        response = await self._api.write(operation, "PUT", path, returns, decision.correlation_id)
        errors = list(document(response, f"{verb} return")["return_errors"].each())
        if errors and (await self._state(decision)) not in REACHED[decision.action]:
            raise Declined(f"{verb} return: {errors[0]['message'].text()}", code="return_refused")

    async def _state(self, decision: ReturnDecision) -> str:
        params = {"return_id": decision.return_id}
        response = await self._api.get(quotas.GET_RETURN, "/api/returns", params)
        found: Node | None = next(document(response, "get return")["data"].each(), None)
        if found is None:
            raise Declined(f"the marketplace has no return {decision.return_id}", code="not_found")
        return found["state"].text()


def _refund_line(order: Order, line_id: str, units: int) -> RefundLine:
    """The units' share of what the line cost before any refund, so that a retry asks for the very same amount.

    Shipping is not paid back for goods that did arrive.
    """
    line = next((line for line in order.lines if line.line_id == line_id), None)
    if line is None:
        raise Declined(f"refund return: the order has no line {line_id}", code="ORDER_LINE_NOT_FOUND", field=line_id)
    of = max(line.quantity - line.cancelled, units)
    price = line.goods - Money.total((each.amount for each in line.discounts), order.currency)
    tax = Money.total((tax.amount for tax in line.taxes if not tax.included), order.currency)
    return RefundLine(
        line_id=line_id,
        quantity=units,
        goods=share(price, units, of),
        tax=share(tax, units, of) if tax else None,
    )
