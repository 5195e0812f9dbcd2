"""Shipping, cancelling and refunding lines (Orders v3): a request is carried out whole, or refused whole."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.ledger import Ledger
from sandbox.walmart_answers import Payload, exact, invalid, json_body
from sandbox.walmart_book import WFS, OrderBook, node_type, order_key
from sandbox.walmart_orders import line_or_refuse
from sandbox.walmart_units import ACKNOWLEDGED, CREATED, OPEN, SHIPPED, cancel, move, units_in
from sandbox.walmart_words import BUYER_ASKED, CANCEL_REASONS, CARRIERS, METHODS, REFUND_REASONS, UNITS

Shipped = Callable[[Payload, Payload], None]
"""Called with a record and each line of which units have left."""


class WalmartChanges:
    def __init__(self, book: OrderBook, ledger: Ledger, shipped: Shipped) -> None:
        self._book = book
        self._ledger = ledger
        self._shipped = shipped

    async def ship(self, request: Request) -> Response:
        record = self._own(request)
        wanted = _wanted(await json_body(request), "orderShipment")
        plan: list[tuple[Payload, int, Payload]] = []
        for entry in wanted:
            line = line_or_refuse(record["order"], entry.get("lineNumber"))
            _require(bool(entry.get("sellerOrderId")), "sellerOrderId is needed.", "sellerOrderId")
            if line.get("intentToCancel") and entry.get("intentToCancelOverride") is not True:
                raise invalid("The buyer has asked to cancel: pass intentToCancelOverride.", "intentToCancelOverride")
            plan += [(line, *_shipment(status)) for status in _statuses(entry, "Shipped")]
        _require_units(plan, (ACKNOWLEDGED,), "acknowledged")
        for line, units, target in plan:
            move(line, units, (ACKNOWLEDGED,), target)
        self._book.changed(record)
        for tracking, parcel in _by_tracking(plan).items():
            self._ledger.record("walmart", "shipped", order_key(record["id"]), tracking=tracking, units=parcel)
        for line, _, _ in plan:
            self._shipped(record, line)
        return JSONResponse({"order": record["order"]})

    async def cancel(self, request: Request) -> Response:
        record = self._own(request)
        wanted = _wanted(await json_body(request), "orderCancellation")
        plan: list[tuple[Payload, int, Payload]] = []
        for entry in wanted:
            line = line_or_refuse(record["order"], entry.get("lineNumber"))
            for status in _statuses(entry, "Cancelled"):
                reason = status.get("cancellationReason")
                _require(reason in CANCEL_REASONS, f"cancellationReason {reason} is not known.", "cancellationReason")
                if reason == BUYER_ASKED and not line.get("intentToCancel"):
                    raise invalid("The buyer has not asked to cancel this line.", "cancellationReason")
                plan.append((line, _units(status), {"reason": reason}))
        _require_units(plan, OPEN, "open")
        for line, units, told in plan:
            cancel(line, units, told["reason"])
        self._book.changed(record)
        counts = {str(line["lineNumber"]): units for line, units, _ in plan}
        self._ledger.record("walmart", "cancelled", order_key(record["id"]), units=counts, reason=plan[0][2]["reason"])
        return JSONResponse({"order": record["order"]})

    async def refund(self, request: Request) -> Response:
        record = self._book.get(request.path_params["order_id"])
        body = await json_body(request)
        asked = body.get("orderRefund")
        if not isinstance(asked, dict) or asked.get("purchaseOrderId") != record["id"]:
            raise invalid("orderRefund.purchaseOrderId is that of the path.", "purchaseOrderId")
        plan = []
        for entry in _wanted(body, "orderRefund"):
            line = line_or_refuse(record["order"], entry.get("lineNumber"))
            _require(bool(units_in(line, SHIPPED)), "Only what was shipped is refunded.", "lineNumber")
            plan += [(line, refund) for refund in _refunds(entry)]
        for line, refund in plan:
            _require_refundable(line, refund)
        for line, refund in plan:
            add_refund(line, refund["refundCharges"]["refundCharge"], refund.get("refundComments"))
        self._book.changed(record)
        total = -sum((_paid(charge) for _, refund in plan for charge in _charges(refund)), Decimal(0))
        self._ledger.record("walmart", "refunded", order_key(record["id"]), amount=str(total))
        return JSONResponse({"order": record["order"]})

    def _own(self, request: Request) -> Payload:
        record = self._book.get(request.path_params["order_id"])
        if node_type(record["order"]) == WFS:
            raise invalid("Walmart fulfils this order itself.", "purchaseOrderId")
        return record


def _require(holds: bool, message: str, field: str) -> None:
    if not holds:
        raise invalid(message, field)


def _wanted(body: Payload, name: str) -> list[Payload]:
    """The lines of a request: `{name: {orderLines: {orderLine: []}}}`."""
    try:
        found = body[name]["orderLines"]["orderLine"]
    except (KeyError, TypeError):
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
        raise invalid(f"{name}.orderLines.orderLine is a list of lines.", name)
    return found


def _statuses(entry: Payload, word: str) -> list[Payload]:
    inner = entry.get("orderLineStatuses")
    found = inner.get("orderLineStatus") if isinstance(inner, dict) else None
    if (
        not isinstance(found, list)
        or not found
        or any(not isinstance(s, dict) or s.get("status") != word for s in found)
    ):
        raise invalid(f"Each status is {word!r} here.", "status")
    return found


def _units(status: Payload) -> int:
    """`statusQuantity.amount` is a text."""
    quantity = status.get("statusQuantity")
    amount = quantity.get("amount") if isinstance(quantity, dict) else None
    if not isinstance(amount, str) or not amount.isdecimal() or int(amount) < 1:
        raise invalid("statusQuantity.amount is a text with a number of units.", "amount")
    assert isinstance(quantity, dict)
    _require(quantity.get("unitOfMeasurement") in UNITS, "unitOfMeasurement is EACH.", "unitOfMeasurement")
    return int(amount)


def _shipment(status: Payload) -> tuple[int, Payload]:
    info = status.get("trackingInfo")
    if not isinstance(info, dict):
        raise invalid("trackingInfo is needed.", "trackingInfo")
    name = info.get("carrierName") if isinstance(info.get("carrierName"), dict) else {}
    assert isinstance(name, dict)
    at = info.get("shipDateTime")
    _require(isinstance(at, int) and not isinstance(at, bool), "shipDateTime is a number of ms.", "shipDateTime")
    _require(info.get("methodCode") in METHODS, f"methodCode is one of {', '.join(METHODS)}.", "methodCode")
    _require(bool(info.get("trackingNumber")), "trackingNumber is needed.", "trackingNumber")
    if "carrier" in name:
        _require(name["carrier"] in CARRIERS, f"carrier {name['carrier']} is not known.", "carrier")
    else:
        _require(bool(name.get("otherCarrier")), "carrierName is needed.", "carrierName")
        _require(bool(info.get("trackingURL")), "trackingURL is needed with otherCarrier.", "trackingURL")
    return _units(status), {"status": SHIPPED, "trackingInfo": info}


def _require_units(plan: list[tuple[Payload, int, Any]], words: tuple[str, ...], what: str) -> None:
    """Over the whole request, in which a line may be named more than once."""
    asked: dict[str, int] = {}
    for line, units, _ in plan:
        number = str(line["lineNumber"])
        asked[number] = asked.get(number, 0) + units
        if asked[number] > units_in(line, *words):
            hint = ": acknowledge it first" if CREATED not in words and units_in(line, CREATED) else ""
            raise invalid(f"Line {number} has no {asked[number]} units that are {what}{hint}.", "statusQuantity")


def _by_tracking(plan: list[tuple[Payload, int, Payload]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line, units, target in plan:
        parcel = found.setdefault(target["trackingInfo"]["trackingNumber"], {})
        number = str(line["lineNumber"])
        parcel[number] = parcel.get(number, 0) + units
    return found


def _refunds(entry: Payload) -> list[Payload]:
    inner = entry.get("refunds")
    found = inner.get("refund") if isinstance(inner, dict) else None
    if not isinstance(found, list) or not found:
        raise invalid("refunds.refund is a list.", "refunds")
    for refund in found:
        for charge in _charges(refund):
            _require(charge.get("refundReason") in REFUND_REASONS, "refundReason is not known.", "refundReason")
    return found


def _charges(refund: Any) -> list[Payload]:
    try:
        found = refund["refundCharges"]["refundCharge"]
        if found and all(exact(each["charge"]["chargeAmount"]["amount"]) <= 0 for each in found):
            return list(found)
    except (KeyError, TypeError, ArithmeticError):
        pass
    raise invalid("refundCharges.refundCharge is a list of charges with negative amounts.", "refundCharges")


def _require_refundable(line: Payload, refund: Payload) -> None:
    """Of each kind of charge no more is paid back than was paid, tax and goods each for itself."""
    paid, back = _sums(line["charges"]["charge"]), refunded(line)
    for kind, (amount, tax) in _sums([each["charge"] for each in _charges(refund)]).items():
        had, had_tax = paid.get(kind, (Decimal(0), Decimal(0)))
        gone, gone_tax = back.get(kind, (Decimal(0), Decimal(0)))
        if had + gone + amount < 0 or had_tax + gone_tax + tax < 0:
            raise invalid(f"No more than {had + gone} and {had_tax + gone_tax} of tax is left of {kind}.", "amount")


def refunded(line: Payload) -> dict[str, tuple[Decimal, Decimal]]:
    """Charge type -> amount and tax that were paid back, both negative."""
    charges = (line.get("refund") or {}).get("refundCharges", {}).get("refundCharge", [])
    return _sums([each["charge"] for each in charges])


def _sums(charges: list[Payload]) -> dict[str, tuple[Decimal, Decimal]]:
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for charge in charges:
        amount, tax = sums.get(charge["chargeType"], (Decimal(0), Decimal(0)))
        stated = charge.get("tax") or {}
        more_tax = exact(stated["taxAmount"]["amount"]) if stated else Decimal(0)
        sums[charge["chargeType"]] = (amount + exact(charge["chargeAmount"]["amount"]), tax + more_tax)
    return sums


def _paid(entry: Payload) -> Decimal:
    amount, tax = next(iter(_sums([entry["charge"]]).values()))
    return amount + tax


def add_refund(line: Payload, charges: list[Payload], comment: str | None) -> None:
    """A line shows all its refunds as one, with every comment."""
    before = line.get("refund") or {"refundId": str(uuid.uuid4()), "refundCharges": {"refundCharge": []}}
    comments = [text for text in (before.get("refundComments"), comment) if text]
    everything = [*before["refundCharges"]["refundCharge"], *charges]
    line["refund"] = {
        "refundId": before["refundId"],
        "refundComments": "; ".join(comments),
        "refundCharges": {"refundCharge": everything},
    }
