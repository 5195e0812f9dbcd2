"""Goods that leave, a shipment for each warehouse that they leave, and goods that come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from connectors.erp.documents import parcel_reference
from connectors.erp.leaving import Goods, Load, OrderedItem, beyond_order, completed, loads
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.parties import Parties
from connectors.erp.tryton.sales import Sales, gone, lines_of, terms_of
from connectors.errors import Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.fulfilment import ConfirmedParcel
from models.systems import Condition, ReturnedItem, ReturnReceipt

OUT, RETURN = "stock.shipment.out", "stock.shipment.out.return"
FOUND = ["state", "number"]
STEPS = (("draft", "wait"), ("waiting", "assign_force"), ("assigned", "pick"), ("picked", "pack"), ("packed", "do"))
"""State -> the button that leads out of it. Assigned by force: what a warehouse reports has left the shelf."""
ORDERED = ("draft", "waiting", "assigned", "picked", "packed", "shipped", "done")


class Shipping:
    def __init__(self, client: TrytonClient, masters: Masters, sales: Sales, parties: Parties) -> None:
        self._client, self._masters, self._sales, self._parties = client, masters, sales, parties

    async def ship(self, parcel: ConfirmedParcel) -> str:
        """The shipments of a parcel, done; returns their numbers, none when nothing left a warehouse of these books.

        A Tryton shipment has one warehouse: those of a parcel share its reference, each with a warehouse of its own.
        """
        reference = parcel_reference(parcel)
        sale = await self._sales.required(parcel.order_key)
        known = await self._known(reference)
        items = _items(sale, known.values())
        lines_of(sale, parcel.units)
        goods = await self._goods(parcel, items)
        warehouses = {node: await self._masters.warehouse(node) for node, _ in goods}
        if any(each["id"] not in known for each in warehouses.values()) and (over := beyond_order(items, parcel.units)):
            raise Declined(f"tryton: {sale['number']}: {over}", code="over_shipped", field="units")
        numbers = []
        for node, leaving in loads(items, parcel.units, goods).items():
            warehouse = warehouses[node]
            shipment = known.get(warehouse["id"]) or await self._create(parcel, sale, warehouse, leaving)
            await self._advance(shipment)
            numbers.append(str((await self._client.read(OUT, shipment["id"], ["number"]))["number"]))
        return ", ".join(numbers)

    async def receive(self, receipt: ReturnReceipt) -> str:
        """The return shipment of a receipt, done: what may be sold goes into storage, the rest to waste."""

        async def find() -> Record | None:
            return await self._find(RETURN, receipt.receipt_id)

        found = await find()
        if found is None:
            made = await self._client.create(RETURN, await self._return(receipt), find, FOUND)
            found = await self._only(RETURN, await find() or made, made)
        if found["state"] == "draft":
            await self._client.press(RETURN, found["id"], "receive", ("received", "done"))
        if (await self._client.read(RETURN, found["id"], ["state"]))["state"] == "received":
            await self._separate(found["id"], receipt)
            await self._client.press(RETURN, found["id"], "do", ("done",))
        return str((await self._client.read(RETURN, found["id"], ["number"]))["number"])

    async def _known(self, reference: str) -> dict[int, Record]:
        """Warehouse -> the oldest shipment of a parcel from there, with what it takes of the sale's lines."""
        domain = [["reference", "=", reference], ["state", "!=", "cancelled"], ["company", "=", self._client.company]]
        fields = [*FOUND, "warehouse", "outgoing_moves.origin", "outgoing_moves.quantity"]
        return {each["warehouse"]: each for each in reversed(await self._client.search(OUT, domain, fields))}

    async def _find(self, model: str, reference: str, *more: list[object]) -> Record | None:
        ours = [["state", "!=", "cancelled"], ["company", "=", self._client.company]]
        return await self._client.first(model, [["reference", "=", reference], *ours, *more], FOUND)

    async def _only(self, model: str, oldest: Record, mine: Record) -> Record:
        """Tryton does not hold the reference to be unique: of two that were made at once the older stays."""
        if oldest["id"] != mine["id"]:
            await self._client.press(model, mine["id"], "cancel", ("cancelled",))
        return oldest

    async def _advance(self, shipment: Record) -> None:
        for state, button in STEPS:
            if shipment["state"] == state:
                further = ORDERED[ORDERED.index(state) + 1 :]
                shipment["state"] = await self._client.press(OUT, shipment["id"], button, further)

    async def _goods(self, parcel: ConfirmedParcel, items: list[OrderedItem]) -> Goods:
        """What left which node. Goods that the channel ships leave the warehouse in which it holds them, if any."""
        goods: Counter[tuple[str, int]] = Counter()
        for each in parcel.goods:
            goods[each.node, await self._masters.product(each.item, "goods")] += each.quantity
        node = parcel.node or self._masters.held_at(parcel.order_key)
        return goods or (completed(items, parcel, node) if node else {})

    async def _create(self, parcel: ConfirmedParcel, sale: Record, warehouse: Record, leaving: list[Load]) -> Record:
        reference = parcel_reference(parcel)

        async def find() -> Record | None:
            return await self._find(OUT, reference, ["warehouse", "=", warehouse["id"]])

        values = await self._shipment(parcel, sale, warehouse, leaving)
        made = await self._client.create(OUT, values, find, FOUND)
        return await self._only(OUT, await find() or made, made)

    async def _shipment(self, parcel: ConfirmedParcel, sale: Record, warehouse: Record, leaving: list[Load]) -> Record:
        prices = {line["id"]: line["unit_price"] for line in sale["lines"]}
        common = {
            "from_location": warehouse["output_location"],
            "to_location": await self._masters.customer_location(),
            "unit": await self._masters.unit(),
            "currency": await self._masters.currency(sale["currency"]["code"]),
        }
        moves = [
            {**self._move(load.product, load.units), **common, "unit_price": prices.get(load.line, Decimal(0)),
             "origin": f"sale.line,{load.line}" if load.line else None}
            for load in leaving
        ]  # fmt: skip
        return {
            "company": self._client.company,
            "reference": parcel_reference(parcel),
            "customer": sale["party"],
            "delivery_address": sale["shipment_address"],
            "warehouse": warehouse["id"],
            "warehouse_storage": warehouse["storage_location"],
            "warehouse_output": warehouse["output_location"],
            "effective_date": parcel.shipped_at.date(),
            "moves": [["create", moves]],
        }

    async def _return(self, receipt: ReturnReceipt) -> Record:
        if receipt.order_key:
            party = (await self._sales.required(receipt.order_key))["party"]
        else:
            party = (await self._parties.guest()).party
        warehouse = await self._masters.warehouse(receipt.node)
        currency = (await self._masters.company_currency())["id"]
        moves = [
            {**self._move(await self._masters.product(item.item, "items"), item.quantity),
             "from_location": await self._masters.customer_location(), "to_location": warehouse["input_location"],
             "unit": await self._masters.unit(), "unit_price": Decimal(0), "currency": currency}
            for item in receipt.items
        ]  # fmt: skip
        return {
            "company": self._client.company,
            "reference": receipt.receipt_id,
            "customer": party,
            "warehouse": warehouse["id"],
            "warehouse_input": warehouse["input_location"],
            "warehouse_storage": warehouse["storage_location"],
            "effective_date": receipt.received_at.date(),
            "moves": [["create", moves]],
        }

    async def _separate(self, shipment: int, receipt: ReturnReceipt) -> None:
        """Send what may not be sold again to the warehouse's place for waste, before the goods are put away."""
        warehouse = await self._masters.warehouse(receipt.node)
        unsellable = [item for item in receipt.items if item.condition is not Condition.RESELL]
        if not unsellable:
            return
        if not warehouse.get("waste_locations"):
            raise Declined(f"tryton: {receipt.node} has no waste location", code="no_location", field="node")
        waste = warehouse["waste_locations"][0]
        domain = [["shipment", "=", f"{RETURN},{shipment}"], ["from_location", "=", warehouse["input_location"]]]
        moves = await self._client.search("stock.move", domain, ["product", "quantity", "to_location"])
        for item in unsellable:
            move = await self._move_of(item, moves, waste)
            moves.remove(move)
            if move["to_location"] != waste:
                await self._client.update("stock.move", move["id"], {"to_location": waste})

    async def _move_of(self, item: ReturnedItem, moves: list[Record], waste: int) -> Record:
        """The move of an item; one that an earlier attempt has sent to waste already comes first."""
        product = await self._masters.product(item.item, "items")
        fitting = [move for move in moves if (move["product"], int(move["quantity"])) == (product, item.quantity)]
        if not fitting:
            text = f"tryton: the receipt's return has no move of {item.quantity} {item.item}"
            raise Declined(text, code="lines_differ", field="items")
        return max(fitting, key=lambda move: bool(move["to_location"] == waste))

    def _move(self, product: int, quantity: int) -> Record:
        return {"company": self._client.company, "product": product, "quantity": quantity}


def _items(sale: Record, own: Iterable[Record]) -> list[OrderedItem]:
    """The sale's lines of items. What a parcel's own shipments take already (an earlier attempt) is not gone yet."""
    mine: Counter[str] = Counter()
    for move in (move for shipment in own for move in shipment["outgoing_moves"]):
        mine[move["origin"] or ""] += int(move["quantity"])
    return [
        OrderedItem(
            id=line["id"],
            line=terms.line,
            product=line["product"],
            per_unit=terms.per_unit,
            ordered=int(line["quantity"]),
            gone=gone(line) - mine[f"sale.line,{line['id']}"],
        )
        for line, terms in ((line, terms_of(line)) for line in sale["lines"])
        if terms.per_unit and line["product"]
    ]
