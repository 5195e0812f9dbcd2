"""Walmart's documents to canonical orders: pure and total, any bytes in, orders and named refusals out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from connectors.drift import known_fields, unknown_fields
from connectors.errors import SchemaDrift
from connectors.ports import Drift, Parsed, Refusal
from connectors.walmart.documents import decode, order_id, orders_in
from connectors.walmart.node import Node
from connectors.walmart.order import drift_of, read_order
from models.money import MoneyError
from models.order import Order

_PLACES = ("order[]", "list.elements.order[]", "OrdersListType.elements.order[]", "payload.order", "payload.order[]")
"""Where an order stands in the documents that hold one, beside `order`."""


def _known() -> frozenset[str]:
    """The contract's fields wherever an order stands, or alone: the file names them once, under `order`."""
    told = known_fields(Path(__file__).with_name("fields.txt"))
    inner = [line.removeprefix("order.") for line in told if line.startswith("order.")]
    return told | frozenset(f"{place}.{line}" for place in _PLACES for line in inner) | frozenset(inner)


_KNOWN = _known()


def parse(body: bytes, account: str) -> Parsed:
    """Never raises; one bad order of a list does not hide the others."""
    try:
        root = Node(decode(body))
    except ValueError as error:
        return Parsed(refusals=(unreadable(body, str(error)),))
    try:
        return _parsed(root, account)
    except RecursionError:
        return Parsed(refusals=(unreadable(body, "nested too deeply"),))


def _parsed(root: Node, account: str) -> Parsed:
    found = list(orders_in(root))
    read = [_order_or_refusal(each, account, root) for each in found]
    return Parsed(
        orders=tuple(each for each in read if isinstance(each, Order)),
        refusals=tuple(each for each in read if isinstance(each, Refusal)),
        drift=_drift(root, [each for each in found if isinstance(each, Node)]),
    )


def _drift(root: Node, orders: Iterable[Node]) -> tuple[Drift, ...]:
    """None of a document that holds no order: what it is, its refusal says."""
    words = [drift for order in orders for drift in drift_of(order)]
    return (*unknown_fields(root.value, _KNOWN), *dict.fromkeys(words)) if orders else ()


def _order_or_refusal(found: Node | SchemaDrift, account: str, root: Node) -> Order | Refusal:
    if isinstance(found, SchemaDrift):
        return refusal(found, order_id(root))
    try:
        return read_order(found, account)
    except SchemaDrift as drift:
        return refusal(drift, order_id(found))
    except (ValidationError, MoneyError) as error:
        return refusal(found.drift("invalid", f"The order cannot be kept: {first_line(error)}."), order_id(found))


def first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])} {first['msg']}".strip()
    return str(error)


def unreadable(body: bytes, why: str) -> Refusal:
    """A document that is neither JSON nor XML."""
    remedy = f"The document is neither JSON nor XML ({why}): keep Walmart's answer as it came."
    return refusal(SchemaDrift("not_json", "$", body[:60], remedy), None)


def refusal(drift: SchemaDrift, external_id: str | None) -> Refusal:
    return Refusal(
        reason=drift.reason,
        path=drift.path,
        value=drift.value,
        remedy=drift.remedy.encode("utf-8", "backslashreplace").decode().replace("\x00", ""),
        external_id=external_id,
    )
