"""Return orders (Returns v3): made when a buyer sends something back, refunded by the seller."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Sandbox
from sandbox.walmart_answers import (
    Payload,
    Refused,
    date_of,
    exact,
    json_body,
    money,
    not_found,
    now,
    number_of,
    written,
)
from sandbox.walmart_book import OrderBook, order_key
from sandbox.walmart_changes import add_refund
from sandbox.walmart_units import line_of, ordered, touch

DELIVERED_AFTER = timedelta(seconds=1)
"""Until the buyer's parcel is back."""
USUAL_PAGE, LARGEST_PAGE = 10, 200


class WalmartReturns:
    """A record is `{id, order_id, found, created, modified}`."""

    def __init__(self, sandbox: Sandbox, book: OrderBook) -> None:
        self._book = book
        self._ledger = sandbox.ledger
        self._records = sandbox.shelf.collection("walmart_returns")

    def open(self, record: Payload, line: Payload) -> None:
        """The buyer of an order with that trait sends one unit of its first line back, once units of it have left."""
        order = record["order"]
        return_id = f"{record['id']}0001"
        if not record.get("returns") or line is not line_of(order, "1") or return_id in self._records:
            return
        at = now()
        found = _return_order(return_id, order, line, at)
        self._put({"id": return_id, "order_id": record["id"], "found": found, "created": at.isoformat()})
        self._ledger.record("walmart", "return_opened", order_key(record["id"]), return_id=return_id)

    async def search(self, request: Request) -> Response:
        """`GET /v3/returns`. A search that finds nothing is a 404."""
        given = request.query_params
        limit = number_of(given.get("limit"), "limit", USUAL_PAGE, LARGEST_PAGE) or USUAL_PAGE
        offset = number_of(given.get("offset"), "offset", 0, 10**9)
        found = [record for record in self._all() if _matches(record, dict(given))]
        page = found[offset : offset + limit]
        if not page:
            raise not_found("no return in this search")
        more = {name: value for name, value in given.items() if name not in ("limit", "offset")}
        following = f"?limit={limit}&offset={offset + limit}" if offset + limit < len(found) else ""
        cursor = following + "".join(f"&{name}={value}" for name, value in more.items()) if following else ""
        meta = {"totalCount": len(found), "limit": limit, "nextCursor": cursor}
        return JSONResponse({"meta": meta, "returnOrders": [record["found"] for record in page]})

    async def refund(self, request: Request) -> Response:
        """`POST /v3/returns/{id}/refund`: units that are not refunded yet, and then the return is complete."""
        record = next((each for each in self._all() if each["id"] == request.path_params["return_id"]), None)
        if record is None:
            raise not_found("this return")
        body = await json_body(request)
        if body.get("customerOrderId") != record["found"]["customerOrderId"]:
            raise _invalid("customerOrderId is that of the return.", "customerOrderId")
        plan = [_asked(record["found"], entry) for entry in body.get("refundLines") or []]
        if not plan:
            raise _invalid("refundLines names the lines to refund.", "refundLines")
        order = self._book.get(record["order_id"])
        for line, units in plan:
            _pay(order["order"], line, units)
        self._put(record)
        self._book.changed(order)
        counts = {str(line["returnOrderLineNumber"]): units for line, units in plan}
        key = order_key(record["order_id"])
        self._ledger.record("walmart", "return_refunded", key, return_id=record["id"], units=counts)
        return JSONResponse({"returnOrderId": record["id"], **body})

    def _all(self) -> list[Payload]:
        """Newest first; parcels that are back by now are delivered."""
        for record in self._records.values():
            line = record["found"]["returnOrderLines"][0]
            back = datetime.fromisoformat(record["created"]) + DELIVERED_AFTER
            if line["status"] == "INITIATED" and back <= now():
                line.update(status="DELIVERED", statusTime=written(now()), currentDeliveryStatus="DELIVERED")
                self._put(record)
        return self._records.values()[::-1]

    def _put(self, record: Payload) -> None:
        self._records.put(record["id"], {**record, "modified": now().isoformat()})


def _matches(record: Payload, given: dict[str, str]) -> bool:
    found = record["found"]
    start = date_of(given.get("returnLastModifiedStartDate"), "returnLastModifiedStartDate")
    end = date_of(given.get("returnLastModifiedEndDate"), "returnLastModifiedEndDate")
    modified = datetime.fromisoformat(record["modified"])
    return (
        given.get("returnOrderId", record["id"]) == record["id"]
        and given.get("customerOrderId", found["customerOrderId"]) == found["customerOrderId"]
        and given.get("status", found["returnOrderLines"][0]["status"]) == found["returnOrderLines"][0]["status"]
        and (start is None or modified >= start)
        and (end is None or modified <= end)
    )


