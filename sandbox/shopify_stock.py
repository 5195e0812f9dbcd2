"""Inventory: an item a listing, levels by location, compare-and-swap."""

from __future__ import annotations

from typing import Any

from sandbox.core import Sandbox
from sandbox.goods import ITEMS, SOLD, Listing, unmapped_listing
from sandbox.shopify_book import ACCOUNT, LOCATIONS, OrderBook, now
from sandbox.shopify_errors import UserError
from sandbox.shopify_pages import connection, gid, number_of
from sandbox.shopify_search import terms

Document = dict[str, Any]
FIRST_ITEM_ID = 45_000_000_000_000
AT_FIRST = 1000
"""Units of each item that a location has when the shop opens."""
HIGHEST = 1_000_000_000


class Inventory:
    def __init__(self, sandbox: Sandbox, book: OrderBook) -> None:
        self._ledger = sandbox.ledger
        self._book = book
        self._levels = sandbox.shelf.collection("shopify.inventory_levels")
        goods = (*SOLD, unmapped_listing())
        self._items = {str(FIRST_ITEM_ID + index): listing for index, listing in enumerate(goods)}
        for number, listing in self._items.items():
            for place in _stocked_at(listing):
                if f"{number}/{place}" not in self._levels:
                    self._levels.put(f"{number}/{place}", AT_FIRST)

    def sell(self, order: Document) -> None:
        """What a buyer ordered is not available any more."""
        for line in order["line_items"]:
            self._move(str(line.get("sku") or ""), -int(line["quantity"]))

    def give_back(self, sku: str, units: int) -> None:
        self._move(sku, units)

    def available(self, sku: str) -> int:
        """At all locations together."""
        return sum(self._units(key) for key in self._keys(sku))

    def set_levels(self, wanted: Document) -> str:
        """`inventorySetQuantities`: all of them or none; returns the adjustment's id. Raises `UserError`."""
        if wanted["name"] != "available":
            raise UserError("The quantity name must be 'available'.", "input", "name", code="INVALID_NAME")
        rows = wanted["quantities"]
        seen: set[str] = set()
        for index, row in enumerate(rows):
            self._check(row, index, seen)
        for row in rows:
            key = _key(row)
            self._levels.put(key, row["quantity"])
            item = self._items[number_of(row["inventoryItemId"])]
            self._ledger.record(
                "shopify",
                "stock_set",
                f"shopify/{ACCOUNT}/{item.sku}",
                location=number_of(row["locationId"]),
                quantity=row["quantity"],
                available=self.available(item.sku),
            )
        return str(self._book.number("inventory_adjustment"))

    def search(self, query: str | None) -> list[Document]:
        """By `sku:` terms, which are alternatives; upper case does not matter to it."""
        skus = {value.lower() for field, _, value in terms(query) if field == "sku"}
        chosen = [number for number, item in self._items.items() if not skus or item.sku.lower() in skus]
        return [view for number in chosen if (view := self.view(number))]

    def view(self, number: str) -> Document | None:
        item = self._items.get(number)
        if item is None:
            return None
        return {
            "__typename": "InventoryItem",
            "id": gid("InventoryItem", number),
            "sku": item.sku,
            "tracked": True,
            "duplicateSkuCount": 0,
            "inventoryLevels": connection([self._level(number, place) for place in _stocked_at(item)]),
        }

    def _level(self, number: str, place: str) -> Document:
        units = self._levels.get(f"{number}/{place}")
        level_id = f"{LOCATIONS[place]}?inventory_item_id={number}"

        def quantities(_info: Any, names: list[str]) -> list[Document]:
            return [
                {"id": gid("InventoryQuantity", f"{level_id}&name={name}"), "name": name, "quantity": units}
                for name in names
                if name in ("available", "on_hand")
            ]

        return {
            "__typename": "InventoryLevel",
            "id": gid("InventoryLevel", level_id),
            "isActive": True,
            "location": location_view(place),
            "quantities": quantities,
        }

    def _check(self, row: Document, index: int, seen: set[str]) -> None:
        where = ("input", "quantities", str(index))
        key = _key(row)
        if number_of(row["inventoryItemId"]) not in self._items:
            raise UserError("The specified inventory item could not be found.", *where, "inventoryItemId",
                            code="INVALID_INVENTORY_ITEM")  # fmt: skip
        if key not in self._levels:
            raise UserError("The specified location could not be found.", *where, "locationId",
                            code="INVALID_LOCATION")  # fmt: skip
        if key in seen:
            raise UserError("The combination of inventoryItemId and locationId must be unique.", *where,
                            code="NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR")  # fmt: skip
        seen.add(key)
        _check_quantity(row, where, self._units(key))

    def _move(self, sku: str, units: int) -> None:
        if keys := self._keys(sku):
            fullest = max(keys, key=lambda key: self._units(key))
            self._levels.put(fullest, self._units(fullest) + units)

    def _units(self, key: str) -> int:
        return int(self._levels.get(key) or 0)

    def _keys(self, sku: str) -> list[str]:
        number = next((number for number, item in self._items.items() if item.sku == sku), None)
        return [f"{number}/{place}" for place in _stocked_at(self._items[number])] if number else []


def adjustment_view(number: str) -> Document:
    moment = now().isoformat().replace("+00:00", "Z")
    return {"id": gid("InventoryAdjustmentGroup", number), "createdAt": moment, "reason": "correction"}


def location_view(place: str) -> Document:
    return {"__typename": "Location", "id": gid("Location", LOCATIONS[place]), "name": place}


def _check_quantity(row: Document, where: tuple[str, ...], available: int) -> None:
    if "changeFromQuantity" not in row:
        raise UserError("changeFromQuantity must be given, if only as null.", *where, "changeFromQuantity",
                        code="CHANGE_FROM_QUANTITY_STALE")  # fmt: skip
    if row["quantity"] < 0:
        raise UserError("The quantity can't be negative.", *where, "quantity", code="INVALID_QUANTITY_NEGATIVE")
    if row["quantity"] > HIGHEST:
        raise UserError("The total quantity can't be higher than 1,000,000,000.", *where, "quantity",
                        code="INVALID_QUANTITY_TOO_HIGH")  # fmt: skip
    if row["changeFromQuantity"] not in (None, available):
        raise UserError("The changeFromQuantity value does not match persisted value.", *where, "changeFromQuantity",
                        code="CHANGE_FROM_QUANTITY_STALE")  # fmt: skip


def _key(row: Document) -> str:
    place = next((name for name, number in LOCATIONS.items() if str(number) == number_of(row["locationId"])), "")
    return f"{number_of(row['inventoryItemId'])}/{place}"


def _stocked_at(listing: Listing) -> list[str]:
    """The warehouses that stock everything the listing is made of; where none does, both have a part of it."""
    whole = [place for place in LOCATIONS if all(place in ITEMS[item] for item in listing.components)]
    return whole or list(LOCATIONS)
