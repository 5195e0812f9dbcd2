"""The WMS twin's own reading of the contract, and how a release leaves in parcels."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from sandbox.contract import Refused


class Pick(BaseModel):
    line_reference: str = Field(min_length=1)
    item: str = Field(min_length=1)
    per_unit: int = Field(default=1, ge=1)
    quantity: int = Field(ge=1)


class ShipTo(BaseModel):
    """Where a parcel goes. The rest of the address (name, company, phone …) is printed as it comes."""

    lines: list[str]
    city: str
    country: str

    def check(self) -> None:
        """Raises `Refused` when no label can be printed."""
        for name in ("lines", "city", "country"):
            if not getattr(self, name):
                raise Refused("address_incomplete", f"ship_to.{name}", "A parcel needs lines, city and country.")


class Release(BaseModel):
    fulfilment_id: str = Field(min_length=1)
    reply_to: str = Field(min_length=1)
    order_reference: str = Field(min_length=1)
    correlation_id: str = Field(min_length=1)
    node: str = Field(min_length=1)
    service_level: str = ""
    ship_by: AwareDatetime | None = None
    ship_to: ShipTo
    picks: list[Pick] = Field(min_length=1)


def chance(text: str, one_in: int) -> bool:
    """A coin that falls the same way for the same text, on every machine and after every restart."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % one_in == 0


def parcels(fulfilment_id: str, picks: list[Pick]) -> list[list[dict[str, Any]]]:
    """The picks of each parcel: one, or two for about every third release of more than one unit."""
    total = sum(pick.quantity for pick in picks)
    if total < 2 or not chance(f"split/{fulfilment_id}", 3):
        return [[pick.model_dump() for pick in picks]]
    first, second = [], []
    room = total // 2
    for pick in picks:
        taken = min(room, pick.quantity)
        room -= taken
        first += [pick.model_copy(update={"quantity": taken})] if taken else []
        left = pick.quantity - taken
        second += [pick.model_copy(update={"quantity": left})] if left else []
    return [[pick.model_dump() for pick in parcel] for parcel in (first, second)]
