"""Orders API 2026-01-01: searchOrders and getOrder."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.amazon_answers import Payload, invalid, not_found, now, read_moment, written
from sandbox.amazon_shelf import AmazonShelf

DATASETS = {
    "BUYER": (("buyer",), ()),
    "RECIPIENT": (("recipient",), ()),
    "PROCEEDS": (("proceeds",), ("proceeds",)),
    "EXPENSE": ((), ("expense",)),
    "PROMOTION": ((), ("promotion",)),
    "CANCELLATION": ((), ("cancellation",)),
    "FULFILLMENT": (("fulfillment",), ("fulfillment",)),
    "PACKAGES": (("packages",), ()),
    "TAX": (("tax",), ("tax",)),
    "PAYMENT": (("payment",), ()),
    "FULFILLMENT_ORDERS": (("fulfillmentOrders",), ()),
}
"""Dataset -> fields of the order, and of its items, that are absent unless it is asked for."""
STATUSES = (
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
)
FILTERS = (
    "createdAfter",
    "createdBefore",
    "lastUpdatedAfter",
    "lastUpdatedBefore",
    "fulfillmentStatuses",
    "marketplaceIds",
    "fulfilledBy",
    "includedData",
    "maxResultsPerPage",
)
TOKEN_LIFETIME = timedelta(hours=24)
NEWEST = timedelta(minutes=2)
"""How old a `…Before` must be at least."""


class AmazonOrders:
    def __init__(self, shelf: AmazonShelf) -> None:
        self._shelf = shelf

    async def search(self, request: Request) -> Response:
        """`GET /orders/2026-01-01/orders`. Unknown parameters are ignored, as Amazon does."""
        query = request.query_params
        by, after, before = _window(query)
        size = _page_size(query)
        datasets, filters = _datasets(query), _filters(query)
        at = _opened(query)
        records = self._shelf.records()
        until = before or (datetime.fromisoformat(at["until"]) if at else now())
        start = (at["updated"], at["id"]) if at else ("", "")
        found = [
            record
            for record in records
            if after <= datetime.fromisoformat(record[by]) <= until
            and (record[by], record["id"]) > start
            and _fits(record["order"], filters)
        ]
        found.sort(key=lambda record: (record[by], record["id"]))
        page = found[:size]
        body: dict[str, Any] = {"orders": [with_datasets(record["order"], datasets) for record in page]}
        if len(found) > size:
            last = page[-1]
            body["pagination"] = {"nextToken": _sealed(query, until, last[by], last["id"])}
        body["createdBefore" if by == "created" else "lastUpdatedBefore"] = written(until)
        return JSONResponse(body)

    async def get(self, request: Request) -> Response:
        """`GET /orders/2026-01-01/orders/{orderId}`."""
        record = self._shelf.get(request.path_params["order_id"])
        if record is None:
            raise not_found("The order")
        return JSONResponse({"order": with_datasets(record["order"], _datasets(request.query_params))})


def with_datasets(order: Payload, wanted: list[str]) -> Payload:
    """What was not asked for is absent, not null."""
    hidden = [fields for name, fields in DATASETS.items() if name not in wanted]
    order_fields = {field for fields, _ in hidden for field in fields}
    item_fields = {field for _, fields in hidden for field in fields}
    shown = {name: value for name, value in order.items() if name not in order_fields}
    if isinstance(order.get("orderItems"), list):
        shown["orderItems"] = [
            {name: value for name, value in item.items() if name not in item_fields} if isinstance(item, dict) else item
            for item in order["orderItems"]
        ]
    return shown


def _window(query: QueryParams) -> tuple[str, datetime, datetime | None]:
    """Which time counts, and between when: exactly one of the two `…After`, and only its own `…Before`."""
    if ("createdAfter" in query) == ("lastUpdatedAfter" in query):
        raise invalid("Exactly one of createdAfter and lastUpdatedAfter must be provided.")
    by, other = ("created", "lastUpdated") if "createdAfter" in query else ("lastUpdated", "created")
    if f"{other}Before" in query:
        raise invalid(f"{other}Before cannot be provided with {by}After.")
    after = read_moment(query[f"{by}After"], f"{by}After")
    field = "created" if by == "created" else "updated"
    if f"{by}Before" not in query:
        return field, after, None
    before = read_moment(query[f"{by}Before"], f"{by}Before")
    if before < after:
        raise invalid(f"{by}Before must be equal to or after {by}After.")
    if before > now() - NEWEST:
        raise invalid(f"{by}Before must be at least two minutes before the time of the request.")
    return field, after, before


def _listed(query: QueryParams, name: str, known: tuple[str, ...] = ()) -> list[str]:
    values = [value for part in query.getlist(name) for value in part.split(",") if value]
    for value in values:
        if known and value not in known:
            raise invalid(f"Invalid {name}: {value!r}.")
    return values


def _page_size(query: QueryParams) -> int:
    text = query.get("maxResultsPerPage", "100")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 100):
        raise invalid("maxResultsPerPage must be between 1 and 100.")
    return int(text)


def _datasets(query: QueryParams) -> list[str]:
    return _listed(query, "includedData", tuple(DATASETS))


def _filters(query: QueryParams) -> dict[str, list[str]]:
    marketplaces = _listed(query, "marketplaceIds")
    if len(marketplaces) > 50:
        raise invalid("marketplaceIds must have at most 50 values.")
    return {
        "marketplaceIds": marketplaces,
        "fulfillmentStatuses": _listed(query, "fulfillmentStatuses", STATUSES),
        "fulfilledBy": _listed(query, "fulfilledBy", ("MERCHANT", "AMAZON")),
    }


def _fits(order: Payload, filters: dict[str, list[str]]) -> bool:
    has = {
        "marketplaceIds": _field(order, "salesChannel", "marketplaceId"),
        "fulfillmentStatuses": _field(order, "fulfillment", "fulfillmentStatus"),
        "fulfilledBy": _field(order, "fulfillment", "fulfilledBy"),
    }
    return all(not wanted or has[name] in wanted for name, wanted in filters.items())


def _field(order: Payload, holder: str, name: str) -> Any:
    inner = order.get(holder)
    return inner.get(name) if isinstance(inner, dict) else None


def _fingerprint(query: QueryParams) -> str:
    same = {name: query.getlist(name) for name in FILTERS}
    return hashlib.sha256(json.dumps(same).encode()).hexdigest()[:16]


def _sealed(query: QueryParams, until: datetime, updated: str, external_id: str) -> str:
    """A token that holds for a day, and for the filters it was made with alone."""
    held = {"for": _fingerprint(query), "until": until.isoformat(), "updated": updated, "id": external_id}
    return base64.urlsafe_b64encode(json.dumps({**held, "at": now().isoformat()}).encode()).decode()


def _opened(query: QueryParams) -> dict[str, str] | None:
    token = query.get("paginationToken")
    if not token:
        return None
    try:
        held: dict[str, str] = json.loads(base64.urlsafe_b64decode(token))
        fresh = datetime.fromisoformat(held["at"]) + TOKEN_LIFETIME > now()
    except (ValueError, KeyError, TypeError):
        raise invalid("Invalid paginationToken.") from None
    if not fresh or held["for"] != _fingerprint(query):
        raise invalid("The paginationToken has expired or does not belong to these parameters.")
    return held
