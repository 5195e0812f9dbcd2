"""Cancelations (OR29, OR30) and refunds (OR28): both take amounts off a line, and say so on it."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.mirakl_answers import Payload, Refused, exact, invalid, json_object, now, number, written
from sandbox.mirakl_reference import may_give
from sandbox.mirakl_shelf import OWED, SHIPPING, MiraklShelf, add_up, alive, line_of, lines, permit

REFUNDABLE = (SHIPPING, "SHIPPED", "TO_COLLECT", "RECEIVED")
AMOUNTS = {"amount": "price", "shipping_amount": "shipping_price"}
"""Field of a request -> field of the line that it is taken off."""
TAXES = ("taxes", "shipping_taxes")


class MiraklMoney:
    def __init__(self, shelf: MiraklShelf) -> None:
        self._shelf = shelf
        shelf.acts["cancel"] = self._buyer_cancels
        shelf.acts["cancel_part"] = self._operator_cancels_part

    async def cancel_order(self, request: Request) -> Response:
        """OR29: everything, while `can_cancel`."""
        record = self._shelf.get(request.path_params["order_id"])
        order = record["order"]
        if not order.get("can_cancel") or self._shelf.packed(record["id"]):
            raise Refused(400, f"Order in status '{order['order_state']}' cannot be canceled", "ORDER_INVALID_STATE")
        self._cancel_all(record, "34")
        self._shelf.changed(record)
        self._shelf.record("cancelled", record["id"], whole=True)
        return Response(status_code=204)

    async def cancel_lines(self, request: Request) -> Response:
        """OR30: amounts, and for information the units. All of the request, or nothing of it."""
        body = await json_object(request)
        changes = [self._change(each, "CANCELATION") for each in _items(body, "cancelations")]
        for record, line, change in changes:
            left = line["quantity"] - self._shelf.packed(record["id"], line["order_line_id"])
            if record["order"]["order_state"] not in OWED or (change.get("quantity") or 0) > left:
                raise Refused(400, "What has left cannot be canceled", "ORDER_INVALID_STATE")
            _require_mode(body, record["order"])
        created = [self._cancelled(record, line, change) for record, line, change in changes]
        return JSONResponse({"order_tax_mode": changes[0][0]["order"]["order_tax_mode"], "cancelations": created})

    async def refund(self, request: Request) -> Response:
        """OR28: has no idempotency key. A repetition is another refund, as long as something is left."""
        body = await json_object(request)
        changes = [self._change(each, "REFUND") for each in _items(body, "refunds")]
        for record, _, _ in changes:
            if record["order"]["order_state"] not in REFUNDABLE:
                raise Refused(400, "The order cannot be refunded in its status", "ORDER_INVALID_STATE")
            _require_mode(body, record["order"])
        group = str(uuid.uuid4())
        created = [self._refunded(record, line, change, group) for record, line, change in changes]
        return JSONResponse({"order_tax_mode": changes[0][0]["order"]["order_tax_mode"], "refunds": created})

    def _change(self, item: Any, kind: str) -> tuple[Payload, Payload, Payload]:
        """Order, line and the change, checked. Raises `Refused`."""
        record = self._shelf.holding(str(item.get("order_line_id")) if isinstance(item, dict) else "")
        line = line_of(record["order"], item["order_line_id"]) if record else None
        if record is None or line is None:
            raise Refused(404, "Order line not found", "ORDER_LINE_NOT_FOUND", "order_line_id")
        if not may_give(item.get("reason_code"), kind):
            raise Refused(400, f"Reason '{item.get('reason_code')}' is not valid", "VALIDATION_ERROR", "reason_code")
        if item.get("currency_iso_code", record["order"]["currency_iso_code"]) != record["order"]["currency_iso_code"]:
            raise Refused(400, "The currency is not the order's", "VALIDATION_ERROR", "currency_iso_code")
        _require_within(item, line)
        return record, line, item

    def _cancelled(self, record: Payload, line: Payload, change: Payload) -> Payload:
        made = {"cancelation_id": str(3000 + self._numbered("cancelation")), **_created(change)}
        units = int(change.get("quantity") or 0)
        _take_off(line, change)
        line["quantity"] -= units
        _match_promotions(line)
        entry = {"id": made["cancelation_id"], **_entry(change), **_no_commission(), "quantity": units}
        line.setdefault("cancelations", []).append(entry)
        if not exact(line["price"]) or not line["quantity"]:
            line["order_line_state"] = "CANCELED"
        self._settle(record)
        self._shelf.changed(record)
        self._shelf.record("cancelled", record["id"], line=line["order_line_id"], units=units)
        return made

    def _refunded(self, record: Payload, line: Payload, change: Payload, group: str) -> Payload:
        made = {"refund_id": str(1100 + self._numbered("refund")), "order_refund_id": group, **_created(change)}
        units = int(change.get("quantity") or 0)
        _take_off(line, change)
        state = {"state": "WAITING_REFUND", "refund_state": "WAITING_REFUND", "order_refund_id": group}
        commission = {**_no_commission(), "commission_tax_amount": 0}
        entry = {"id": made["refund_id"], **_entry(change), **commission, **state, "quantity": units}
        line.setdefault("refunds", []).append(entry)
        if change.get("excluded_from_shipment"):
            self._exclude(record, line, units)
        order = record["order"]
        add_up(order)
        order["fully_refunded"] = not exact(order["total_price"])
        self._shelf.changed(record)
        self._shelf.record(
            "refunded", record["id"], line=line["order_line_id"], amount=str(made["amount"]), units=units
        )
        return {**made, "quantity": units}

    def _exclude(self, record: Payload, line: Payload, units: int) -> None:
        """Units that were paid back before they left are not to be shipped."""
        excluded = record.setdefault("excluded", {})
        excluded[line["order_line_id"]] = excluded.get(line["order_line_id"], 0) + units
        if excluded[line["order_line_id"]] >= line["quantity"]:
            line["order_line_state"] = "REFUNDED"
        if all(each["order_line_state"] == "REFUNDED" for each in alive(record["order"])):
            record["order"]["order_state"] = "CLOSED"
            permit(record["order"])

    def _numbered(self, name: str) -> int:
        counter = self._shelf.sandbox.shelf.collection("mirakl_numbers")
        number_ = int(counter.get(name) or 0) + 1
        counter.put(name, number_)
        return number_

    def _cancel_all(self, record: Payload, reason: str) -> None:
        for line in alive(record["order"]):
            change = {
                "amount": line["price"],
                "shipping_amount": line.get("shipping_price") or 0,
                "reason_code": reason,
                **{name: line[name] for name in TAXES if line.get(name)},
            }
            units = line["quantity"]
            entry = {"id": str(3000 + self._numbered("cancelation")), **_entry(change), **_no_commission()}
            _take_off(line, change)
            line["quantity"] = 0
            _match_promotions(line)
            line.setdefault("cancelations", []).append({**entry, "quantity": units})
            line["order_line_state"] = "CANCELED"
        self._settle(record)

    def _settle(self, record: Payload) -> None:
        """The order's state follows from its lines, and its sums."""
        order = record["order"]
        if not alive(order):
            order["order_state"] = "CANCELED"
            order.update(order_state_reason_code="34", order_state_reason_label="Cancelled by the client")
        elif order["order_state"] == SHIPPING and all(each["order_line_state"] == "SHIPPED" for each in alive(order)):
            order["order_state"] = "SHIPPED"
        permit(order)
        add_up(order)

    def _buyer_cancels(self, record: Payload) -> bool:
        if record["order"]["order_state"] not in ("STAGING", "WAITING_ACCEPTANCE", *OWED):
            return False
        self._cancel_all(record, "34")
        self._shelf.record("cancelled_by_buyer", record["id"])
        return True

    def _operator_cancels_part(self, record: Payload) -> bool:
        """One unit of the first line, while nothing of it has left."""
        order = record["order"]
        first = next(iter(lines(order)), None)
        open_states = ("WAITING_ACCEPTANCE", *OWED)
        if first is None or first["quantity"] < 2 or first["order_line_state"] not in open_states:
            return False
        change = _unit_of(first)
        entry = {"id": str(3000 + self._numbered("cancelation")), **_entry(change), **_no_commission(), "quantity": 1}
        _take_off(first, change)
        first["quantity"] -= 1
        _match_promotions(first)
        first.setdefault("cancelations", []).append(entry)
        self._settle(record)
        self._shelf.record("cancelled_by_operator", record["id"], line=first["order_line_id"], units=1)
        return True


