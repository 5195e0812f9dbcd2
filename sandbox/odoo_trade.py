"""What the Odoo twin does with sales orders and transfers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.odoo_records import OdooError, Record, Records

OPEN = ("draft", "waiting", "confirmed", "assigned")


class Trade:
    def __init__(self, records: Records) -> None:
        self._records = records

    def created(self, model: str, record: Record) -> None:
        """Defaults and computed fields of a new record."""
        if model == "sale.order":
            currency = self._records.get("product.pricelist", record["pricelist_id"])["currency_id"]
            record |= {"name": f"S{self._records.number('sale.order'):05}", "state": "draft", "currency_id": currency}
            for line in self._records.all("sale.order.line", order_id=record["id"]):
                line["qty_delivered"] = 0
        if model == "stock.picking":
            kind = self._records.get("stock.picking.type", record["picking_type_id"])
            number = self._records.number(f"picking {kind['code']}")
            record |= {"name": f"{kind['sequence_code']}/{number:05}", "state": "draft"}
            record |= {"picking_type_code": kind["code"], "company_id": kind["company_id"]}
            for move in self._records.all("stock.move", picking_id=record["id"]):
                move["state"] = "draft"

    def confirm_order(self, order: Record) -> None:
        if order["state"] not in ("draft", "sent"):
            raise OdooError("odoo.exceptions.UserError", "Some orders are not in a state requiring confirmation.")
        order["state"] = "sale"
        lines = self._records.all("sale.order.line", order_id=order["id"])
        goods = [line for line in lines if line.get("product_id") and line["product_uom_qty"]]
        if goods:
            warehouse = self._records.get("stock.warehouse", order["warehouse_id"])
            self._transfer(order, warehouse, {line["id"]: line["product_uom_qty"] for line in goods}, order["name"])

    def cancel_order(self, order: Record, context: Mapping[str, Any]) -> object:
        if order["state"] == "sale" and not context.get("disable_cancel_warning"):
            return {"type": "ir.actions.act_window", "res_model": "sale.order.cancel"}
        order["state"] = "cancel"
        for picking in self._records.all("stock.picking", sale_id=order["id"]):
            if picking["state"] in OPEN:
                self._cancel(picking)
        return True

    def ordered_anew(self, line: Record) -> None:
        """A changed quantity goes on to the transfers that are still open."""
        left = line["product_uom_qty"] - line["qty_delivered"]
        for move in self._records.all("stock.move", sale_line_id=line["id"]):
            picking = self._records.get("stock.picking", move["picking_id"])
            if picking["state"] in OPEN:
                move["product_uom_qty"] = left
                if not left:
                    move["state"] = "cancel"
            moves = self._records.all("stock.move", picking_id=picking["id"])
            if all(each["state"] == "cancel" for each in moves):
                picking["state"] = "cancel"

    def confirm_transfer(self, picking: Record) -> None:
        picking["state"] = "assigned"
        for move in self._records.all("stock.move", picking_id=picking["id"]):
            move["state"] = "assigned"

    def validate(self, picking: Record, context: Mapping[str, Any]) -> object:
        """Done with what was picked; the rest becomes a back order, or a window asks whether it shall."""
        if picking["state"] not in OPEN:
            raise OdooError("odoo.exceptions.UserError", "You cannot validate a transfer that is done or cancelled.")
        moves = [
            move for move in self._records.all("stock.move", picking_id=picking["id"]) if move["state"] != "cancel"
        ]
        left = {move["id"]: move["product_uom_qty"] - _taken(move) for move in moves}
        if any(left.values()) and not context.get("skip_backorder"):
            return {"type": "ir.actions.act_window", "res_model": "stock.backorder.confirmation"}
        if not any(_taken(move) for move in moves):
            raise OdooError("odoo.exceptions.UserError", "You cannot validate a transfer of nothing.")
        if any(left.values()):
            self._back_order(picking, moves, left)
        for move in moves:
            self._move(picking, move)
        picking["state"] = "done"
        return True

    def _back_order(self, picking: Record, moves: list[Record], left: Mapping[int, int]) -> None:
        order = self._records.get("sale.order", picking["sale_id"])
        warehouse = self._records.get("stock.warehouse", order["warehouse_id"])
        units = {move["sale_line_id"]: left[move["id"]] for move in moves if left[move["id"]]}
        self._transfer(order, warehouse, units, picking["origin"])

    def _move(self, picking: Record, move: Record) -> None:
        taken = _taken(move)
        if not taken:
            move["state"] = "cancel"
            return
        move |= {"state": "done", "quantity": taken}
        for place, units in ((move["location_id"], -taken), (move["location_dest_id"], taken)):
            self._count(place, move["product_id"], units, picking["company_id"])
        if move.get("sale_line_id"):
            self._records.get("sale.order.line", move["sale_line_id"])["qty_delivered"] += taken

    def _count(self, place: int, product: int, units: int, company: int) -> None:
        wanted = {"location_id": place, "product_id": product, "company_id": company}
        if not (found := self._records.all("stock.quant", **wanted)):
            self._records.add("stock.quant", quantity=units, reserved_quantity=0, **wanted)
        for quant in found:
            quant["quantity"] += units

    def _transfer(self, order: Record, warehouse: Record, units: Mapping[int, int], origin: str) -> None:
        [customers] = self._records.all("stock.location", usage="customer")
        places = {"location_id": warehouse["lot_stock_id"], "location_dest_id": customers["id"]}
        kind = next(
            each["id"]
            for each in self._records.all("stock.picking.type", code="outgoing")
            if each["warehouse_id"] == warehouse["id"]
        )
        values = {"picking_type_id": kind, "partner_id": order["partner_id"], "origin": origin, "sale_id": order["id"]}
        picking = self._records.add("stock.picking", **values, **places)
        for line, quantity in units.items():
            product = self._records.get("sale.order.line", line)["product_id"]
            wanted = {"product_id": product, "product_uom_qty": quantity, "quantity": quantity, "picked": False}
            self._records.add("stock.move", picking_id=picking, sale_line_id=line, **wanted, **places)
        record = self._records.get("stock.picking", picking)
        self.created("stock.picking", record)
        self.confirm_transfer(record)

    def _cancel(self, picking: Record) -> None:
        picking["state"] = "cancel"
        for move in self._records.all("stock.move", picking_id=picking["id"]):
            move["state"] = "cancel"


def _taken(move: Record) -> int:
    return int(move["quantity"]) if move.get("picked") else 0
