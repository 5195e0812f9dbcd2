"""Multi-shipment (ST01, ST11, ST24): parcels of an order, each with its lines and its tracking number."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.mirakl_answers import Payload, Refused, invalid, listed, now, read_moment, written
from sandbox.mirakl_orders import require_carrier
from sandbox.mirakl_pages import by_token
from sandbox.mirakl_shelf import SHIPPING, MiraklShelf, alive, line_of, permit

MOST = 1000


class MiraklShipments:
    def __init__(self, shelf: MiraklShelf, *, multi_shipment: bool, shipped: Callable[[Payload], None]) -> None:
        self._shelf = shelf
        self._shipments = shelf.sandbox.shelf.collection("mirakl_shipments")
        self._multi_shipment = multi_shipment
        self._shipped = shipped

    async def create(self, request: Request) -> Response:
        """ST01: an answer of partial success, 201 in any case."""
        self._require_enabled()
        success, errors = [], []
        for item in await listed(request, "shipments", MOST):
            try:
                success.append(self._create(item))
            except Refused as refused:
                errors.append({"order_id": item.get("order_id"), "message": refused.message})
        return JSONResponse({"shipment_success": success, "shipment_errors": errors}, status_code=201)

    async def listing(self, request: Request) -> Response:
        """ST11, sorted by creation."""
        self._require_enabled()
        query = request.query_params
        orders, states = query.getlist("order_id"), query.getlist("shipment_state_code")
        since = read_moment(query["last_updated_from"], "last_updated_from") if "last_updated_from" in query else None
        found = [
            shipment
            for shipment in self._shipments.values()
            if (not orders or shipment["order_id"] in orders)
            and (not states or shipment["status"] in states)
            and (since is None or read_moment(shipment["last_updated_date"], "last_updated_date") >= since)
        ]
        return by_token(request, found, lambda each: f"{each['created_date']} {each['id']}", MOST)

    async def ship(self, request: Request) -> Response:
        """ST24: shipments that were created before have left."""
        self._require_enabled()
        success, errors = [], []
        for item in await listed(request, "shipments", MOST):
            shipment = self._shipments.get(str(item.get("id")))
            if shipment is None:
                errors.append({"id": item.get("id"), "message": f"No shipment with id '{item.get('id')}'."})
            elif shipment["status"] != SHIPPING:
                message = f"The shipment status must be 'SHIPPING' but it is '{shipment['status']}'."
                errors.append({"id": item.get("id"), "message": message})
            else:
                self._leave(self._shelf.get(shipment["order_id"]), shipment)
                success.append({"id": shipment["id"]})
        return JSONResponse({"shipment_success": success, "shipment_errors": errors})

    def _require_enabled(self) -> None:
        if not self._multi_shipment:
            raise Refused(403, "Multi-shipment is not enabled", "MULTI_SHIPMENT_DISABLED")

    def _create(self, item: Payload) -> Payload:
        record = self._shelf.get(str(item.get("order_id")))
        order = record["order"]
        if order["order_state"] != SHIPPING:
            raise invalid(f"The order status must be 'SHIPPING' but it is '{order['order_state']}'.")
        tracking = item.get("tracking") or {}
        if tracking:
            require_carrier(tracking, "carrier_code", "carrier_name")
        at = written(now())
        shipment: Payload = {
            "id": str(uuid.uuid4()),
            "order_id": record["id"],
            "created_date": at,
            "last_updated_date": at,
            "status": SHIPPING,
            "status_customer_debit": "NO_DEBIT",
            "shipment_lines": self._lines(record, item.get("shipment_lines")),
            "tracking": tracking,
        }
        self._shipments.put(shipment["id"], shipment)
        if item.get("shipped"):
            self._leave(record, shipment)
        return shipment

    def _lines(self, record: Payload, items: Any) -> list[Payload]:
        """Raises `Refused` for a line that is not the order's, or for more units than are left to be shipped."""
        if not isinstance(items, list) or not items:
            raise invalid("Shipment lines are needed.")
        wanted: dict[str, int] = {}
        found = []
        for item in items:
            line = line_of(record["order"], item.get("order_line_id")) or self._by_sku(record, item.get("offer_sku"))
            units = item.get("quantity")
            if line is None or not isinstance(units, int) or units < 1:
                raise invalid("Shipment line is invalid.")
            line_id = line["order_line_id"]
            wanted[line_id] = wanted.get(line_id, 0) + units
            if wanted[line_id] > self._left(record, line):
                raise invalid("Shipment quantity is invalid.")
            own = {"order_line_id": line_id, "offer_sku": line["offer_sku"], "quantity": units}
            found.append({**own, "package_reference": item.get("package_reference")})
        return found

    def _by_sku(self, record: Payload, sku: Any) -> Payload | None:
        return next((line for line in alive(record["order"]) if sku and line["offer_sku"] == sku), None)

    def _left(self, record: Payload, line: Payload) -> int:
        """Units of a line that are in no shipment, nor paid back before they left."""
        line_id = line["order_line_id"]
        packed = self._shelf.packed(record["id"], line_id)
        excluded = record.get("excluded", {}).get(line_id, 0)
        dead = line not in alive(record["order"])
        return 0 if dead else int(line["quantity"]) - packed - int(excluded)

    def _leave(self, record: Payload, shipment: Payload) -> None:
        """A shipment leaves; the order has left when all of its units have."""
        at = written(now())
        shipment.update(status="SHIPPED", shipped_date=at, last_updated_date=at)
        self._shipments.put(shipment["id"], shipment)
        units = {each["order_line_id"]: each["quantity"] for each in shipment["shipment_lines"]}
        order = record["order"]
        for line in alive(order):
            if line["order_line_id"] in units and self._gone(record, line):
                line.update(order_line_state="SHIPPED", shipped_date=at)
        if all(line["order_line_state"] in ("SHIPPED", "REFUNDED") for line in alive(order)):
            order["order_state"] = "SHIPPED"
            tracking = shipment["tracking"]
            shown = {"shipping_company": "carrier_name", "shipping_tracking": "tracking_number"}
            order.update({name: tracking[given] for name, given in shown.items() if tracking.get(given)})
        permit(order)
        order["can_cancel"] = False
        self._shelf.changed(record)
        self._shelf.record("shipped", record["id"], tracking=shipment["tracking"].get("tracking_number"), units=units)
        if order["order_state"] == "SHIPPED":
            self._shipped(record)

    def _gone(self, record: Payload, line: Payload) -> bool:
        left = sum(
            each["quantity"]
            for shipment in self._shipments.values()
            if shipment["order_id"] == record["id"] and shipment["status"] == "SHIPPED"
            for each in shipment["shipment_lines"]
            if each["order_line_id"] == line["order_line_id"]
        )
        excluded = record.get("excluded", {}).get(line["order_line_id"], 0)
        return bool(left >= line["quantity"] - excluded)
