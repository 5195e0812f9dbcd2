"""Goods that leave and goods that come back, as Odoo's transfers (pickings)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from connectors.erp.documents import parcel_reference
from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.erp.odoo.sales import Sale, Sales
from connectors.errors import Declined
from models.fulfilment import ConfirmedParcel
from models.systems import Condition, ReturnReceipt

PICKING, MOVE = "stock.picking", "stock.move"
OPEN = ["draft", "waiting", "confirmed", "assigned"]
FIELDS = ["name", "state", "origin"]


class Shipping:
    def __init__(self, client: OdooClient, masters: Masters, sales: Sales) -> None:
        self._client, self._masters, self._sales = client, masters, sales

    async def ship(self, parcel: ConfirmedParcel) -> str:
        """The transfer of a parcel, done; returns its number.

        Confirming an order made one transfer of everything; each parcel takes its part of it, and the rest becomes a
        back order, which keeps the origin: a parcel's transfer is the one that is done.
        """
        reference = parcel_reference(parcel)
        sale = await self._sales.required(parcel.order_key)
        done = await self._client.first(PICKING, [["origin", "=", reference], ["state", "=", "done"]], FIELDS)
        if done is not None:
            return str(done["name"])
        wanted = _wanted(sale, parcel)
        picking = await self._open(sale, wanted)
        await self._client.write(PICKING, [picking["id"]], await self._claim(parcel, reference))
        await self._pick(picking["id"], wanted, parcel.node)
        await self._client.press(PICKING, picking["id"], "button_validate", ("done",), skip_backorder=True)
        return str(picking["name"])

    async def receive(self, receipt: ReturnReceipt) -> str:
        """The transfer of a return, done: what may be sold goes into stock, the rest to loss."""

        async def find() -> Record | None:
            return await self._client.first(PICKING, [["origin", "=", receipt.receipt_id]], FIELDS)

        found = await find()
        if found is None:
            await self._client.create(PICKING, await self._return(receipt), find)
            found = await find()
        if found is None:
            raise Declined(f"odoo: the transfer of {receipt.receipt_id} is gone", code="not_found")
        if found["state"] == "draft":
            await self._client.press(PICKING, found["id"], "action_confirm", ("confirmed", "assigned", "done"))
        if found["state"] != "done":
            await self._client.press(PICKING, found["id"], "button_validate", ("done",), skip_backorder=True)
        return str(found["name"])

    async def _open(self, sale: Sale, wanted: Mapping[int, int]) -> Record:
        domain = [["sale_id", "=", sale.id], ["state", "in", OPEN], ["picking_type_code", "=", "outgoing"]]
        for picking in await self._client.search(PICKING, domain, FIELDS):
            moves = await self._moves(picking["id"])
            left: Counter[int] = Counter()
            for move in moves:
                left[move["sale_line_id"][0]] += int(move["product_uom_qty"])
            if all(left[line] >= units for line, units in wanted.items()):
                return picking
        text = f"odoo: {sale.number} has no transfer with these units left to ship"
        raise Declined(text, code="over_shipped", field="units")

    async def _claim(self, parcel: ConfirmedParcel, reference: str) -> Record:
        claim: Record = {"origin": reference}
        if parcel.node:
            claim["location_id"] = (await self._masters.warehouse(parcel.node))["lot_stock_id"][0]
        return claim

    async def _pick(self, picking: int, wanted: Mapping[int, int], node: str) -> None:
        """Set what is taken of each move: a move that nothing is taken of stays for the back order."""
        place = {"location_id": (await self._masters.warehouse(node))["lot_stock_id"][0]} if node else {}
        for move in await self._moves(picking):
            units = wanted.get(move["sale_line_id"][0], 0)
            await self._client.write(MOVE, [move["id"]], {"quantity": units, "picked": units > 0, **place})

    async def _moves(self, picking: int) -> list[Record]:
        domain = [["picking_id", "=", picking], ["state", "!=", "cancel"]]
        return await self._client.search(MOVE, domain, ["sale_line_id", "product_uom_qty"])

    async def _return(self, receipt: ReturnReceipt) -> Record:
        warehouse = await self._masters.warehouse(receipt.node)
        customers, loss = await self._masters.location("customer"), await self._masters.location("inventory")
        stock = warehouse["lot_stock_id"][0]
        if receipt.order_key:
            partner = (await self._sales.required(receipt.order_key)).partner
        else:
            partner = await self._masters.guest()
        moves = [
            {
                "product_id": await self._masters.product(item.item, "items"),
                "product_uom_qty": item.quantity,
                "quantity": item.quantity,
                "picked": True,
                "location_id": customers,
                "location_dest_id": stock if item.condition is Condition.RESELL else loss,
            }
            for item in receipt.items
        ]
        return {
            "picking_type_id": warehouse["in_type_id"][0],
            "partner_id": partner,
            "origin": receipt.receipt_id,
            "location_id": customers,
            "location_dest_id": stock,
            "move_ids": [[0, 0, move] for move in moves],
        }


def _wanted(sale: Sale, parcel: ConfirmedParcel) -> dict[int, int]:
    """Line of the sales order -> items that the parcel holds of it."""
    return {
        line.id: parcel.units[line.terms.line] * line.terms.per_unit
        for line in sale.lines_of(parcel.units)
        if line.product is not None
    }