def _items(body: Payload, name: str) -> list[Any]:
    items = body.get(name)
    if not isinstance(items, list) or not items:
        raise invalid(f"{name}: must be a list that is not empty")
    return items


def _require_mode(body: Payload, order: Payload) -> None:
    if body.get("order_tax_mode", order["order_tax_mode"]) != order["order_tax_mode"]:
        raise Refused(400, "The tax mode is not the order's", "VALIDATION_ERROR", "order_tax_mode")


def _require_within(item: Payload, line: Payload) -> None:
    """Raises `Refused` for amounts, taxes or units beyond what the line has left."""
    taken = [exact(item.get(name), name) for name in AMOUNTS]
    if any(amount < 0 for amount in taken) or not any(taken):
        raise Refused(400, "An amount greater than zero is needed", "VALIDATION_ERROR", "amount")
    for (name, field), amount in zip(AMOUNTS.items(), taken, strict=True):
        if amount > exact(line.get(field) or 0):
            raise Refused(400, f"{name}: exceeds the {line.get(field)} that are left", "VALIDATION_ERROR", name)
    for name in TAXES:
        if line.get(name) and not isinstance(item.get(name), list):
            raise Refused(400, f"{name}: required, because the order has taxes", "VALIDATION_ERROR", name)
        _require_taxes_within(item.get(name) or [], line.get(name) or [], name)
    units = item.get("quantity") or 0
    if not isinstance(units, int) or not 0 <= units <= line["quantity"]:
        raise Refused(400, f"quantity: exceeds the {line['quantity']} that are left", "VALIDATION_ERROR", "quantity")


