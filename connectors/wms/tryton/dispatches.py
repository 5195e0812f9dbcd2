"""The shipments that Tryton has of a release: the one that we made, and what people made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time

from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from connectors.wms.tryton.plan import Plan, Sharing, Units
from models.fulfilment import PickLine, Shipment

OUT, NOTE = "stock.shipment.out", "ir.note"
DRAFT, WAITING, PACKED, CANCELLED = "draft", "waiting", "packed", "cancelled"
LEFT = frozenset({"shipped", "done"})
FIELDS = (
    "number",
    "state",
    "create_uid",
    "warehouse.code",
    "warehouse_output",
    "effective_date",
    "last_modified_at",
    "moves.from_location",
    "moves.quantity",
    "moves.state",
    "moves.product.code",
)
TRACKING = re.compile(r"^\s*([^:{}]{1,40}?)\s*:\s*(\S{4,60})\s*$")
"""A note such as `DHL: 00340434161094022115`: Tryton's stock module has no field for it."""


@dataclass(frozen=True)
class Dispatch:
    """One shipment of a release, in any state."""

    id: int
    number: str
    state: str
    node: str
    made_by: int
    """Tryton's user who made it."""
    units: Units
    moved_at: datetime
    notes: tuple[str, ...]

    @property
    def has_left(self) -> bool:
        return self.state in LEFT

    @property
    def is_open(self) -> bool:
        """It may still leave."""
        return self.state != CANCELLED and not self.has_left

    @property
    def plan(self) -> Plan | None:
        text = next((note for note in self.notes if note.startswith("{")), None)
        return Plan.read(text, f"{NOTE} of {OUT} {self.number or self.id}") if text else None

    @property
    def label(self) -> tuple[str, str]:
        """Carrier and tracking number, as noted by the warehouse; empty when nobody did."""
        found = next((match for note in self.notes if (match := TRACKING.match(note))), None)
        return (found[1], found[2]) if found else ("", "")


@dataclass(frozen=True)
class Dispatches:
    """Of one release, oldest first. The oldest is the release itself."""

    fulfilment_id: str
    all: tuple[Dispatch, ...]

    @property
    def first(self) -> Dispatch | None:
        return self.all[0] if self.all else None

    @property
    def open(self) -> tuple[Dispatch, ...]:
        return tuple(each for each in self.all if each.is_open)

    @property
    def left(self) -> tuple[Dispatch, ...]:
        return tuple(each for each in self.all if each.has_left)

    @property
    def is_forbidden(self) -> bool:
        """It was cancelled before it came: a shipment of nothing stands for that."""
        return any(not each.units for each in self.all) or (self.first is not None and self.first.state == CANCELLED)

    @property
    def plan(self) -> Plan | None:
        return next((plan for each in self.all if (plan := each.plan)), None)

    def shipments(self) -> tuple[list[Shipment], Sharing]:
        """What has left, and the picks that nothing stands for which left or may leave yet."""
        plan = self.plan
        sharing = Sharing(plan.picks if plan else ())
        found: list[Shipment] = []
        for each in self.all:
            picks = sharing.take(each.units) if each.state != CANCELLED else ()
            if picks and each.has_left:
                found.append(self._shipment(each, picks))
        return found, sharing

    def _shipment(self, dispatch: Dispatch, picks: tuple[PickLine, ...]) -> Shipment:
        carrier, tracking = dispatch.label
        return Shipment(
            shipment_id=dispatch.number,
            fulfilment_id=self.fulfilment_id,
            node=dispatch.node,
            carrier=carrier,
            tracking=tracking,
            shipped_at=dispatch.moved_at,
            picks=picks,
        )


class DispatchReader:
    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def of(self, fulfilment_id: str) -> Dispatches:
        domain = [["reference", "=", fulfilment_id], ["company", "=", self._client.company]]
        records = await self._client.search(OUT, domain, FIELDS)
        notes = await self._notes([record["id"] for record in records])
        return Dispatches(
            fulfilment_id, tuple(_dispatch(record, tuple(notes.get(record["id"], ()))) for record in records)
        )

    async def _notes(self, shipments: list[int]) -> dict[int, list[str]]:
        if not shipments:
            return {}
        domain = [["resource", "in", [f"{OUT},{shipment}" for shipment in shipments]]]
        found: dict[int, list[str]] = {}
        for note in await self._client.search(NOTE, domain, ["resource", "message"]):
            found.setdefault(int(str(note["resource"]).partition(",")[2]), []).append(note["message"] or "")
        return found


def _dispatch(record: Record, notes: tuple[str, ...]) -> Dispatch:
    outgoing = [
        move
        for move in record["moves"]
        if move["from_location"] == record["warehouse_output"] and (move["state"] != CANCELLED or _stopped(record))
    ]
    return Dispatch(
        id=record["id"],
        number=record["number"] or "",
        state=record["state"],
        node=record["warehouse"]["code"] or "",
        made_by=record["create_uid"],
        units=tuple((move["product"]["code"] or "", int(move["quantity"])) for move in outgoing),
        moved_at=_moved_at(record),
        notes=notes,
    )


def _stopped(record: Record) -> bool:
    return bool(record["state"] == CANCELLED)


def _moved_at(record: Record) -> datetime:
    """Tryton knows the day on which it left: its last change, unless somebody changed it on a later day."""
    changed: datetime = record["last_modified_at"]
    if (day := record["effective_date"]) is None:
        return changed
    return min(changed, datetime.combine(day, time.max, tzinfo=UTC))
