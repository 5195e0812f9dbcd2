"""Sets what may be sold. Shopify counts stock by location; Orderyard says one number for a SKU.

The difference goes to one location (option `stock_location`, else the fullest one), so that the others stay as they
are; a decrease takes from the fullest first. Each write names the quantity that it changes from: what was sold in
between is never overwritten (`CHANGE_FROM_QUANTITY_STALE`: read again, set again).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any
from urllib.parse import quote

from connectors.errors import Unavailable
from connectors.shopify import mutations, queries_changes
from connectors.shopify.failing import check_user_errors
from connectors.shopify.graphql import ShopifyGraphql
from connectors.shopify.refunding import key_of
from models.channel import Progress, Rejected, StockUpdate

Document = dict[str, Any]
BATCH = 25
"""SKUs a query asks for."""
ROUNDS = 4
"""Reads and writes of a batch, before somebody else is found to be selling faster than we can count."""
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
ABOUT_ONE = frozenset(
    {"INVALID_INVENTORY_ITEM", "INVALID_LOCATION", "INVALID_QUANTITY_NEGATIVE", "INVALID_QUANTITY_TOO_HIGH",
     "NON_MUTABLE_INVENTORY_ITEM", "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"}
)  # fmt: skip
"""Codes that refuse one quantity of a call: the others are sent again without it."""


@dataclass(frozen=True)
class Change:
    sku: str
    item: str
    location: str
    before: int
    after: int

    def row(self) -> Document:
        return {
            "inventoryItemId": self.item,
            "locationId": self.location,
            "quantity": self.after,
            "changeFromQuantity": self.before,
        }


class Stocking:
    """Remembers which inventory item a SKU is. Options: `stock_location` (id of the one location to set)."""

    def __init__(self, graphql: ShopifyGraphql, options: Mapping[str, Any]) -> None:
        self._graphql = graphql
        self._location = str(options.get("stock_location") or "")
        self._known: dict[str, str] = {}

    async def publish(self, update: StockUpdate) -> Progress:
        rejected: list[Rejected] = []
        wanted = iter({each.sku: each.quantity for each in update.quantities}.items())
        while batch := dict(islice(wanted, BATCH)):
            rejected += await self._set(update, batch)
        return Progress(rejected=tuple(rejected))

    async def _set(self, update: StockUpdate, wanted: dict[str, int]) -> list[Rejected]:
        rejected: list[Rejected] = []
        for _ in range(ROUNDS):
            items = await self._items(wanted, update.correlation_id)
            unfit = [problem for sku in wanted if (problem := _unfit(sku, items.get(sku, []), self._location))]
            rejected += unfit
            for problem in unfit:
                del wanted[problem.key]
            changes = [change for sku, units in wanted.items() for change in self._changes(sku, items[sku][0], units)]
            if not changes:
                return rejected
            errors = await self._write(update, changes)
            if not errors:
                return rejected
            rejected += _refused(errors, changes, wanted)
        raise Unavailable(f"stock of {', '.join(wanted)} changes faster than it can be set")

    def _changes(self, sku: str, item: Document, wanted: int) -> list[Change]:
        levels = {level["location"]["id"]: _available(level) for level in item["inventoryLevels"]["nodes"]}
        if self._location:
            levels = {place: units for place, units in levels.items() if _same(place, self._location)}
        after = spread(levels, wanted)
        return [Change(sku, item["id"], place, levels[place], after[place]) for place in levels
                if after[place] != levels[place]]  # fmt: skip

    async def _write(self, update: StockUpdate, changes: list[Change]) -> list[Document]:
        """The errors that are about single quantities; every other one is raised."""
        rows = [change.row() for change in changes]
        what = sha256(repr(rows).encode()).hexdigest()[:16]
        request = {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": f"gid://orderyard/StockUpdate/{quote(update.request_id, safe='')}",
            "quantities": rows,
        }
        data = await self._graphql.run(
            "inventory_set_quantities",
            mutations.SET_STOCK,
            {"input": request, "key": key_of(f"{update.request_id}:{what}")},
            writes=True,
            correlation_id=update.correlation_id,
        )
        payload = data.get("inventorySetQuantities") or {}
        errors = list(payload.get("userErrors") or ())
        mild = [error for error in errors if error.get("code") in STALE or _index(error, changes) is not None]
        if len(mild) < len(errors):
            check_user_errors("stock update", payload)
        return mild

    async def _items(self, skus: Iterable[str], correlation_id: str) -> dict[str, list[Document]]:
        """SKU -> its inventory items with their levels: more than one where the shop has the SKU twice."""
        known = {sku: self._known[sku] for sku in skus if sku in self._known}
        nodes: list[Document] = []
        if known:
            data = await self._graphql.run(
                "items", queries_changes.ITEMS, {"ids": list(known.values())}, correlation_id=correlation_id
            )
            nodes += [node for node in data.get("nodes") or () if node and node.get("sku") in known]
        found = _by_sku(nodes)
        if unknown := [sku for sku in skus if sku not in found]:
            found.update(_by_sku(await self._searched(unknown, correlation_id), only=unknown))
        self._known = {**self._known, **{sku: items[0]["id"] for sku, items in found.items() if len(items) == 1}}
        return found

    async def _searched(self, skus: list[str], correlation_id: str) -> list[Document]:
        search = queries_changes.ITEMS_BY_SKU
        query = " OR ".join(f"sku:{_quoted(sku)}" for sku in skus)
        nodes: list[Document] = []
        after: str | None = None
        while True:
            data = await self._graphql.run(
                "items_by_sku",
                search,
                {"query": query, "after": after},
                correlation_id=correlation_id,
            )
            page = data["inventoryItems"]
            nodes += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]


def spread(levels: Mapping[str, int], wanted: int) -> dict[str, int]:
    """New quantities by location that add up to what is wanted, with as few changes as can be."""
    after = dict(levels)
    fullest = sorted(levels, key=lambda place: (-levels[place], place))
    missing = wanted - sum(levels.values())
    if missing > 0:
        after[fullest[0]] += missing
        return after
    for place in fullest:
        taken = min(max(after[place], 0), -missing)
        after[place] -= taken
        missing += taken
    return after


def _by_sku(nodes: Iterable[Document], only: Iterable[str] | None = None) -> dict[str, list[Document]]:
    """Shopify's search does not mind upper case and matches beginnings: exactly the SKU is taken."""
    wanted = set(only) if only is not None else None
    found: dict[str, list[Document]] = {}
    for node in nodes:
        sku = str(node.get("sku") or "")
        if wanted is None or sku in wanted:
            found.setdefault(sku, []).append(node)
    return found