def _require_taxes_within(wanted: list[Any], left: list[Payload], name: str) -> None:
    by_code = {tax["code"]: exact(tax["amount"]) for tax in left}
    for tax in wanted:
        if tax.get("code") not in by_code or exact(tax.get("amount")) > by_code[tax["code"]]:
            raise Refused(400, f"{name}: tax '{tax.get('code')}' exceeds what is left", "VALIDATION_ERROR", name)


def _take_off(line: Payload, change: Payload) -> None:
    for name, field in AMOUNTS.items():
        line[field] = number(exact(line.get(field) or 0) - exact(change.get(name) or 0))
    for name in TAXES:
        for tax in change.get(name) or []:
            own = next(each for each in line[name] if each["code"] == tax["code"])
            own["amount"] = number(exact(own["amount"]) - exact(tax["amount"]))
            own.pop("amount_breakdown", None) if not exact(own["amount"]) else _rebreak(own)


def _match_promotions(line: Payload) -> None:
    """A promotion takes off what the price lacks of quantity times unit price."""
    for promotion in (line.get("promotions") or [])[:1]:
        full = exact(line["price_unit"]) * line["quantity"]
        promotion["deduced_amount"] = number(max(Decimal(0), full - exact(line["price"])))


def _rebreak(tax: Payload) -> None:
    for part in (tax.get("amount_breakdown") or {}).get("parts", []):
        part["amount"] = tax["amount"]


def _unit_of(line: Payload) -> Payload:
    """The share of one unit; shipping stays."""
    of = Decimal(line["quantity"])

    def part(amount: Any) -> float | int:
        return number(exact(amount) / of)

    change: Payload = {"amount": part(line["price"]), "shipping_amount": 0, "reason_code": "34"}
    if line.get("taxes"):
        change["taxes"] = [{"code": tax["code"], "amount": part(tax["amount"])} for tax in line["taxes"]]
    return change


def _entry(change: Payload) -> Payload:
    """A cancelation or refund as its line shows it."""
    amounts = {name: number(exact(change.get(name) or 0)) for name in AMOUNTS}
    taxes = {
        name: [{"code": tax["code"], "amount": number(exact(tax["amount"]))} for tax in change.get(name) or []]
        for name in TAXES
    }
    return {**amounts, **taxes, "reason_code": str(change["reason_code"]), "created_date": written(now())}


def _no_commission() -> Payload:
    return {"commission_amount": 0, "commission_total_amount": 0, "commission_taxes": []}


def _created(change: Payload) -> Payload:
    """A cancelation or refund as the answer to its creation shows it."""
    entry = _entry(change)
    del entry["created_date"]
    return {**entry, "order_line_id": change["order_line_id"], "currency_iso_code": change.get("currency_iso_code")}
