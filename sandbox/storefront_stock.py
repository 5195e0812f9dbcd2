"""What the shop may sell of each SKU."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.contract import read
from sandbox.goods import SOLD, UNMAPPED_SKU
from sandbox.storefront_book import Book, Document

MOST = 200
KNOWN = frozenset({*(listing.sku for listing in SOLD), UNMAPPED_SKU})


class Level(BaseModel):
    sku: Annotated[str, Field(min_length=1)]
    quantity: Annotated[int, Field(strict=True, ge=0)]


class Levels(BaseModel):
    quantities: Annotated[list[Level], Field(min_length=1, max_length=MOST)]


class Stock:
    def __init__(self, book: Book) -> None:
        self._book = book

    async def put(self, request: Request) -> Response:
        wanted = await read(request, Levels)
        return JSONResponse({"results": [self._set(level) for level in wanted.quantities]})

    def _set(self, level: Level) -> Document:
        if level.sku not in KNOWN:
            return {
                "sku": level.sku,
                "status": "refused",
                "code": "unknown_sku",
                "message": "The shop has no such SKU.",
            }
        if self._book.stock.get(level.sku) != level.quantity:
            self._book.stock.put(level.sku, level.quantity)
            self._book.record("stock_set", level.sku, sku=level.sku, quantity=level.quantity)
        return {"sku": level.sku, "status": "set"}
