"""Orders: lists (OR11), acceptance (OR21), shipment as a whole (OR23, OR24), the seller's reference (OR04)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.mirakl_answers import (
    Payload,
    Refused,
    invalid,
    json_object,
    listed,
    now,
    read_moment,
    written,
    wrong_state,
)
from sandbox.mirakl_pages import by_offset
from sandbox.mirakl_reference import CARRIERS
from sandbox.mirakl_shelf import SHIPPING, MiraklShelf, add_up, alive, line_of, lines, permit, set_state

STATES = (
    "STAGING",
    "WAITING_ACCEPTANCE",
    "WAITING_DEBIT",
    "WAITING_DEBIT_PAYMENT",
    SHIPPING,
    "SHIPPED",
    "TO_COLLECT",
    "RECEIVED",
    "CLOSED",
    "REFUSED",
    "CANCELED",
)
BY_MULTI_SHIPMENT = "This operation is not available when multi-shipment is enabled: use the shipment APIs"


class MiraklOrders:
    def __init__(self, shelf: MiraklShelf, *, multi_shipment: bool, shipped: Callable[[Payload], None]) -> None:
        self._shelf = shelf
        self._multi_shipment = multi_shipment
        self._shipped = shipped
        shelf.acts["debit"] = self._debit

    async def search(self, request: Request) -> Response:
        """`GET /api/orders` (OR11), sorted by creation."""
        query = request.query_params
        fits = [_window(query, "created", "start_date", "end_date"), _states(query), _ids(query)]
        fits.append(_window(query, "updated", "start_update_date", "end_update_date"))
        found = [record for record in self._shelf.records() if all(fit(record) for fit in fits)]
        found.sort(key=lambda record: (record["created"], record["id"]), reverse=_descending(query))
        return by_offset(request, "orders", [record["order"] for record in found])

    async def get(self, request: Request) -> Response:
        """`GET /api/orders/{order_id}` (OR12, deprecated): without currency and tax mode."""
        order = self._shelf.get(request.path_params["order_id"])["order"]
        hidden = ("currency_iso_code", "order_tax_mode", "fulfillment")
        return JSONResponse({name: value for name, value in order.items() if name not in hidden})

    async def accept(self, request: Request) -> Response:
        """OR21: every line is decided in one call."""
        record = self._shelf.get(request.path_params["order_id"])
        decisions = _decisions(await listed(request, "order_lines", 1000), record["order"])
        order = record["order"]
        if order["order_state"] != "WAITING_ACCEPTANCE":
            raise wrong_state(order, "WAITING_ACCEPTANCE")
        for line in lines(order):
            accepted = decisions.get(line["order_line_id"], False)
            if line["order_line_state"] == "WAITING_ACCEPTANCE":
                line["order_line_state"] = "WAITING_DEBIT" if accepted else "REFUSED"
        taken = bool(alive(order))
        order["acceptance_decision_date"] = written(now())
        order["order_state"] = "WAITING_DEBIT" if taken else "REFUSED"
        permit(order)
        add_up(order)
        self._shelf.record("accepted" if taken else "refused", record["id"])
        self._shelf.changed(record)
        if taken:
            self._shelf.later(record, "debit", self._shelf.sandbox.options.job_delay)
        return Response(status_code=204)

    def _debit(self, record: Payload) -> bool:
        """The operator debits the buyer, and then shows the addresses."""
        order = record["order"]
        if order["order_state"] != "WAITING_DEBIT":
            return False
        at = written(now())
        set_state(order, SHIPPING, "WAITING_DEBIT")
        order["customer"].update(record["hidden"])
        order.update(customer_debited_date=at, transaction_date=at, transaction_number=f"T-{record['id']}")
        for line in alive(order):
            line.update(debited_date=at, can_refund=True)
        return True

    async def track(self, request: Request) -> Response:
        """OR23: the order's one tracking number, which may be changed."""
        record = self._whole(request)
        body = await json_object(request)
        order = record["order"]
        if order["order_state"] not in (SHIPPING, "SHIPPED"):
            raise wrong_state(order, SHIPPING)
        require_carrier(body, "carrier_code", "carrier_name")
        given = {
            "shipping_company": body.get("carrier_name") or CARRIERS[body["carrier_code"]],
            "shipping_carrier_code": body.get("carrier_code"),
            "shipping_tracking": body.get("tracking_number"),
            "shipping_tracking_url": body.get("carrier_url"),
        }
        order.update({name: value for name, value in given.items() if value})
        self._shelf.changed(record)
        self._shelf.record("tracked", record["id"], tracking=body.get("tracking_number"))
        return Response(status_code=204)

    async def ship(self, request: Request) -> Response:
        """OR24: the whole order has left."""
        record = self._whole(request)
        order = record["order"]
        if order["order_state"] != SHIPPING:
            raise wrong_state(order, SHIPPING)
        units = {line["order_line_id"]: line["quantity"] for line in alive(order)}
        for line in alive(order):
            line["shipped_date"] = written(now())
        set_state(order, "SHIPPED")
        self._shelf.changed(record)
        tracking = order.get("shipping_tracking")
        self._shelf.record("shipped", record["id"], tracking=tracking, units=units)
        self._shipped(record)
        return Response(status_code=204)

    def _whole(self, request: Request) -> Payload:
        if self._multi_shipment:
            raise Refused(400, BY_MULTI_SHIPMENT, "MULTI_SHIPMENT_ENABLED")
        return self._shelf.get(request.path_params["order_id"])

    async def update(self, request: Request) -> Response:
        """OR04: here only the seller's own reference. An answer of partial success."""
        updated = [self._update(item) for item in await listed(request, "orders", 100)]
        return JSONResponse({"updated_orders": updated})

    def _update(self, item: Payload) -> Payload:
        order_id, references = str(item.get("order_id")), item.get("references") or {}
        text = references.get("order_reference_for_seller")
        try:
            record = self._shelf.get(order_id)
            if not isinstance(text, str) or not text.strip():
                raise Refused(400, "May not be blank", "VALIDATION_ERROR", "references.order_reference_for_seller")
        except Refused as refused:
            error = {"code": refused.code, "field": refused.field or "order_id", "message": refused.message}
            return {"order_id": order_id, "errors": [error]}
        record["order"].setdefault("references", {})["order_reference_for_seller"] = text
        self._shelf.changed(record)
        return {"order_id": order_id, "updated": {"references": {"order_reference_for_seller": text}}}


