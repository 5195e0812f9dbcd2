"""Pays buyers back: `refundCreate`, once for each request.

Two things keep a request from being paid twice: its `@idempotent` key, which Shopify forgets after a while, and the
request's id in the refund's note, which it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connectors.errors import Declined, SchemaDrift
from connectors.shopify import mutations, queries_changes
from connectors.shopify.failing import KeyIsSpent, check_user_errors
from connectors.shopify.graphql import ShopifyGraphql
from connectors.shopify.node import Node
from connectors.shopify.reading import not_found, order_gid
from connectors.shopify.vocabulary import REFUND_REASONS
from models.channel import ChannelRequest, Progress, RefundLine, RefundReason, RefundRequest
from models.money import Money, minor_unit

Document = dict[str, Any]
OPERATION = "refund/"
KEYS = 3
"""Keys that one request may use up: each is spent only by an attempt that has left no refund."""
UNDER_WAY = frozenset({"PENDING", "AWAITING_RESPONSE", "UNKNOWN"})
FAILED = frozenset({"FAILURE", "ERROR"})


def key_of(request_id: str, attempt: int = 0) -> str:
    """The same for every attempt of a request, until Shopify says that it is spent."""
    return str(uuid5(NAMESPACE_URL, f"orderyard:{request_id}#{attempt}"))


class Refunding:
    """Option of the connection: `notify_customer`."""

    def __init__(self, graphql: ShopifyGraphql, options: Mapping[str, Any]) -> None:
        self._graphql = graphql
        self._options = options

    async def refund(self, request: RefundRequest) -> Progress:
        """Raises `Declined` (`over_refund`, `unknown_line`, `currency_differs`)."""
        order, lines = await self.units(request, [line.line_id for line in request.lines])
        if done := self.found(order, request):
            return done
        payable = await self.suggested(request, {"full": True})
        wanted = {
            "discrepancyReason": REFUND_REASONS[request.reason],
            "refundLineItems": [row for line in request.lines for row in _units(line, request.reason, lines)],
            **_shipping(request, payable),
        }
        return await self.create(request, payable, wanted, _transactions(request.total, payable), request.note)

    async def units(self, request: ChannelRequest, lines: Iterable[str]) -> tuple[Document, dict[str, Node]]:
        """The order with its refunds, and what can be cancelled or refunded of the lines."""
        order_id = request.order_key.external_id
        gids = [f"gid://shopify/LineItem/{line}" for line in dict.fromkeys(lines)]
        data = await self._graphql.run(
            "units_of_lines",
            queries_changes.UNITS_OF_LINES,
            {"id": order_gid(order_id), "lines": gids},
            correlation_id=request.correlation_id,
        )
        if not isinstance(data.get("order"), dict):
            raise not_found(order_id)
        nodes = [Node(node, "data.nodes", camel=True) for node in data.get("nodes") or () if node]
        found = {node.at("id").identity(): node for node in nodes if not node.at("id").absent}
        for line in lines:
            if line not in found:
                raise Declined(f"Shopify knows no line {line} of order {order_id}", code="unknown_line", field=line)
        return data["order"], found

    def found(self, order: Document, request: ChannelRequest) -> Progress | None:
        """What became of the refund that an earlier attempt created, if one did."""
        mine = [each for each in order.get("refunds") or () if str(each.get("note") or "").endswith(_mark(request))]
        return progress_of(mine[0]) if mine else None

    async def suggested(self, request: ChannelRequest, variables: Document) -> Document:
        """The order with Shopify's own calculation of a refund."""
        data = await self._graphql.run(
            "suggested_refund",
            queries_changes.SUGGESTED_REFUND,
            {"id": order_gid(request.order_key.external_id), **variables},
            correlation_id=request.correlation_id,
        )
        order = data.get("order")
        if not isinstance(order, dict) or not isinstance(order.get("suggestedRefund"), dict):
            raise SchemaDrift("missing", "data.order.suggestedRefund", order, "Shopify calculates a refund here.")
        return order

    async def create(
        self, request: ChannelRequest, payable: Document, wanted: Document, transactions: list[Document], note: str
    ) -> Progress:
        """One refund with these lines and transactions. `wanted` is the rest of a `RefundInput`."""
        order_id = order_gid(request.order_key.external_id)
        refund = {
            "orderId": order_id,
            "note": f"{note} {_mark(request)}".strip(),
            "notify": bool(self._options.get("notify_customer", False)),
            "currency": payable["presentmentCurrencyCode"],
            "transactions": [{"orderId": order_id, "kind": "REFUND", **each} for each in transactions],
            **wanted,
        }
        for attempt in range(KEYS):
            try:
                return await self._send(request, refund, key_of(request.request_id, attempt))
            except KeyIsSpent:
                order, _ = await self.units(request, ())
                if done := self.found(order, request):
                    return done
        raise KeyIsSpent(f"refund {request.request_id}: {KEYS} idempotency keys are spent, and there is no refund")

    async def follow(self, refund_id: str) -> Progress:
        data = await self._graphql.run("refund", queries_changes.REFUND, {"id": f"gid://shopify/Refund/{refund_id}"})
        if not isinstance(data.get("refund"), dict):
            raise Declined(f"Shopify knows no refund {refund_id}", code="not_found", field="refund_id")
        return progress_of(data["refund"])

    async def _send(self, request: ChannelRequest, refund: Document, key: str) -> Progress:
        data = await self._graphql.run(
            "refund_create",
            mutations.REFUND,
            {"input": refund, "key": key},
            writes=True,
            correlation_id=request.correlation_id,
        )
        payload = data.get("refundCreate") or {}
        check_user_errors("refund", payload)
        if not isinstance(payload.get("refund"), dict):
            raise SchemaDrift("missing", "data.refundCreate.refund", None, "Look whether it was created.")
        return progress_of(payload["refund"])


