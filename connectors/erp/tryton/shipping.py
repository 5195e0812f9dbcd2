"""Goods that leave and goods that come back, as Tryton's shipments."""

from __future__ import annotations

from decimal import Decimal

from connectors.erp.documents import parcel_reference
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.parties import Parties
from connectors.erp.tryton.sales import Sales, lines_of
from connectors.errors import Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.fulfilment import ConfirmedParcel
from models.systems import Condition, ReturnedItem, ReturnReceipt

OUT, RETURN = "stock.shipment.out", "stock.shipment.out.return"
STEPS = (("draft", "wait"), ("waiting", "assign_force"), ("assigned", "pick"), ("picked", "pack"), ("packed", "do"))
"""State -> the button that leads out of it. Assigned by force: what a warehouse reports has left the shelf."""
ORDERED = ("draft", "waiting", "assigned", "picked", "packed", "shipped", "done")


class Shipping:
    def __init__(self, client: TrytonClient, masters: Masters, sales: Sales, parties: Parties) -> None:
        self._client, self._masters, self._sales, self._parties = client, masters, sales, parties

    async def ship(self, parcel: ConfirmedParcel) -> str:
        """The shipment of a parcel, done; returns its number."""
        reference = parcel_reference(parcel)
        found = await self._find(OUT, reference)
        if found is None:
            values = await self._shipment(parcel, reference)
            made = await self._client.create(OUT, values, lambda: self._find(OUT, reference), ["state", "number"])
            found = await self._only(OUT, reference, made)
        await self._advance(found)
        return str((await self._client.read(OUT, found["id"], ["number"]))["number"])

    async def receive(self, receipt: ReturnReceipt) -> str:
        """The return shipment of a receipt, done: what may be sold goes into storage, the rest to waste."""
        found = await self._find(RETURN, receipt.receipt_id)
        if found is None:
            values = await self._return(receipt)
            made = await self._client.create(
                RETURN, values, lambda: self._find(RETURN, receipt.receipt_id), ["state", "number"]
            )
            found = await self._only(RETURN, receipt.receipt_id, made)
        if found["state"] == "draft":
            await self._client.press(RETURN, found["id"], "receive", ("received", "done"))
        if (await self._client.read(RETURN, found["id"], ["state"]))["state"] == "received":
            await self._separate(found["id"], receipt)
            await self._client.press(RETURN, found["id"], "do", ("done",))
        return str((await self._client.read(RETURN, found["id"], ["number"]))["number"])

    async def _find(self, model: str, reference: str) -> Record | None:
        domain = [["reference", "=", reference], ["state", "!=", "cancelled"], ["company", "=", self._client.company]]
        return await self._client.first(model, domain, ["state", "number"])

    async def _only(self, model: str, reference: str, mine: Record) -> Record:
        """Tryton does not hold the reference to be unique: of two that were made at once the older stays."""
        oldest = await self._find(model, reference) or mine
        if oldest["id"] != mine["id"]:
            await self._client.press(model, mine["id"], "cancel", ("cancelled",))
        return oldest

    async def _advance(self, shipment: Record) -> None:
        for state, button in STEPS:
            if shipment["state"] == state:
                further = ORDERED[ORDERED.index(state) + 1 :]
                shipment["state"] = await self._client.press(OUT, shipment["id"], button, further)

    async def _shipment(self, parcel: ConfirmedParcel, reference: str) -> Record:
        sale = await self._sales.required(parcel.order_key)
        warehouse = await self._warehouse(parcel.node, sale)
        places = {
            "from_location": warehouse["output_location"],
            "to_location": await self._masters.customer_location(),
        }
        moves = [
            {**self._move(line["product"], parcel.units[terms.line] * terms.per_unit), **places,
             "unit": await self._masters.unit(), "unit_price": line["unit_price"],
             "currency": await self._masters.currency(sale["currency"]["code"]), "origin": f"sale.line,{line['id']}"}
            for line, terms in lines_of(sale, parcel.units)
            if terms.per_unit and line["product"]
        ]  # fmt: skip
        _require_open(sale, moves)
        return {
            "company": self._client.company,
            "reference": reference,
            "customer": sale["party"],
            "delivery_address": sale["shipment_address"],
            "warehouse": warehouse["id"],
            "warehouse_storage": warehouse["storage_location"],
            "warehouse_output": warehouse["output_location"],
            "effective_date": parcel.shipped_at.date(),
            "moves": [["create", moves]],
        }

    async def _warehouse(self, node: str, sale: Record) -> Record:
        if node:
            return await self._masters.warehouse(node)
        fields = ["code", "input_location", "output_location", "storage_location"]
        return await self._client.read("stock.location", sale["warehouse"], fields)

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


def _require_open(sale: Record, moves: list[Record]) -> None:
    """Raise `Declined` (`over_shipped`) when more would leave than was ordered."""
    lines = {f"sale.line,{line['id']}": line for line in sale["lines"]}
    for move in moves:
        line = lines[move["origin"]]
        gone = sum(int(known["quantity"]) for known in line.get("moves") or [] if known["state"] != "cancelled")
        if gone + move["quantity"] > int(line["quantity"]):
            text = f"tryton: {gone} of {line['quantity']} have left of {sale['number']}, and {move['quantity']} more"
            raise Declined(text, code="over_shipped", field="units")
