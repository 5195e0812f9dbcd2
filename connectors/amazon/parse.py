"""Amazon's documents to canonical orders: pure and total, any bytes in, orders and named refusals out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pydantic import ValidationError

from connectors.amazon.assembly import assemble
from connectors.amazon.documents import REMEDY, Found, find
from connectors.amazon.drifting import drift
from connectors.amazon.node import Node, decode
from connectors.amazon.parse_v0 import facts_v0, items_for
from connectors.amazon.reading import facts
from connectors.amazon.refusals import first_line, refusal
from connectors.errors import SchemaDrift
from connectors.ports import Drift, Parsed, Refusal
from models.money import MoneyError
from models.order import Order


def parse(body: bytes, account: str) -> Parsed:
    """Orders of both API versions, in any wrapper in which they are sent, logged or recorded. Never raises."""
    try:
        root = decode(body)
    except ValueError as error:
        remedy = f"The document is not JSON ({error}): keep the answer of searchOrders or getOrder as it came."
        return Parsed(refusals=(refusal(SchemaDrift("not_json", "$", body[:60], remedy), None),))
    found = find(Node(root))
    return _parsed(found, account, drift(Node(root), found))


def _parsed(found: Found, account: str, drifts: tuple[Drift, ...]) -> Parsed:
    results: list[Order | Refusal] = [_read(node, account, _order_2026) for node in found.orders]
    results += [_read(node, account, partial(_order_v0, beside, found)) for node, beside in found.orders_v0]
    refused = [refusal(each, None) for each in (*found.refusals, *_left_alone(found))]
    return Parsed(
        orders=tuple(result for result in results if isinstance(result, Order)),
        refusals=(*(result for result in results if isinstance(result, Refusal)), *refused),
        drift=drifts,
    )


def _order_2026(node: Node, account: str) -> Order:
    return assemble(facts(node, account))


def _order_v0(beside: Node, found: Found, node: Node, account: str) -> Order:
    return assemble(facts_v0(node, beside, found, account))


def _read(node: Node, account: str, order: Callable[[Node, str], Order]) -> Order | Refusal:
    own = Node(node.value, node.path, [])
    try:
        return order(own, account)
    except SchemaDrift as problem:
        return refusal(problem, _external_id(node))
    except (ValidationError, MoneyError) as error:
        unkept = own.drift("invalid", f"The order cannot be kept: {first_line(error)}.")
        return refusal(unkept, _external_id(node))


def _left_alone(found: Found) -> list[SchemaDrift]:
    """Items and addresses of v0 whose order is not in the document."""
    alone = [node for node in found.items_v0 if not any(items_for(o, b, found) is node for o, b in found.orders_v0)]
    orders = {node["AmazonOrderId"].text() for node, _ in found.orders_v0}
    lost = [node for node in found.addresses_v0 if node["AmazonOrderId"].text() not in orders]
    remedy = "These are the items of an order without the order: fetch getOrder and send both."
    return [
        *(SchemaDrift("order_absent", node.path, node["AmazonOrderId"].value, remedy) for node in alone),
        *(SchemaDrift("not_an_order", node.path, "address", REMEDY.format(what="an address alone")) for node in lost),
    ]


def _external_id(node: Node) -> str | None:
    return node["orderId"].text() or node["AmazonOrderId"].text() or None
