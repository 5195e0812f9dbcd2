"""How people take a buyer's parcel back in Tryton: receive it at the door, put its pieces away, complete."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from stack.tryton import LocalTryton
from stack.tryton_rpc import Record, TrytonRpc
from tests.wms_conformance.subject import Pieces

BACK, LOCATION = "stock.shipment.out.return", "stock.location"
REJECTED = "REJECT"


def take_back(tryton: LocalTryton, reference: str, pieces: Sequence[Pieces], put_away: bool, of: str = "") -> str:
    """`of`: the fulfilment that the goods left with, said as the origin of their moves."""
    rpc = tryton.admin()
    places = ["input_location", "storage_location", "waste_locations"]
    warehouse = rpc.first(LOCATION, [["code", "=", "BER-1"]], places)
    company = rpc.first("company.company", [], ["party", "currency"])
    moves = [
        {**_arriving(rpc, warehouse, company, item, quantity), **(_origin(rpc, of, item) if of else {})}
        for item, quantity, _ in pieces
    ]
    values = {
        "company": company["id"],
        "customer": company["party"],
        "warehouse": warehouse["id"],
        "warehouse_input": warehouse["input_location"],
        "warehouse_storage": warehouse["storage_location"],
        "reference": reference,
        "moves": [["create", moves]],
    }
    [made] = rpc.create(BACK, values)
    rpc.model(BACK, "receive", [made])
    if put_away:
        _put_away(rpc, made, warehouse, pieces)
    number = str(rpc.model(BACK, "read", [made], ["number"])[0]["number"])
    rpc.close()
    return number


def _arriving(rpc: TrytonRpc, warehouse: Record, company: Record, item: str, quantity: int) -> Record:
    return {
        "product": rpc.first("product.product", [["code", "=", item]])["id"],
        "quantity": float(quantity),
        "unit": rpc.first("product.uom", [["symbol", "=", "u"]])["id"],
        "from_location": rpc.first(LOCATION, [["type", "=", "customer"]])["id"],
        "to_location": warehouse["input_location"],
        "company": company["id"],
        "unit_price": Decimal(0),
        "currency": company["currency"],
    }


def _origin(rpc: TrytonRpc, fulfilment_id: str, item: str) -> Record:
    shipped = rpc.first("stock.shipment.out", [["reference", "=", fulfilment_id]], ["outgoing_moves"])
    domain = [["id", "in", list(shipped["outgoing_moves"])], ["product.code", "=", item]]
    return {"origin": f"stock.move,{rpc.first('stock.move', domain)['id']}"}


def _put_away(rpc: TrytonRpc, made: int, warehouse: Record, pieces: Sequence[Pieces]) -> None:
    elsewhere = {"waste": warehouse["waste_locations"][0], "rejected": _rejected(rpc, warehouse)}
    moves = rpc.model(BACK, "read", [made], ["inventory_moves"])[0]["inventory_moves"]
    for item, quantity, place in pieces:
        if place in elsewhere:
            of = [["id", "in", moves], ["product.code", "=", item], ["quantity", "=", float(quantity)]]
            move = rpc.first("stock.move", of)["id"]
            rpc.model("stock.move", "write", [move], {"to_location": elsewhere[place]})
    rpc.model(BACK, "do", [made], _skip_warnings=True)


def _rejected(rpc: TrytonRpc, warehouse: Record) -> int:
    """A waste location of the warehouse with the code that says so."""
    known = rpc.search(LOCATION, [["code", "=", REJECTED]])
    if known:
        return int(known[0]["id"])
    [made] = rpc.create(LOCATION, {"name": "Rejected", "code": REJECTED, "type": "lost_found"})
    rpc.model(LOCATION, "write", [warehouse["id"]], {"waste_locations": [["add", [made]]]})
    return made
