"""Goods that people took back in Tryton, as the report that the WMS contract has for them.

A customer return is told once it is *done*: by then its goods have been put away, and where to says what they are.
"""

from __future__ import annotations

from decimal import Decimal

from connectors.tryton.wire import Record
from connectors.wms.tryton.dispatches import moved_at
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
    "effective_date",
    "last_modified_at",
    "warehouse.code",
    "warehouse.waste_locations",
    "warehouse_input",
    "warehouse_storage",
    "moves.from_location",
    "moves.quantity",
    "moves.state",
    "moves.product.code",
    "moves.to_location.code",
    "moves.to_location.type",
)


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


def _put_away(record: Record) -> list[Record]:
    """From the door to where they stay. A warehouse without a door of its own puts them there at once."""
    done = [move for move in record["moves"] if move["state"] == DONE]
    if record["warehouse_input"] == record["warehouse_storage"]:
        return done
    return [move for move in done if move["from_location"] == record["warehouse_input"]]


def _condition(place: Record, warehouse: Record) -> Condition:
    if (place["code"] or "").upper() == REJECTED:
        return Condition.REJECT
    is_waste = place["type"] == WASTE or place["id"] in warehouse["waste_locations"]
    return Condition.SCRAP if is_waste else Condition.RESELL


def _whole(quantity: Decimal) -> int | str:
    """Half a piece is nothing that the contract knows: it is left as it is, to be refused by its place."""
    return int(quantity) if quantity == int(quantity) else str(quantity)
