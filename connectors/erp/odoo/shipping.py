"""Goods that leave and goods that come back, as Odoo's transfers (pickings)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.erp.documents import parcel_reference
from connectors.erp.leaving import Goods, Load, OrderedItem, beyond_order, completed, loads
from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.erp.odoo.sales import Sale, Sales
from connectors.errors import Declined
from models.fulfilment import ConfirmedParcel
from models.systems import Condition, ReturnReceipt

PICKING, MOVE = "stock.picking", "stock.move"
OPEN = ["draft", "waiting", "confirmed", "assigned"]
FIELDS = ["name", "state", "origin"]


class Done(NamedTuple):
    number: str
    taken: dict[int, int]
    """Line of the sales order -> items."""


class Shipping:
    def __init__(self, client: OdooClient, masters: Masters, sales: Sales) -> None:
        self._client, self._masters, self._sales = client, masters, sales

    async def ship(self, parcel: ConfirmedParcel) -> str:
        """The transfers of a parcel, done, one for each node that its goods left; returns their numbers.

        Confirming an order made one transfer of everything; each parcel takes its part of it, and the rest becomes a
        back order, which keeps the origin: a parcel's transfers are those that are done. What left beyond the order has
        no place in its transfers and is not booked: the inventory reconciliation names it.
        """
        reference = parcel_reference(parcel)
        sale = await self._sales.required(parcel.order_key)
        sale.lines_of(parcel.units)
        done = await self._done(reference)
        items = _items(sale, done)
        goods = await self._goods(parcel, items)
        places = {node: await self._masters.place_of(node) for node, _ in goods}
        missing = [place for place in places.values() if place not in done]
        if missing and (over := beyond_order(items, parcel.units)):
            raise Declined(f"odoo: {sale.number}: {over}", code="over_shipped", field="units")
        numbers = []
        for node, leaving in loads(items, parcel.units, goods).items():
            if (found := done.get(places[node])) is not None:
                numbers.append(found.number)
            elif any(load.line for load in leaving):
                numbers.append(await self._leave(sale, reference, places[node], leaving))
        return ", ".join(numbers)

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

    async def _done(self, reference: str) -> dict[int, Done]:
        """Place -> the transfer of a parcel from there that is done."""
        domain = [["origin", "=", reference], ["state", "=", "done"]]
        found: dict[int, Done] = {}
        for picking in await self._client.search(PICKING, domain, [*FIELDS, "location_id"]):
            moves = await self._client.search(
                MOVE, [["picking_id", "=", picking["id"]], ["state", "=", "done"]], ["sale_line_id", "quantity"]
            )
            taken = {move["sale_line_id"][0]: int(move["quantity"]) for move in moves if move["sale_line_id"]}
            found[picking["location_id"][0]] = Done(str(picking["name"]), taken)
        return found

    async def _goods(self, parcel: ConfirmedParcel, items: Sequence[OrderedItem]) -> Goods:
        """What left which node. Goods that the channel ships leave the warehouse in which it holds them, or none."""
        goods: Counter[tuple[str, int]] = Counter()
        for each in parcel.goods:
            goods[each.node, await self._masters.product(each.item, "goods")] += each.quantity
        return goods or completed(items, parcel, parcel.node or self._masters.held_at(parcel.order_key))

    async def _leave(self, sale: Sale, reference: str, place: int, leaving: Sequence[Load]) -> str:
        wanted = {load.line: load.units for load in leaving if load.line is not None}
        picking = await self._open(sale, wanted)
        await self._client.write(PICKING, [picking["id"]], {"origin": reference, "location_id": place})
        await self._pick(picking["id"], wanted, place)
        await self._client.press(PICKING, picking["id"], "button_validate", ("done",), skip_backorder=True)
        return str(picking["name"])

    async def _open(self, sale: Sale, wanted: Mapping[int, int]) -> Record:
        domain = [["sale_id", "=", sale.id], ["state", "in", OPEN], ["picking_type_code", "=", "outgoing"]]
        for picking in await self._client.search(PICKING, domain, FIELDS):
            left: Counter[int] = Counter()
            for move in await self._moves(picking["id"]):
                left[move["sale_line_id"][0]] += int(move["product_uom_qty"])
            if all(left[line] >= units for line, units in wanted.items()):
                return picking
        text = f"odoo: {sale.number} has no transfer with these units left to ship"
        raise Declined(text, code="over_shipped", field="units")

    async def _pick(self, picking: int, wanted: Mapping[int, int], place: int) -> None:
        """Set what is taken of each move: a move that nothing is taken of stays for the back order."""
        for move in await self._moves(picking):
            units = wanted.get(move["sale_line_id"][0], 0)
            await self._client.write(MOVE, [move["id"]], {"quantity": units, "picked": units > 0, "location_id": place})

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


def _items(sale: Sale, done: Mapping[int, Done]) -> list[OrderedItem]:
    """The sale's lines of items. What a parcel's own transfers took already (an earlier attempt) is not gone yet."""
    return [
        OrderedItem(
            id=line.id,
            line=line.terms.line,
            product=line.product,
            per_unit=line.terms.per_unit,
            ordered=line.quantity,
            gone=line.delivered - sum(each.taken.get(line.id, 0) for each in done.values()),
        )
        for line in sale.lines
        if line.terms.per_unit and line.product is not None
    ]
