"""Parcels of buyers that come back to the warehouse's twin, as data of the control that sends them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class PieceBack(BaseModel):
    model_config = ConfigDict(extra="forbid")

    item: str = Field(min_length=1)
    quantity: PositiveInt = 1
    condition: Literal["resell", "scrap", "reject"] = "resell"
    line_reference: str | None = None


class ParcelBack(BaseModel):
    """What comes back: pieces, or units of the order's lines, or else everything that was shipped for the order."""

    model_config = ConfigDict(extra="forbid")

    rma: str = ""
    order_reference: str = ""
    node: str = ""
    receipt_id: str = ""
    """Told again under the same id, it is the same parcel."""
    items: list[PieceBack] = Field(default_factory=list)
    units: dict[str, PositiveInt] = Field(default_factory=dict)
    """Order line -> units, each with all of its pieces."""
    condition: Literal["resell", "scrap", "reject"] = "resell"
    """Of pieces that are not named one by one."""


def returned(parcel: ParcelBack, releases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The report of a parcel, filled in from the releases of its order."""
    items = parcel.items or _of_releases(parcel, releases)
    if not items:
        raise ValueError("say which items come back: nothing was released under this order_reference")
    first = releases[0] if releases else {}
    named = f"{parcel.rma}/{parcel.order_reference}/{'|'.join(piece.model_dump_json() for piece in items)}"
    receipt_id = parcel.receipt_id or f"B-{hashlib.sha256(named.encode()).hexdigest()[:12]}"
    return {
        "event": "return_received",
        "rma": parcel.rma,
        **({"order_reference": parcel.order_reference} if parcel.order_reference else {}),
        "correlation_id": str(first.get("correlation_id") or f"return-{receipt_id}"),
        "receipt": {
            "receipt_id": receipt_id,
            "node": parcel.node or str(first.get("node") or "BER-1"),
            "received_at": datetime.now(UTC).isoformat(),
            "items": [piece.model_dump() for piece in items],
        },
    }


def _of_releases(parcel: ParcelBack, releases: Sequence[dict[str, Any]]) -> list[PieceBack]:
    pieces: Counter[tuple[str, str]] = Counter()
    for pick in (pick for release in releases for shipment in release["shipments"] for pick in shipment["picks"]):
        place = (pick["line_reference"], pick["item"])
        pieces[place] += pick["quantity"]
        if parcel.units:
            pieces[place] = min(pieces[place], parcel.units.get(pick["line_reference"], 0) * pick["per_unit"])
    return [
        PieceBack(item=item, quantity=count, condition=parcel.condition, line_reference=line_reference)
        for (line_reference, item), count in sorted(pieces.items())
        if count
    ]
