"""Goods that people took back in Tryton, as the report that the WMS contract has for them.

A customer return is told once it is *done*: by then its goods have been put away, and where to says what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from connectors.wms.tryton.dispatches import OUT, moved_at
from models.order import OrderKey
from models.systems import Condition

BACK = "stock.shipment.out.return"
DONE = "done"
REJECTED = "REJECT"
"""Code of a location for goods that are neither sold again nor paid back."""
WASTE = "lost_found"
FIELDS = (
    "number",
    "reference",
    "create_date",
    "effective_date",
    "last_modified_at",
    "warehouse.code",
    "warehouse.waste_locations",
    "warehouse_input",
    "warehouse_storage",
    "moves.from_location",
    "moves.quantity",
    "moves.state",
    "moves.origin",
    "moves.product.code",
    "moves.to_location.code",
    "moves.to_location.type",
)


MOVE = "stock.move,"
"""How Tryton writes that something came of a move."""


class ReturnReader:
    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def of(self, returns: Sequence[int]) -> list[Record]:
        """Those of these ids. One on which nothing is written has the reference of the parcel that its goods left in,
        when whoever took it in said so as their origin."""
        records = await self._client.search(BACK, [["id", "in", list(returns)]], FIELDS)
        unnamed = [record for record in records if not (record["reference"] or "").strip()]
        left_in = await self._left_in(sorted({move for record in unnamed for move in _came_of(record)}))
        for record in unnamed:
            parcels = {left_in[move] for move in _came_of(record) if move in left_in}
            record["reference"] = parcels.pop() if len(parcels) == 1 else ""
        return records

    async def _left_in(self, moves: list[int]) -> dict[int, str]:
        """Move -> the reference of the shipment that it was in."""
        if not moves:
            return {}
        shipments = await self._client.search(OUT, [["moves.id", "in", moves]], ["reference", "moves.id"])
        return {move["id"]: each["reference"] or "" for each in shipments for move in each["moves"]}


def report_of(record: Record) -> Record:
    """The document, not looked at: whoever reads it says what is wrong with it."""
    order, rma = named(record["reference"] or "")
    return {
        "event": "return_received",
        "rma": rma,
        **({"order_reference": str(order)} if order else {}),
        "receipt": {
            "receipt_id": record["number"] or "",
            "node": record["warehouse"]["code"] or "",
            "received_at": moved_at(record).isoformat(),
            "items": _items(record),
        },
    }


def named(reference: str) -> tuple[OrderKey | None, str]:
    """Whose goods these are, by what somebody wrote on the return: an order's key, a fulfilment id, or an RMA."""
    text = reference.strip()
    try:
        return OrderKey.from_string(text.partition("#")[0]), ""
    except ValueError:
        return None, text


def _items(record: Record) -> list[Record]:
    pieces: dict[tuple[str, Condition], Decimal] = {}
    for move in _put_away(record):
        of = (move["product"]["code"] or "", _condition(move["to_location"], record["warehouse"]))
        pieces[of] = pieces.get(of, Decimal(0)) + Decimal(move["quantity"])
    return [
        {"item": item, "quantity": _whole(quantity), "condition": condition}
        for (item, condition), quantity in pieces.items()
    ]


def _came_of(record: Record) -> set[int]:
    """The moves that are the origins of what arrived. What is put away comes of what arrived, and says no more."""
    arrived = [str(move["origin"] or "") for move in record["moves"] if move not in _from_the_door(record)]
    return {int(origin.removeprefix(MOVE)) for origin in arrived if origin.startswith(MOVE)}


def _put_away(record: Record) -> list[Record]:
    """To where they stay. A warehouse without a door of its own puts there at once what arrives."""
    moves = record["moves"] if _has_no_door(record) else _from_the_door(record)
    return [move for move in moves if move["state"] == DONE]


def _from_the_door(record: Record) -> list[Record]:
    if _has_no_door(record):
        return []
    return [move for move in record["moves"] if move["from_location"] == record["warehouse_input"]]


def _has_no_door(record: Record) -> bool:
    return bool(record["warehouse_input"] == record["warehouse_storage"])


def _condition(place: Record, warehouse: Record) -> Condition:
    if (place["code"] or "").upper() == REJECTED:
        return Condition.REJECT
    is_waste = place["type"] == WASTE or place["id"] in warehouse["waste_locations"]
    return Condition.SCRAP if is_waste else Condition.RESELL


def _whole(quantity: Decimal) -> int | str:
    """Half a piece is nothing that the contract knows: it is left as it is, to be refused by its place."""
    return int(quantity) if quantity == int(quantity) else str(quantity)
