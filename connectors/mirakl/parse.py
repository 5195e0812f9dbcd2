"""Mirakl's documents to canonical orders: pure and total, any bytes in, orders and named refusals out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from connectors.drift import known_fields, unknown_fields
from connectors.errors import SchemaDrift
from connectors.mirakl.node import Node, decode
from connectors.mirakl.order import canonical
from connectors.ports import Drift, Parsed, Refusal
from models.money import MoneyError
from models.order import Order

FIELDS = known_fields(Path(__file__).with_name("fields.txt"))
HARMLESS = {
    "payment_workflow": frozenset(
        {
            "PAY_ON_ACCEPTANCE",
            "PAY_ON_DELIVERY",
            "PAY_ON_DUE_DATE",
            "PAY_ON_SHIPMENT",
            "NO_CUSTOMER_PAYMENT_CONFIRMATION",
        }
    ),
    "order_tax_mode": frozenset({"TAX_INCLUDED", "TAX_EXCLUDED"}),
}
"""Words that decide nothing (or whose absence is refused where it does): a new one is shown, the order goes on."""
REFUND_STATES = frozenset({"WAITING_REFUND_TAX_CONFIRMATION", "WAITING_REFUND", "WAITING_REFUND_PAYMENT", "REFUNDED"})
NOT_ORDERS = "Send the answer of OR11 ({orders: […]}) or one of its orders as it came."
CONNECT = (
    "This is Mirakl Connect's order: its amounts have no totals to prove. Connect the marketplace itself and read the "
    "order there with OR11, by its channel_order_id."
)


def parse(body: bytes, account: str) -> Parsed:
    """Answers of OR11, OR12 or an export (OR15), or single orders. Never raises."""
    try:
        root = Node(decode(body))
        found = list(_orders(root))
    except ValueError as error:
        remedy = f"The document is not JSON ({error}): keep the answer of OR11 as it came."
        return Parsed(refusals=(refusal(SchemaDrift("not_json", "$", body[:60], remedy), None),))
    except SchemaDrift as drift:
        return Parsed(refusals=(refusal(drift, None),))
    results = [_read(node, account) for node in found]
    return Parsed(
        orders=tuple(result for result in results if isinstance(result, Order)),
        refusals=tuple(result for result in results if isinstance(result, Refusal)),
        drift=tuple(dict.fromkeys(drift for node in found for drift in _drift(node))),
    )


def _orders(root: Node) -> Iterator[Node]:
    """The orders of a document. Raises `SchemaDrift` when there is no place for one."""
    if isinstance(root.value, list):
        yield from root.each()
    elif root.has("orders"):
        yield from root["orders"].each()
    elif root.has("order") and not root.has("order_id"):
        yield root["order"]
    elif root.has("order_lines", "order_state") or root.has("order_id", "order_state") or _priced(root):
        yield root
    elif root.has("data") and any(_of_connect(each) for each in root["data"].each()):
        yield from root["data"].each()
    else:
        raise root.drift("not_an_order", NOT_ORDERS)


def _priced(node: Node) -> bool:
    """True for an order that lacks its state; requests about order lines (OR21, OR26) have no prices."""
    return node.has("order_lines", "total_price") or _of_connect(node)


def _of_connect(node: Node) -> bool:
    return node.has("channel_order_id") and node.has("order_lines")


def _read(node: Node, account: str) -> Order | Refusal:
    external_id = node["order_id"].text() or node["channel_order_id"].text() or None
    try:
        if _of_connect(node):
            raise node["channel_order_id"].drift("mirakl_connect_order", CONNECT)
        if not node.has("order_lines") and not node.has("order_id"):
            raise node.drift("not_an_order", NOT_ORDERS)
        return canonical(node, account)
    except SchemaDrift as drift:
        return refusal(drift, external_id)
    except (ValidationError, MoneyError) as error:
        first_line = str(error).splitlines()[0]
        return refusal(node.drift("invalid", f"The order cannot be kept: {first_line}."), external_id)


def refusal(drift: SchemaDrift, external_id: str | None) -> Refusal:
    return Refusal(
        reason=drift.reason, path=drift.path, value=drift.value, remedy=drift.remedy, external_id=external_id
    )


def _drift(node: Node) -> Iterator[Drift]:
    if _of_connect(node):
        return
    if isinstance(node.value, dict):
        yield from unknown_fields(node.value, FIELDS)
    for name, known in HARMLESS.items():
        if (word := node[name].text()) and word not in known:
            yield Drift(kind="unknown_value", path=name, value=word)
    yield from _refund_drift(node)


def _refund_drift(node: Node) -> Iterator[Drift]:
    try:
        refunds = [refund for line in node["order_lines"].each() for refund in line["refunds"].each()]
    except SchemaDrift:
        return
    for refund in refunds:
        if (word := refund["refund_state"].text()) and word not in REFUND_STATES:
            yield Drift(kind="unknown_value", path="order_lines[].refunds[].refund_state", value=word)
