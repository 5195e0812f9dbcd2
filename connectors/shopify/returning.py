"""Returns: reads those that changed, and tells Shopify what the seller decided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.errors import Declined, InDoubt
from connectors.ports import PolledOrder, ReturnPage
from connectors.shopify import mutations, queries_changes
from connectors.shopify.failing import KeyIsSpent, check_user_errors
from connectors.shopify.graphql import ShopifyGraphql
from connectors.shopify.node import Node
from connectors.shopify.reading import OrderReader, encoded
from connectors.shopify.refunding import key_of
from models.channel import Progress, ReturnAction, ReturnDecision

Document = dict[str, Any]
PAGE_SIZE = 4
DECIDED = {ReturnAction.ACCEPT: frozenset({"OPEN", "CLOSED"}), ReturnAction.REFUSE: frozenset({"DECLINED", "CANCELED"})}
"""Statuses in which the decision has been taken already."""


class ReturnReader:
    """Returns have no list and no time of change of their own: they are read with the orders that they change."""

    def __init__(self, graphql: ShopifyGraphql, orders: OrderReader) -> None:
        self._graphql = graphql
        self._orders = orders

    async def page(self, cursor: str | None) -> ReturnPage:
        mark = self._orders.mark(cursor)
        query = f"{mark.query(self._orders.overlap)} -return_status:no_return"
        data = await self._graphql.run(
            "returns", queries_changes.RETURNS, {"first": PAGE_SIZE, "after": mark.after, "query": query}
        )
        page = data["orders"]
        found = [await self._polled(each) for order in page["nodes"] async for each in self._of(order)]
        changed = [Node(order["updatedAt"], "data.orders.updatedAt").moment() for order in page["nodes"]]
        following = mark.after_page(max(changed, default=mark.newest), page["pageInfo"])
        return ReturnPage(returns=tuple(found), cursor=following.dump(), more=bool(following.after))

    async def one(self, return_id: str) -> Document:
        """Raises `Declined` (`not_found`)."""
        data = await self._graphql.run("return", queries_changes.RETURN, {"id": return_gid(return_id)})
        if not isinstance(data.get("return"), dict):
            raise Declined(f"Shopify knows no return {return_id}", code="not_found", field="return_id")
        return dict(data["return"])

    async def _of(self, order: Document) -> AsyncIterator[Document]:
        page = order["returns"]
        while True:
            for each in page["nodes"]:
                yield each
            if not page["pageInfo"]["hasNextPage"]:
                return
            variables = {"id": order["id"], "after": page["pageInfo"]["endCursor"]}
            data = await self._graphql.run("returns_of_order", queries_changes.RETURNS_OF_ORDER, variables)
            page = data["order"]["returns"]

    async def _polled(self, found: Document) -> PolledOrder:
        node = Node(found, "data.return", camel=True)
        if node.at("return_line_items").at("page_info").at("has_next_page").flag():
            found = await self.one(node.at("id").identity())
        return PolledOrder(
            external_id=node.at("id").identity(), version=_changed(node), body=encoded({"data": {"return": found}})
        )


class Deciding:
    """Option of the connection: `notify_customer`."""

    def __init__(self, graphql: ShopifyGraphql, options: Mapping[str, Any], reader: ReturnReader) -> None:
        self._graphql = graphql
        self._reader = reader
        self._notify = bool(options.get("notify_customer", False))

    async def decide(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        """Raises `Declined` (`wrong_state`, `unknown_line`)."""
        found = await self._reader.one(decision.return_id)
        match decision.action:
            case ReturnAction.ACCEPT:
                await self._answer(decision, found, "returnApproveRequest", mutations.APPROVE_RETURN, {})
            case ReturnAction.REFUSE:
                reason = {"declineReason": "OTHER", "declineNote": decision.note[:500] or None}
                await self._answer(decision, found, "returnDeclineRequest", mutations.DECLINE_RETURN, reason)
            case ReturnAction.RECEIVE:
                await self._receive(decision, found, retry=retry)
            case ReturnAction.REFUND:
                await self._refund(decision, found)
        return Progress()

    async def _answer(
        self, decision: ReturnDecision, found: Document, field: str, mutation: str, more: Document
    ) -> None:
        if found["status"] in DECIDED[decision.action]:
            return
        _check_state(found, decision, "REQUESTED")
        wanted = {"id": return_gid(decision.return_id), "notifyCustomer": self._notify, **more}
        await self._write(decision, field, mutation, {"input": wanted})

    async def _receive(self, decision: ReturnDecision, found: Document, *, retry: bool) -> None:
        """Shopify knows a repeated request by its key; long after, the units that are processed tell."""
        if found["status"] == "CLOSED":
            return
        _check_state(found, decision, "OPEN")
        lines = _lines(found, decision)
        try:
            await self._process(decision, {"returnLineItems": _rows(decision.units)})
        except (Declined, KeyIsSpent):
            if not retry or any(lines[each]["processedQuantity"] < units for each, units in decision.units.items()):
                raise

    async def _refund(self, decision: ReturnDecision, found: Document) -> None:
        if found["status"] != "CLOSED":
            _check_state(found, decision, "OPEN")
            await self._pay_back(decision, _lines(found, decision))
            await self._write(decision, "returnClose", mutations.CLOSE_RETURN, {"id": return_gid(decision.return_id)})
            return
        if any(_lines(found, decision)[each]["refundedQuantity"] < units for each, units in decision.units.items()):
            raise _wrong_state(found, decision)

    async def _pay_back(self, decision: ReturnDecision, lines: dict[str, Document]) -> None:
        """What is not processed yet is processed with it. Units that have been paid back are done."""
        due = {name: min(units, lines[name]["refundableQuantity"]) for name, units in decision.units.items()}
        due = {name: units for name, units in due.items() if units}
        if not due:
            return
        fresh = {name: min(units, lines[name]["unprocessedQuantity"]) for name, units in due.items()}
        data = await self._graphql.run(
            "return_outcome",
            queries_changes.RETURN_OUTCOME,
            {"id": return_gid(decision.return_id), "lines": _rows(due)},
            correlation_id=decision.correlation_id,
        )
        rows = {name: units for name, units in fresh.items() if units}
        wanted = {"returnLineItems": _rows(rows), **_transfer(data)}
        try:
            await self._process(decision, wanted)
        except KeyIsSpent:
            now = _lines(await self._reader.one(decision.return_id), decision)
            if any(now[name]["refundedQuantity"] < units for name, units in decision.units.items()):
                raise

    async def _process(self, decision: ReturnDecision, wanted: Document) -> None:
        process = {
            "returnId": return_gid(decision.return_id),
            "note": decision.note or None,
            "notifyCustomer": self._notify,
            **wanted,
        }
        variables = {"input": process, "key": key_of(decision.request_id)}
        await self._write(decision, "returnProcess", mutations.PROCESS_RETURN, variables)

    async def _write(self, decision: ReturnDecision, field: str, mutation: str, variables: Document) -> None:
        operation = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in field)
        data = await self._graphql.run(
            operation, mutation, variables, writes=True, correlation_id=decision.correlation_id
        )
        payload = data.get(field) or {}
        check_user_errors("return", payload)
        if not isinstance(payload.get("return"), dict):
            raise InDoubt(f"shopify {operation}: the answer names no return; it may have taken effect")


def return_gid(return_id: str) -> str:
    return f"gid://shopify/Return/{return_id}"


def _changed(node: Node) -> datetime:
    return node.at("order").at("updated_at").moment()


def _check_state(found: Document, decision: ReturnDecision, wanted: str) -> None:
    if found["status"] != wanted:
        raise _wrong_state(found, decision)


def _wrong_state(found: Document, decision: ReturnDecision) -> Declined:
    problem = f"return {decision.return_id} is {found['status']}: {decision.action.value} is not possible any more"
    return Declined(problem, code="wrong_state", field="status")


def _lines(found: Document, decision: ReturnDecision) -> dict[str, Document]:
    lines = {Node(line["id"]).identity(): line for line in found["returnLineItems"]["nodes"]}
    for line in decision.units:
        if line not in lines:
            raise Declined(f"return {decision.return_id} has no line {line}", code="unknown_line", field=line)
    return lines


def _rows(units: Mapping[str, int]) -> list[Document]:
    return [{"id": f"gid://shopify/ReturnLineItem/{line}", "quantity": count} for line, count in units.items()]


def _transfer(data: Document) -> Document:
    """The refund that Shopify works out for the returned units; none when they cost nothing."""
    outcome = (data.get("return") or {}).get("suggestedFinancialOutcome") or {}
    transfer = outcome.get("financialTransfer") or {}
    rows = [
        {
            "parentId": (row.get("parentTransaction") or {}).get("id"),
            "transactionAmount": _money_input(row["amountSet"]["presentmentMoney"]),
        }
        for row in transfer.get("suggestedTransactions") or ()
        if Decimal(row["amountSet"]["presentmentMoney"]["amount"])
    ]
    return {"financialTransfer": {"issueRefund": {"orderTransactions": rows}}} if rows else {}


def _money_input(money: Document) -> Document:
    return {"amount": money["amount"], "currencyCode": money["currencyCode"]}