def progress_of(refund: Document) -> Progress:
    """A refund is done when the payment provider has taken it. Raises `Declined` (`refund_failed`) when it has not."""
    transactions = (refund.get("transactions") or {}).get("nodes") or ()
    failed = [each for each in transactions if each["status"] in FAILED]
    if failed:
        reasons = ", ".join(str(each.get("errorCode") or each["status"]) for each in failed)
        raise Declined(f"the payment provider refused the refund: {reasons}", code="refund_failed")
    if any(each["status"] in UNDER_WAY for each in transactions):
        return Progress(operation=OPERATION + Node(refund["id"]).identity(), look_again=timedelta(minutes=1))
    return Progress()


def suggested_transactions(payable: Document) -> list[Document]:
    """Shopify's suggestion as it is, in the buyer's currency."""
    rows = payable["suggestedRefund"].get("suggestedTransactions") or ()
    found = [(row, row["amountSet"]["presentmentMoney"]["amount"]) for row in rows]
    return [_transaction(row, amount) for row, amount in found if Decimal(amount)]


def _mark(request: ChannelRequest) -> str:
    return f"[{request.request_id}]"


def _units(line: RefundLine, reason: RefundReason, lines: dict[str, Node]) -> list[Document]:
    """Units that have left and are not paid back yet; of a cancellation, units that wait. The rest is money alone.

    Stock is ours to count, so that nothing is put back, except that a cancelled unit leaves its fulfilment order.
    """
    cancelled = reason is RefundReason.CANCELLED
    found = lines[line.line_id]
    waiting = found.at("unfulfilled_quantity").count()
    units = min(line.quantity, waiting if cancelled else found.at("refundable_quantity").count() - waiting)
    if units <= 0:
        return []
    return [refund_line(line.line_id, units, "CANCEL" if cancelled else "NO_RESTOCK")]


def refund_line(line_id: str, quantity: int, restock: str) -> Document:
    return {"lineItemId": f"gid://shopify/LineItem/{line_id}", "quantity": quantity, "restockType": restock}


def _shipping(request: RefundRequest, payable: Document) -> Document:
    parts = [line.shipping for line in request.lines if line.shipping]
    if not parts:
        return {}
    amount = Money.total(parts, parts[0].currency).amount
    rows = payable["suggestedRefund"].get("suggestedTransactions") or ()
    return {"shipping": {"amount": str(_shown(amount, rows[0]) if rows else amount)}}


def _transactions(total: Money, payable: Document) -> list[Document]:
    """The amount, taken from the payments that can still be paid back, in the buyer's currency."""
    if total.currency != payable["currencyCode"]:
        problem = f"the order is kept in {payable['currencyCode']}, the refund is in {total.currency}"
        raise Declined(problem, code="currency_differs", field="currency")
    missing = total.amount
    found: list[Document] = []
    for row in payable["suggestedRefund"].get("suggestedTransactions") or ():
        taken = min(missing, _most(row, "shopMoney"))
        if taken > 0:
            found.append(_transaction(row, str(_shown(taken, row))))
            missing -= taken
    if missing > 0:
        left = total.amount - missing
        raise Declined(f"{total} to pay back, {left} are left of what the buyer paid", code="over_refund")
    return found


def _transaction(row: Document, amount: str) -> Document:
    parent = row.get("parentTransaction") or {}
    return {"amount": amount, "gateway": row["gateway"], **({"parentId": parent["id"]} if parent else {})}


def _most(row: Document, money: str) -> Decimal:
    most = row.get("maximumRefundableSet") or row["amountSet"]
    return Decimal(most[money]["amount"])


def _shown(amount: Decimal, row: Document) -> Decimal:
    """An amount of the shop's currency in the buyer's, at the rate of the payment that it is taken from."""
    shop, shown = _most(row, "shopMoney"), _most(row, "presentmentMoney")
    currency = (row.get("maximumRefundableSet") or row["amountSet"])["presentmentMoney"]["currencyCode"]
    exact = shown if amount == shop else amount * shown / shop
    return exact.quantize(minor_unit(currency), rounding=ROUND_HALF_EVEN)
