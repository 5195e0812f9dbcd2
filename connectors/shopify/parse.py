"""Any bytes in; canonical orders and named refusals out. Webhook, REST and GraphQL shapes, with or without wrappers."""

from __future__ import annotations

from pydantic import ValidationError

from connectors.errors import SchemaDrift
from connectors.ports import Parsed, Refusal
from connectors.shopify.documents import orders_in
from connectors.shopify.node import Node, decode
from connectors.shopify.order import external_id, read_order
from models.order import Order


def parse(body: bytes, account: str) -> Parsed:
    """Never raises; one bad order of a page does not hide the others."""
    try:
        found = list(orders_in(decode(body)))
    except SchemaDrift as drift:
        return Parsed(refusals=(_refusal(drift),))
    read = [_order_or_refusal(each, account) for each in found]
    return Parsed(
        orders=tuple(each for each in read if isinstance(each, Order)),
        refusals=tuple(each for each in read if isinstance(each, Refusal)),
    )


def _order_or_refusal(found: Node | SchemaDrift, account: str) -> Order | Refusal:
    if isinstance(found, SchemaDrift):
        return _refusal(found)
    try:
        return read_order(found, account)
    except SchemaDrift as drift:
        return _refusal(drift, _id_or_none(found))
    except ValidationError as error:
        return _contradiction(error, found)


def _refusal(drift: SchemaDrift, order_id: str | None = None) -> Refusal:
    return Refusal(reason=drift.reason, path=drift.path, value=drift.value, remedy=drift.remedy, external_id=order_id)


def _contradiction(error: ValidationError, order: Node) -> Refusal:
    """Values that are fine one by one, and impossible together."""
    first = error.errors(include_url=False)[0]
    path = ".".join([part for part in (order.path, *map(str, first["loc"])) if part])
    drift = SchemaDrift("wrong_value", path or "$", first["input"], f"{first['msg']}.")
    return _refusal(drift, _id_or_none(order))


def _id_or_none(order: Node) -> str | None:
    try:
        return external_id(order)
    except SchemaDrift:
        return None
