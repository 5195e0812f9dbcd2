"""Goods on a twin's shelves, or in its books: less with each parcel, more with what comes back to be sold again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.goods import ITEMS, NOT_THERE_YET, STOCK_PER_NODE
from sandbox.shelf import Collection


class GoodsShelf:
    def __init__(self, kept: Collection) -> None:
        self._kept = kept
        if not len(kept):
            for item, nodes in ITEMS.items():
                for node in nodes:
                    self.count(item, node, 0 if item in NOT_THERE_YET else STOCK_PER_NODE)

    def count(self, item: str, node: str, on_hand: int) -> None:
        """So many were counted, whatever the shelf had before."""
        self._kept.put(f"{node}|{item}", {"node": node, "item": item, "on_hand": max(0, on_hand)})

    def move(self, node: str, pieces: Iterable[dict[str, Any]], sign: int) -> None:
        """Pieces with item and quantity come (1) or leave (-1). What the shelf does not know is not counted."""
        for piece in pieces:
            if known := self._kept.get(f"{node}|{piece['item']}"):
                self.count(piece["item"], node, known["on_hand"] + sign * piece["quantity"])

    def levels(self, assigned: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """All places; `assigned` are nodes and the pieces that are being picked there: on hand, and not free."""
        taken: dict[tuple[str, str], int] = {}
        for node, piece in assigned:
            place = node, piece["item"]
            taken[place] = taken.get(place, 0) + piece["quantity"]
        return [
            {**level, "free": max(0, level["on_hand"] - taken.get((level["node"], level["item"]), 0))}
            for level in self._kept.values()
        ]
