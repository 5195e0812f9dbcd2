"""Reading orders, and taking them (Orders v3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.ledger import Ledger
from sandbox.walmart_answers import Payload, Refused, date_of, invalid, not_found, now, number_of
from sandbox.walmart_book import SELLER, WFS, OrderBook, node_type, order_key
from sandbox.walmart_units import ACKNOWLEDGED, CREATED, line_of, lines, move, statuses, units_in

LARGEST_PAGE = 200
USUAL_PAGE = 100
USUAL_HISTORY = timedelta(days=7)
"""How old an order may be that is found without `createdStartDate`."""
PARTNER = {"partnerId": "10000001", "sellerId": "8"}
_FILTERS = (
    "sku", "customerOrderId", "purchaseOrderId", "status", "createdStartDate", "createdEndDate",
    "lastModifiedStartDate", "lastModifiedEndDate", "shipNodeType", "replacementInfo",
)  # fmt: skip
_ONLY_WITH_REPLACEMENT_INFO = ("orderType", "originalCustomerOrderID")

Test = Callable[[Payload], bool]


class WalmartOrders:
    def __init__(self, book: OrderBook, ledger: Ledger) -> None:
        self._book = book
        self._ledger = ledger

    async def search(self, request: Request) -> Response:
        """`GET /v3/orders`: newest first. A search that finds nothing is a 404."""
        given = request.query_params
        limit = number_of(given.get("limit"), "limit", USUAL_PAGE, LARGEST_PAGE) or USUAL_PAGE
        start = number_of(given.get("poIndex"), "poIndex", 0, 10**9) if "hasMoreElements" in given else 0
        filters = {name: given[name] for name in _FILTERS if name in given}
        tests = [*_by_time(filters), *_by_content(filters)]
        found = [record for record in self._book.records() if all(test(record) for test in tests)]
        page = found[start : start + limit]
        if not page:
            raise not_found("no order in this search")
        meta: Payload = {"totalCount": len(found), "limit": limit}
        if start + limit < len(found):
            more = {"hasMoreElements": "true", "soIndex": str(len(found)), "poIndex": str(start + limit)}
            meta["nextCursor"] = "?" + urlencode({"limit": str(limit), **more, **PARTNER, **filters})
        orders = [_shown(record["order"], given.get("replacementInfo")) for record in page]
        return JSONResponse({"list": {"meta": meta, "elements": {"order": orders}}})

    async def get(self, request: Request) -> Response:
        order = self._book.get(request.path_params["order_id"])["order"]
        return JSONResponse({"order": _shown(order, request.query_params.get("replacementInfo"))})

    async def acknowledge(self, request: Request) -> Response:
        """The whole purchase order. Again is allowed; not once nothing of it waits any more."""
        record = self._book.get(request.path_params["order_id"])
        order = record["order"]
        if node_type(order) == WFS:
            raise invalid("Orders that Walmart fulfils are not acknowledged.", "purchaseOrderId")
        waiting = [line for line in lines(order) if units_in(line, CREATED)]
        if not waiting and not any(units_in(line, ACKNOWLEDGED) for line in lines(order)):
            raise invalid("Shipped and cancelled lines cannot be acknowledged.", "purchaseOrderId")
        for line in waiting:
            move(line, units_in(line, CREATED), (CREATED,), {"status": ACKNOWLEDGED})
        if waiting:
            self._book.changed(record)
            self._ledger.record("walmart", "acknowledged", order_key(record["id"]))
        return JSONResponse({"order": order})


def _shown(order: Payload, replacement_info: str | None) -> Payload:
    """`orderType` is there on demand only."""
    if replacement_info == "true":
        return order
    return {name: value for name, value in order.items() if name not in _ONLY_WITH_REPLACEMENT_INFO}


def _by_time(filters: dict[str, str]) -> list[Test]:
    if "lastModifiedEndDate" in filters and "lastModifiedStartDate" not in filters:
        message = "lastModifiedStartDate is needed with lastModifiedEndDate."
        raise Refused(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", message, "lastModifiedStartDate")
    created = date_of(filters.get("createdStartDate"), "createdStartDate") or now() - USUAL_HISTORY
    bounds = [
        ("created", created, date_of(filters.get("createdEndDate"), "createdEndDate")),
        (
            "modified",
            date_of(filters.get("lastModifiedStartDate"), "lastModifiedStartDate"),
            date_of(filters.get("lastModifiedEndDate"), "lastModifiedEndDate"),
        ),
    ]
    return [_between(*bound) for bound in bounds]


def _between(name: str, start: datetime | None, end: datetime | None) -> Test:
    def test(record: Payload) -> bool:
        at = datetime.fromisoformat(record[name])
        return (start is None or at >= start) and (end is None or at <= end)

    return test


def _by_content(filters: dict[str, str]) -> list[Test]:
    wanted = {name: filters[name] for name in ("customerOrderId", "purchaseOrderId") if name in filters}
    tests: list[Test] = [
        lambda record: node_type(record["order"]) == filters.get("shipNodeType", SELLER),
        lambda record: all(record["order"].get(name) == value for name, value in wanted.items()),
    ]
    if sku := filters.get("sku"):
        tests.append(lambda record: any(line["item"].get("sku") == sku for line in lines(record["order"])))
    if status := filters.get("status"):
        tests.append(
            lambda record: any(each["status"] == status for line in lines(record["order"]) for each in statuses(line))
        )
    return tests


def line_or_refuse(order: Payload, number: object) -> Payload:
    """The line of a request. Raises `Refused` when the order has none of that number."""
    line = line_of(order, str(number))
    if line is None:
        raise invalid(f"The order has no line {number}.", "lineNumber")
    return line
