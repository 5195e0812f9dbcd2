"""What goes wrong in the warehouse's twin: too few on the shelf, a node that refuses, a node that says nothing."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, PositiveInt

Picks = list[dict[str, Any]]


class TroubleKind(StrEnum):
    SHORT_PICK = "short_pick"
    """The shelf has fewer than the books say: the units are reported as missing, the rest leaves."""
    REJECTED = "rejected"
    """The node refuses the release: 422 with the field `node`."""
    SILENT = "silent"
    """The release is taken, and nothing is heard of it until it is cancelled."""


class Trouble(BaseModel):
    """Of the releases that fit: what happens to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TroubleKind
    order_reference: str = ""
    """Only releases of this order; empty: of any."""
    node: str = ""
    item: str = ""
    """Only releases with this item; of a short pick the item that is missing."""
    units: PositiveInt = 1
    """How many a short pick lacks of the item: no more than were released."""
    times: PositiveInt | None = 1
    """So many releases; None: until it is removed."""

    def fits(self, order_reference: str, node: str, items: set[str]) -> bool:
        wanted = (self.order_reference or order_reference, self.node or node)
        return wanted == (order_reference, node) and (not self.item or self.item in items)


class Troubles:
    """Those that are to come. Each counts as struck when a release meets it."""

    def __init__(self, troubles: tuple[Trouble, ...] = ()) -> None:
        self._left: list[tuple[Trouble, int | None]] = [(each, each.times) for each in troubles]

    def add(self, trouble: Trouble) -> None:
        self._left.append((trouble, trouble.times))

    def clear(self) -> None:
        self._left.clear()

    def meets(self, order_reference: str, node: str, items: set[str]) -> Trouble | None:
        """What happens to a release, if anything does."""
        for place, (trouble, left) in enumerate(self._left):
            if trouble.fits(order_reference, node, items):
                if left == 1:
                    del self._left[place]
                elif left is not None:
                    self._left[place] = (trouble, left - 1)
                return trouble
        return None


def taken_off(parcels: list[Picks], trouble: Trouble) -> tuple[list[Picks], Picks]:
    """The parcels without the units that are missing, and those units; an empty parcel is left out."""
    item = trouble.item or next(pick["item"] for parcel in parcels for pick in parcel)
    missing: Picks = []
    kept: list[Picks] = []
    left = trouble.units
    for parcel in reversed(parcels):
        rest = []
        for pick in parcel:
            less = min(left, pick["quantity"]) if pick["item"] == item else 0
            left -= less
            missing += [{**pick, "quantity": less}] if less else []
            rest += [{**pick, "quantity": pick["quantity"] - less}] if pick["quantity"] > less else []
        kept[:0] = [rest] if rest else []
    return kept, _by_line(missing)


def shortfall(release: dict[str, Any], picks: Picks, at: str) -> dict[str, Any]:
    """As the warehouse reports it."""
    digest = hashlib.sha256(f"short/{release['fulfilment_id']}".encode()).hexdigest()[:12]
    return {
        "report_id": f"S-{digest}",
        "node": release["node"],
        "kind": TroubleKind.SHORT_PICK,
        "reason": "The shelf has fewer than the books say.",
        "reported_at": at,
        "picks": picks,
    }


def _by_line(picks: Picks) -> Picks:
    """Units of one line and item together, however many parcels they were in."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for pick in picks:
        known = found.setdefault((pick["line_reference"], pick["item"]), {**pick, "quantity": 0})
        known["quantity"] += pick["quantity"]
    return list(found.values())