def _return_order(return_id: str, order: Payload, line: Payload, at: datetime) -> Payload:
    units = ordered(line)
    charges = [_per_unit(charge, units) for charge in line["charges"]["charge"] if charge["chargeType"] == "PRODUCT"]
    return {
        "returnOrderId": return_id,
        "customerEmailId": order["customerEmailId"],
        "customerOrderId": order["customerOrderId"],
        "refundMode": "POST_DELIVERY",
        "returnType": "REFUND",
        "returnOrderDate": written(at),
        "returnByDate": written(at + timedelta(days=30)),
        "totalRefundAmount": _amount(_worth(charges)),
        "returnLineGroups": [_label(return_id)],
        "returnOrderLines": [
            {
                "returnOrderLineNumber": 1,
                "salesOrderLineNumber": 1,
                "purchaseOrderId": order["purchaseOrderId"],
                "purchaseOrderLineNumber": int(line["lineNumber"]),
                "returnReason": "NO_LONGER_WANTED",
                "item": {"sku": line["item"].get("sku", ""), "productName": line["item"].get("productName", "")},
                "charges": charges,
                "unitPrice": charges[0]["chargePerUnit"],
                "quantity": {"unitOfMeasure": "EACH", "measurementValue": 1},
                "refundedQty": 0,
                "currentDeliveryStatus": "IN_TRANSIT",
                "currentRefundStatus": "NOT_REFUNDED",
                "returnExpectedFlag": True,
                "status": "INITIATED",
                "statusTime": written(at),
            }
        ],
        "returnChannel": {"channelName": "ONLINE"},
    }


def _label(return_id: str) -> Payload:
    carrier = {"carrierId": "11", "carrierName": "FEDEX", "serviceType": "FedEx Ground", "trackingNo": f"R{return_id}"}
    return {
        "groupNo": 1,
        "returnLines": [{"returnOrderLineNumber": 1}],
        "labels": [{"carrierInfoList": [carrier]}],
        "returnExpectedFlag": True,
    }


def _per_unit(charge: Payload, units: int) -> Payload:
    tax = charge.get("tax")
    each = exact(charge["chargeAmount"]["amount"]) / units
    told = {
        "chargeCategory": charge["chargeType"],
        "chargeName": charge["chargeName"],
        "chargePerUnit": _amount(abs(each)),
        "isDiscount": each < 0,
        "isBillable": True,
    }
    if not tax:
        return told
    per_unit = exact(tax["taxAmount"]["amount"]) / units
    return {**told, "tax": [{"taxName": tax["taxName"], "taxPerUnit": _amount(per_unit)}]}


def _amount(amount: Decimal) -> Payload:
    stated = money(amount)
    return {"currencyAmount": stated["amount"], "currencyUnit": stated["currency"]}


def _worth(charges: list[Payload]) -> Decimal:
    """Of one unit, with its taxes."""
    total = Decimal(0)
    for charge in charges:
        taxes = sum((exact(tax["taxPerUnit"]["currencyAmount"]) for tax in charge.get("tax", [])), Decimal(0))
        amount = exact(charge["chargePerUnit"]["currencyAmount"]) + taxes
        total += -amount if charge["isDiscount"] else amount
    return total


def _invalid(message: str, field: str) -> Refused:
    return Refused(400, "INVALID_REQUEST_CONTENT.GMP_RETURNS_API", message, field)


def _asked(found: Payload, entry: Any) -> tuple[Payload, int]:
    number = entry.get("returnOrderLineNumber") if isinstance(entry, dict) else None
    line = next((each for each in found["returnOrderLines"] if each["returnOrderLineNumber"] == number), None)
    if line is None:
        raise _invalid(f"The return has no line {number}.", "returnOrderLineNumber")
    left = line["quantity"]["measurementValue"] - line["refundedQty"]
    units = (entry.get("quantity") or {}).get("measurementValue", left)
    if not isinstance(units, int) or not 1 <= units <= left:
        raise _invalid(f"{left} units are left to refund.", "measurementValue")
    return line, units


def _pay(order: Payload, line: Payload, units: int) -> None:
    """The order's line shows the refund as well."""
    line["refundedQty"] += units
    line.update(status="COMPLETED", statusTime=written(now()), currentRefundStatus="REFUND_COMPLETED")
    sold = line_of(order, str(line["purchaseOrderLineNumber"]))
    assert sold is not None
    net = _worth([{**charge, "tax": []} for charge in line["charges"]]) * units
    tax = _worth(line["charges"]) * units - net
    charge = {"chargeType": "PRODUCT", "chargeName": "Item Price", "chargeAmount": money(-net)}
    if tax:
        charge["tax"] = {"taxName": "Item Price Tax", "taxAmount": money(-tax)}
    add_refund(
        sold, [{"refundReason": "Customer returned item", "charge": charge}], f"return {order['purchaseOrderId']}"
    )
    touch(sold)
