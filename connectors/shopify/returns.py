"""Returns as Shopify tells them: a webhook's body, or `return`/`order.returns` of GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import ValidationError

from connectors.errors import SchemaDrift
from connectors.ports import Drift, ParsedReturns, Refusal
from connectors.shopify.amounts import money_at
from connectors.shopify.node import Node, decode, is_camel
from connectors.shopify.order import CHANNEL
from connectors.shopify.parse import refusal_of
from connectors.shopify.vocabulary import RETURN_STATES
from models.money import Money
from models.order import OrderKey
from models.returns import ChannelReturn, ReturnLine, ReturnState

REMEDY = "Send a return: bare, in `return` or `returns`, or a GraphQL `data.return` or `data.order.returns`."
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
"""Version of a return whose document names no moment: it never overwrites one that was read with its order."""


def parse_returns(body: bytes, account: str) -> ParsedReturns:
    """Never raises; one bad return does not hide the others."""
    found: list[ChannelReturn] = []
    refusals: list[Refusal] = []
    drift: list[Drift] = []
    try:
        for node in _returns_in(Node(decode(body))):
            each = _read(node, account)
            if isinstance(each, ChannelReturn):
                found.append(each)
                drift.extend(_unknown_reasons(node))
            else:
                refusals.append(each)
    except SchemaDrift as problem:
        refusals.append(refusal_of(problem))
    return ParsedReturns(returns=tuple(found), refusals=tuple(refusals), drift=tuple(dict.fromkeys(drift)))


def _returns_in(node: Node) -> Iterator[Node]:
    if not isinstance(node.value, dict):
        raise node.drift("not_a_return", REMEDY)
    node = Node(node.value, node.path, camel=is_camel(node.value))
    for name in ("data", "response_body", "return"):
        inner = node.at(name)
        if isinstance(inner.value, dict):
            yield from _returns_in(inner)
            return
    listed = node.at("returns") if node.has("returns") else node.at("order").at("returns")
    if not listed.absent:
        yield from (Node(each.value, each.path, camel=is_camel(each.value)) for each in listed.objects())
    elif node.has("return_line_items"):
        yield node
    else:
        raise node.drift("not_a_return", REMEDY)


def _read(node: Node, account: str) -> ChannelReturn | Refusal:
    order_id = None
    try:
        order_id = _order_id(node)
        return _return_of(node, OrderKey(channel=CHANNEL, account=account, external_id=order_id))
    except SchemaDrift as drift:
        return refusal_of(drift, order_id)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join([part for part in (node.path, *map(str, first["loc"])) if part]) or "$"
        return refusal_of(SchemaDrift("wrong_value", path, first["input"], f"{first['msg']}."), order_id)


def _return_of(node: Node, key: OrderKey) -> ChannelReturn:
    lines = list(node.at("return_line_items").objects())
    carrier, tracking = _tracking(node)
    requested = _moment(node.at("created_at", "requested_at"))
    return ChannelReturn(
        return_id=node.at("id", "admin_graphql_api_id").needed("A return has an id.").identity(),
        order_key=key,
        version=_version(node),
        state=_state(node, lines),
        lines=tuple(_line(line) for line in lines),
        rma=node.at("name").text(),
        carrier=carrier,
        tracking=tracking,
        requested_at=requested,
        refunded=_refunded(node),
    )


def _order_id(node: Node) -> str:
    order = node.at("order")
    found = order.at("id", "admin_graphql_api_id") if isinstance(order.value, dict) else node.at("order_id")
    return found.needed("A return names its order.").identity()


def _version(node: Node) -> datetime:
    """When the order changed, with which Shopify changes a return; else the last moment that the return names."""
    order = _moment(node.at("order").at("updated_at"))
    names = ("updated_at", "closed_at", "request_approved_at", "created_at", "requested_at")
    own = [moment for name in names if (moment := _moment(node.at(name)))]
    return order or max(own, default=UNDATED)


def _moment(node: Node) -> datetime | None:
    return None if node.absent else node.moment()


def _state(node: Node, lines: list[Node]) -> ReturnState:
    status = node.at("status").needed("A return has a status.")
    word = status.text().lower()
    if word not in RETURN_STATES:
        known = ", ".join(sorted(RETURN_STATES))
        raise status.drift("unknown_status", f"Known return statuses: {known}. Teach connectors/shopify the new one.")
    state = RETURN_STATES[word]
    return ReturnState.RECEIVED if state is ReturnState.APPROVED and _all_processed(lines) else state


def _all_processed(lines: list[Node]) -> bool:
    """Shopify has no status for it: the goods are back when every unit of every line is processed."""
    waiting = [line.at("unprocessed_quantity") for line in lines]
    return bool(lines) and all(not each.absent and each.count() == 0 for each in waiting)


def _line(line: Node) -> ReturnLine:
    sold = line.at("fulfillment_line_item").at("line_item")
    named = line.at("line_item_id") if sold.absent else sold.at("id", "admin_graphql_api_id")
    return ReturnLine(
        return_line_id=line.at("id", "admin_graphql_api_id").needed("Decisions name the return's lines.").identity(),
        line_id=None if named.absent else named.identity(),
        sku=sold.at("sku").text(),
        quantity=line.at("quantity").count(),
        reason=_reason(line),
    )


def _reason(line: Node) -> str:
    """The buyer's choice and what the buyer wrote."""
    choice = line.at("return_reason_definition").at("handle").text() or line.at("return_reason").text().lower()
    note = line.at("customer_note").text() or line.at("return_reason_note").text()
    return ": ".join(part for part in (choice, note) if part)


def _unknown_reasons(node: Node) -> tuple[Drift, ...]:
    return tuple(
        Drift(kind="unknown_value", path="return_line_items[].type", value=named)
        for line in node.at("return_line_items").objects()
        if (named := line.at("__typename").text()) not in ("", "ReturnLineItem", "UnverifiedReturnLineItem")
    )


def _tracking(node: Node) -> tuple[str, str]:
    for order in node.at("reverse_fulfillment_orders").objects():
        for delivery in order.at("reverse_deliveries").objects():
            tracking = delivery.at("deliverable").at("tracking")
            if not tracking.absent:
                return tracking.at("carrier_name").text(), tracking.at("number").text()
    return "", ""


def _refunded(node: Node) -> Money | None:
    rows = list(node.at("refunds").objects())
    codes = [row.at("total_refunded_set").at("shop_money").at("currency_code").text().upper() for row in rows]
    if not rows or not codes[0]:
        return None
    return Money.total((money_at(row, "total_refunded", currency=codes[0]) for row in rows), codes[0])