def _unfit(sku: str, items: list[Document], location: str) -> Rejected | None:
    if not items:
        return Rejected(key=sku, code="unknown_sku", message=f"the shop has no inventory item with SKU {sku}")
    if len(items) > 1:
        return Rejected(key=sku, code="duplicate_sku", message=f"the shop has SKU {sku} {len(items)} times")
    if not items[0]["tracked"]:
        return Rejected(key=sku, code="untracked", message=f"the shop does not count the stock of {sku}")
    places = [level["location"]["id"] for level in items[0]["inventoryLevels"]["nodes"]]
    if not places or (location and not any(_same(place, location) for place in places)):
        return Rejected(key=sku, code="not_stocked", message=f"{sku} is not stocked at {location or 'any location'}")
    return None


def _refused(errors: list[Document], changes: list[Change], wanted: dict[str, int]) -> list[Rejected]:
    """Takes out what Shopify refuses for good; what was stale is read again."""
    rejected = []
    for error in errors:
        index = _index(error, changes)
        if error.get("code") in STALE or index is None:
            continue
        sku = changes[index].sku
        if wanted.pop(sku, None) is not None:
            rejected.append(Rejected(key=sku, code=str(error["code"]), message=str(error.get("message"))))
    return rejected


def _index(error: Document, changes: list[Change]) -> int | None:
    """Which quantity an error is about: `["input", "quantities", "3", "locationId"]`."""
    path = [str(part) for part in error.get("field") or ()]
    if error.get("code") not in ABOUT_ONE or len(path) < 3 or not path[2].isdecimal():
        return None
    return int(path[2]) if int(path[2]) < len(changes) else None


def _available(level: Document) -> int:
    return next((int(row["quantity"]) for row in level["quantities"] if row["name"] == "available"), 0)


def _same(gid: str, location: str) -> bool:
    return gid.rsplit("/", 1)[-1] == location.rsplit("/", 1)[-1]


def _quoted(sku: str) -> str:
    escaped = sku.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
