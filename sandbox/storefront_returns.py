"""Goods that buyers of the shop send back, and what the seller decides of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import storefront_money as money
from sandbox.contract import Refused, read
from sandbox.storefront_book import Book, Document
from sandbox.storefront_writes import Units, pay_back

STEPS = {
    "accept": (("requested",), "approved"),
    "refuse": (("requested", "received"), "refused"),
    "receive": (("approved",), "received"),
    "refund": (("received",), "closed"),
}
"""Action -> states in which it may be decided, and the state after it."""
HIDDEN = "decided"
"""Beside the contract's fields: how many units of each line every action was about."""


class ReturnUnits(BaseModel):
    return_line_id: str
    quantity: Units


class Decision(BaseModel):
    action: Literal["accept", "refuse", "receive", "refund"]
    lines: Annotated[list[ReturnUnits], Field(min_length=1)]
    note: str = ""


class Returns:
    def __init__(self, book: Book) -> None:
        self._book = book

    def ask(self, order: Document) -> None:
        """A buyer wants to send back one unit of the first line that has left."""
        sent = next((line for line in order["lines"] if line["quantity_shipped"]), None)
        if sent is None:
            return
        number = self._book.number("return")
        found = {
            "id": f"RT-{number}",
            "rma": f"RMA{number:06d}",
            "order_id": order["id"],
            "created_at": order["updated_at"],
            "state": "requested",
            "lines": [
                {"id": "1", "line_id": sent["id"], "sku": sent["sku"], "quantity": 1, "reason": "does not fit"},
            ],
            HIDDEN: {},
        }
        self._book.return_changed("returns/created", found)

    async def decide(self, request: Request) -> Response:
        wanted = await read(request, Decision)
        found = self._book.returns.get(str(request.path_params["return_id"]))
        if found is None:
            raise Refused("not_found", "id", "There is no such return.", 404)
        allowed, after = STEPS[wanted.action]
        if found["state"] not in allowed:
            raise Refused("wrong_state", "action", f"The return is {found['state']}.", 409)
        units = {line.return_line_id: line.quantity for line in wanted.lines}
        _check(found, units, wanted.action)
        found["state"] = after
        found[HIDDEN][wanted.action] = units
        if wanted.action == "refund":
            self._refund(found, units)
        self._book.record("return_decided", found["order_id"], action=wanted.action, id=found["id"], units=units)
        self._book.return_changed("returns/updated", found)
        return JSONResponse({"id": found["id"], "state": after})

    def _refund(self, found: Document, units: dict[str, int]) -> None:
        """Pay the buyer what the units have cost, as far as it has not gone back already."""
        order = self._book.orders.get(found["order_id"])
        assert order is not None, "a return is of an order of this shop"
        lines = {line["id"]: line for line in order["lines"]}
        sold = {line["id"]: line["line_id"] for line in found["lines"]}
        worth = sum((money.share(order, lines[sold[name]], count) for name, count in units.items()), Decimal(0))
        back = {sold[name]: count for name, count in units.items()}
        refund = pay_back(self._book, order, min(worth, money.left(order)), "returned", back)
        found["refunded"] = {"amount": refund["amount"], "currency": order["currency"]}
        self._book.record("refunded", order["id"], amount=refund["amount"], currency=order["currency"], units=back)
        self._book.order_changed("orders/updated", order)


def shown(found: Document) -> Document:
    return {name: value for name, value in found.items() if name != HIDDEN}


def _check(found: Document, units: dict[str, int], action: str) -> None:
    """No more units than the return has, or than the step before was about."""
    before = {"receive": "accept", "refund": "receive"}.get(action, "")
    limits = found[HIDDEN].get(before) or {line["id"]: line["quantity"] for line in found["lines"]}
    for name, count in units.items():
        if name not in limits:
            raise Refused("unknown_line", "lines", f"This is not about return line {name}.")
        if count > limits[name]:
            raise Refused("exceeds_open", "lines", f"{limits[name]} units of return line {name} can be meant.", 409)
