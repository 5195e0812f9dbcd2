"""What a system behind our own HTTP contracts (ERP, WMS) says it has on hand: one shape for both."""

from __future__ import annotations

import httpx
from pydantic import BaseModel, Field, ValidationError

from connectors.contract import drift
from models.ledger import StockLevel

LEVELS = "orderyard-inventory"
"""Correlation id of a reading of stock, which belongs to no order."""


class LevelDocument(BaseModel):
    node: str = Field(min_length=1)
    item: str = Field(min_length=1)
    on_hand: int = Field(ge=0)
    free: int = Field(ge=0)

    def canonical(self) -> StockLevel:
        return StockLevel(node=self.node, item=self.item, on_hand=self.on_hand, free=self.free)


class LevelsDocument(BaseModel):
    levels: list[LevelDocument]


def stock_levels(response: httpx.Response, system: str) -> tuple[StockLevel, ...]:
    """What a system says it has on hand. Raises `SchemaDrift`."""
    try:
        return tuple(level.canonical() for level in LevelsDocument.model_validate_json(response.content).levels)
    except ValidationError as error:
        raise drift(error, response.content, system) from error
