"""The shipments that Tryton has of a release: the one that we made, and what people made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from connectors.wms.tryton.plan import Moved, Plan, Sharing
from models.fulfilment import PickLine, Shipment, Shortfall, ShortfallKind

OUT, NOTE = "stock.shipment.out", "ir.note"
DRAFT, WAITING, PACKED, CANCELLED = "draft", "waiting", "packed", "cancelled"
LEFT = frozenset({"shipped", "done"})
FIELDS = (
    "number",
    "state",
    "reference",
    "create_uid",
    "write_uid",
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
    changed_by: int | None
    """The user who changed it last; None as long as nobody has."""
    moves: tuple[Moved, ...]
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
        return any(not each.moves for each in self.all) or (self.first is not None and self.first.state == CANCELLED)

    @property
    def was_stopped(self) -> bool:
        """We have cancelled something of it ourselves: what does not leave is no news to whoever released it."""
        first = self.first
        return first is not None and any(
            each.state == CANCELLED and each.changed_by == first.made_by for each in self.all
        )

    @property
    def plan(self) -> Plan | None:
        return next((plan for each in self.all if (plan := each.plan)), None)

    def shipments(self) -> list[Shipment]:
        """What has left."""
        sharing = self._sharing()
        shared = [(each, sharing.of(each.moves)) for each in self.left]
        return [self._shipment(each, picks) for each, picks in shared if picks]

    @property
    def missing(self) -> tuple[PickLine, ...]:
        """What of the release has not left, and is in nothing that may leave yet."""
        return self._sharing().left

    def shortfall(self) -> Shortfall | None:
        """What nobody will ship any more, once everything has left or was cancelled in the warehouse."""
        missing = self.missing
        if self.open or not missing:
            return None
        return Shortfall(
            report_id=f"{self.fulfilment_id}~short",
            fulfilment_id=self.fulfilment_id,
            node=self.all[0].node,
            kind=ShortfallKind.SHORT_PICK if self.left else ShortfallKind.REJECTED,
            reason="" if self.left else f"{self.all[0].number} was cancelled in the warehouse",
            reported_at=max(each.moved_at for each in self.all),
            picks=missing,
        )

    def _sharing(self) -> Sharing:
        return Sharing(self.plan, [move for each in self.all if each.state != CANCELLED for move in each.moves])

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
        found = await self.of_all([fulfilment_id])
        return found.get(fulfilment_id, Dispatches(fulfilment_id, ()))

    async def of_all(self, fulfilment_ids: Sequence[str]) -> dict[str, Dispatches]:
        """Fulfilment id -> its shipments, of those that have any. All are named in one URL: 50 at most."""
        domain = [["reference", "in", list(fulfilment_ids)], ["company", "=", self._client.company]]
        records = await self._client.search(OUT, domain, FIELDS)
        notes = await self._notes([record["id"] for record in records])
        found: dict[str, list[Dispatch]] = {}
        for record in records:
            made = _dispatch(record, tuple(notes.get(record["id"], ())))
            found.setdefault(record["reference"], []).append(made)
        return {fulfilment_id: Dispatches(fulfilment_id, tuple(all_)) for fulfilment_id, all_ in found.items()}

    async def _notes(self, shipments: list[int]) -> dict[int, list[str]]:
        if not shipments:
            return {}
        domain = [["resource", "in", [f"{OUT},{shipment}" for shipment in shipments]]]
        found: dict[int, list[str]] = {}
        for note in await self._client.search(NOTE, domain, ["resource", "message"]):
            found.setdefault(int(str(note["resource"]).partition(",")[2]), []).append(note["message"] or "")
        return found


def _dispatch(record: Record, notes: tuple[str, ...]) -> Dispatch:
    """Its moves out of the warehouse; those within it, from the shelf to the door, say nothing more."""
    moves = [
        Moved(move["id"], move["product"]["code"] or "", int(move["quantity"]))
        for move in record["moves"]
        if move["from_location"] == record["warehouse_output"]
        if record["state"] == CANCELLED or move["state"] != CANCELLED
    ]
    return Dispatch(
        id=record["id"],
        number=record["number"] or "",
        state=record["state"],
        node=record["warehouse"]["code"] or "",
        made_by=record["create_uid"],
        changed_by=record["write_uid"],
        moves=tuple(moves),
        moved_at=moved_at(record),
        notes=notes,
    )


def moved_at(record: Record) -> datetime:
    """Tryton knows the day on which it left: its last change, unless somebody changed it on a later day."""
    changed: datetime = record["last_modified_at"]
    if (day := record["effective_date"]) is None:
        return changed
    return min(changed, datetime.combine(day, time.max, tzinfo=UTC))
