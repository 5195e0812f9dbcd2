"""Inventory of the account's items (Inventory v3)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Sandbox
from sandbox.goods import SOLD, STOCK_PER_NODE, UNMAPPED_SKU
from sandbox.walmart_answers import Payload, Refused, json_body
from sandbox.walmart_book import ACCOUNT

SKUS = frozenset({UNMAPPED_SKU, *(listing.sku for listing in SOLD)})


class WalmartStock:
    def __init__(self, sandbox: Sandbox) -> None:
        self._ledger = sandbox.ledger
        self._amounts = sandbox.shelf.collection("walmart_stock")

    async def get(self, request: Request) -> Response:
        sku = _known(request)
        return JSONResponse(_told(sku, int(self._amounts.get(sku) or 0) if sku in self._amounts else STOCK_PER_NODE))

    async def put(self, request: Request) -> Response:
        """Sets what may be sold, absolutely."""
        sku = _known(request)
        body = await json_body(request)
        quantity = body.get("quantity")
        amount = quantity.get("amount") if isinstance(quantity, dict) else None
        if body.get("sku") != sku:
            raise _invalid("The body's sku is that of the query.", "sku")
        if not isinstance(quantity, dict) or quantity.get("unit") != "EACH":
            raise _invalid("quantity.unit is EACH.", "unit")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
            raise _invalid("quantity.amount is a number of units, 0 or more.", "amount")
        self._amounts.put(sku, amount)
        self._ledger.record("walmart", "stock_set", f"walmart/{ACCOUNT}/{sku}", quantity=amount)
        return JSONResponse(_told(sku, amount))


def _known(request: Request) -> str:
    sku = request.query_params.get("sku", "")
    if sku not in SKUS:
        raise Refused(404, "CONTENT_NOT_FOUND.GMP_INVENTORY_API", f"There is no item with the SKU {sku!r}.", "sku")
    return sku


def _invalid(message: str, field: str) -> Refused:
    return Refused(400, "INVALID_REQUEST_PARAM.GMP_INVENTORY_API", message, field)


def _told(sku: str, amount: int) -> Payload:
    return {"sku": sku, "quantity": {"unit": "EACH", "amount": amount}}
