"""Any bytes in; canonical orders and named refusals out. Webhook, REST and GraphQL shapes, with or without wrappers."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from connectors.drift import MOST, known_fields, unknown_fields
from connectors.errors import SchemaDrift
from connectors.ports import Drift, Parsed, Refusal
from connectors.shopify.documents import orders_in
from connectors.shopify.node import Node, decode
from connectors.shopify.order import external_id, read_order
from connectors.shopify.state import unknown_words
from models.order import Order

KNOWN = known_fields(Path(__file__).with_name("fields.txt"))


def parse(body: bytes, account: str) -> Parsed:
    """Never raises; one bad order of a page does not hide the others."""
    try:
        found = list(orders_in(decode(body)))
    except SchemaDrift as drift:
        return Parsed(refusals=(refusal_of(drift),))
    read = [_order_or_refusal(each, account) for each in found]
    unknown = [each for node in found if isinstance(node, Node) for each in drift_of(node)]
    return Parsed(
        orders=tuple(each for each in read if isinstance(each, Order)),
        refusals=tuple(each for each in read if isinstance(each, Refusal)),
        drift=tuple(dict.fromkeys(unknown))[:MOST],
    )


def drift_of(order: Node) -> tuple[Drift, ...]:
    """Fields and words of an order that Shopify's contract of this version does not have."""
    try:
        return (*unknown_fields(order.value, KNOWN), *unknown_words(order))
    except RecursionError:
        return ()


def _order_or_refusal(found: Node | SchemaDrift, account: str) -> Order | Refusal:
    if isinstance(found, SchemaDrift):
        return refusal_of(found)
    try:
        return read_order(found, account)
    except SchemaDrift as drift:
        return refusal_of(drift, _id_or_none(found))
    except ValidationError as error:
        return _contradiction(error, found)
    except RecursionError:
        return refusal_of(SchemaDrift("wrong_type", found.path or "$", "…", "This is nested beyond all reason."))


def refusal_of(drift: SchemaDrift, order_id: str | None = None) -> Refusal:
    return Refusal(reason=drift.reason, path=drift.path, value=drift.value, remedy=drift.remedy, external_id=order_id)


def _contradiction(error: ValidationError, order: Node) -> Refusal:
    """Values that are fine one by one, and impossible together."""
    first = error.errors(include_url=False)[0]
    path = ".".join([part for part in (order.path, *map(str, first["loc"])) if part])
    drift = SchemaDrift("wrong_value", path or "$", first["input"], f"{first['msg']}.")
    return refusal_of(drift, _id_or_none(order))


def _id_or_none(order: Node) -> str | None:
    try:
        return external_id(order)
    except SchemaDrift:
        return None