def require_carrier(body: Payload, code: str, name: str) -> None:
    """A registered carrier by its code, with a number; any other by its name. Raises `Refused`."""
    if body.get(code) and body[code] not in CARRIERS:
        raise Refused(400, f"Carrier with code '{body[code]}' does not exist", "VALIDATION_ERROR", code)
    if body.get(code) and not body.get("tracking_number"):
        raise Refused(400, "The tracking number is mandatory for this carrier", "VALIDATION_ERROR", "tracking_number")
    if not body.get(code) and not body.get(name):
        raise Refused(400, "The carrier name is mandatory for an unregistered carrier", "VALIDATION_ERROR", name)


def _decisions(items: list[Payload], order: Payload) -> dict[Any, bool]:
    """Line -> accepted. Raises `Refused` with the error codes that OR21 documents."""
    decisions: dict[Any, bool] = {}
    for item in items:
        line_id, accepted = item.get("id"), item.get("accepted")
        if not isinstance(accepted, bool):
            raise Refused(400, "accepted: must be a boolean", "VALIDATION_ERROR", "order_lines.accepted")
        if line_of(order, line_id) is None:
            raise Refused(400, f"Order line '{line_id}' not found", "ORDER_LINE_NOT_FOUND", "order_lines.id")
        if line_id in decisions:
            raise Refused(400, f"Order line '{line_id}' occurs twice", "ORDER_LINE_DUPLICATE_ID", "order_lines.id")
        decisions[line_id] = accepted
    if missing := [line["order_line_id"] for line in alive(order) if line["order_line_id"] not in decisions]:
        raise Refused(400, f"No decision for {missing}", "ORDER_LINE_ACCEPTANCE_DECISION_MISSING", "order_lines")
    return decisions


def _window(query: QueryParams, field: str, start: str, end: str) -> Callable[[Payload], bool]:
    since = read_moment(query[start], start) if start in query else None
    until = read_moment(query[end], end) if end in query else None

    def fits(record: Payload) -> bool:
        at = datetime.fromisoformat(record[field])
        return (since is None or at >= since) and (until is None or at <= until)

    return fits


def _states(query: QueryParams) -> Callable[[Payload], bool]:
    wanted = _separated(query, "order_state_codes")
    for state in wanted:
        if state not in STATES:
            raise invalid(f"order_state_codes: unknown value '{state}'")
    return lambda record: not wanted or record["order"].get("order_state") in wanted


def _ids(query: QueryParams) -> Callable[[Payload], bool]:
    wanted = _separated(query, "order_ids")
    if len(wanted) > 100:
        raise invalid("The limit of 100 is exceeded for the parameter : order_ids")
    return lambda record: not wanted or record["id"] in wanted


def _separated(query: QueryParams, name: str) -> list[str]:
    return [value for value in query.get(name, "").split(",") if value]


def _descending(query: QueryParams) -> bool:
    if query.get("sort", "dateCreated") != "dateCreated" or query.get("order", "asc") not in ("asc", "desc"):
        raise invalid("sort: orders are sorted by dateCreated, asc or desc")
    return query.get("order") == "desc"
