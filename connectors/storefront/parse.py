"""Any bytes in; canonical orders and named refusals out: an order, a list of them, or a page of the callback API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from connectors.drift import unknown_fields
from connectors.errors import SchemaDrift
from connectors.ports import Drift, Parsed, Refusal
from connectors.storefront.contract import StorefrontOrder
from connectors.storefront.order import canonical_order, unknown_words
from connectors.storefront.refusals import CONTRACT, decode, drift_of, read, refusal
from connectors.storefront.schema import known_fields
from models.order import Order

Result = TypeVar("Result")

_FIELDS = known_fields(StorefrontOrder)
_EVIDENCE = frozenset({"lines", "total", "prices_include_tax", "created_at", "currency", "ship_to", "buyer"})
"""Two of these make an object an order, be it an incomplete one."""


def parse(body: bytes, account: str) -> Parsed:
    """Never raises; one bad order of a page does not hide the others."""
    read_orders, refusals = each_document(body, "orders", lambda value: _order(value, account))
    return Parsed(
        orders=tuple(order for order, _ in read_orders),
        refusals=refusals,
        drift=tuple(dict.fromkeys(drift for _, drifts in read_orders for drift in drifts)),
    )


def each_document(
    body: bytes, plural: str, understand: Callable[[Any], Result]
) -> tuple[tuple[Result, ...], tuple[Refusal, ...]]:
    """Everything in the body, understood or refused."""
    try:
        values = documents(decode(body), plural)
    except SchemaDrift as drift:
        return (), (refusal(drift),)
    results: list[Result] = []
    refusals: list[Refusal] = []
    for value in values:
        try:
            results.append(understand(value))
        except SchemaDrift as drift:
            refusals.append(refusal(drift, value))
        except ValidationError as error:
            refusals.append(refusal(drift_of(error), value))
    return tuple(results), tuple(refusals)


def documents(document: Any, plural: str) -> list[Any]:
    """The documents of a page, of a list, or the one that it is. Raises `SchemaDrift` for an empty list."""
    rows = document.get(plural) if isinstance(document, dict) and isinstance(document.get(plural), list) else document
    if not isinstance(rows, list):
        return [rows]
    if not rows:
        raise SchemaDrift("empty", plural, "[]", "There is nothing in this list.")
    return rows


def _order(value: Any, account: str) -> tuple[Order, tuple[Drift, ...]]:
    if not isinstance(value, dict) or len(_EVIDENCE & value.keys()) < 2:
        raise SchemaDrift("not_an_order", "$", kind(value), f"Send the whole order, as {CONTRACT} shows it.")
    given = read(StorefrontOrder, value)
    return canonical_order(given, account), (*unknown_fields(value, _FIELDS), *unknown_words(given))


def kind(value: Any) -> str:
    """What a value is, in words, without its content."""
    if isinstance(value, dict):
        return f"an object with the fields {', '.join(map(str, list(value)[:6])) or '(none)'}"
    return "null" if value is None else f"a {type(value).__name__}"
