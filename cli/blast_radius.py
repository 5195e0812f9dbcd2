"""What a newer mapping reads differently: every order of a mapping version, its differences, and their correction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from activities.blast_radius import Reading, read_again
from cli.output import console, rows
from cli.repairing import new_id
from connectors.ports import ChannelFormat
from models.repair import Outcome, Repair, RepairItem, RepairKind
from store import corrections, repairs
from store.database import Database

PAGE = 200
SHOWN = 20
"""Orders and kinds of difference that are printed; `--json` has all."""


@dataclass(frozen=True)
class BlastRadius:
    """The orders that one version of a channel's mapping read, beside what the mapping of today reads."""

    channel: str
    was: int
    now: int
    readings: list[Reading]

    @property
    def differing(self) -> list[Reading]:
        return [reading for reading in self.readings if reading.differences]

    @property
    def blocked(self) -> list[Reading]:
        return [reading for reading in self.readings if reading.obstacle]

    def money(self) -> list[tuple[str, str, Decimal, int]]:
        """Part, currency, sum of new minus old, orders: what the differences come to."""
        sums: dict[tuple[str, str], tuple[Decimal, int]] = {}
        for each in (money for reading in self.readings for money in reading.money):
            amount, count = sums.get((each.part, each.currency), (Decimal(0), 0))
            sums[each.part, each.currency] = (amount + each.amount, count + 1)
        return [(part, currency, amount, count) for (part, currency), (amount, count) in sorted(sums.items())]

    def fields(self) -> list[tuple[str, int]]:
        """Field without the ids of lines -> orders in which it differs, the most first."""
        return Counter(
            field for reading in self.differing for field in {_kind(each.path) for each in reading.differences}
        ).most_common()

    def as_json(self) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "mapping_version": self.was,
            "mapping_of_today": self.now,
            "orders": len(self.readings),
            "differ": len(self.differing),
            "blocked": len(self.blocked),
            "money": [
                {"part": part, "currency": currency, "difference": str(amount), "orders": count}
                for part, currency, amount, count in self.money()
            ],
            "readings": [
                reading.model_dump(mode="json", exclude={"order"})
                for reading in self.readings
                if reading.differences or reading.obstacle
            ],
        }


async def measured(
    database: Database, formats: Mapping[str, ChannelFormat], channel: str, mapping_version: int
) -> BlastRadius:
    """Read every order of this mapping version again. Nothing is changed."""
    readings: list[Reading] = []
    after = ""
    while True:
        async with database.session() as session:
            page = await corrections.read_by(session, channel, mapping_version, after=after, limit=PAGE)
            readings += [await read_again(session, formats, row) for row in page]
        if len(page) < PAGE:
            return BlastRadius(channel, mapping_version, formats[channel].mapping_version, readings)
        after = page[-1].order_key


async def plan(database: Database, found: BlastRadius, note: str, actor: str, per_second: int) -> Repair:
    """Keep the correction of exactly these orders as a repair."""
    repair = Repair(
        repair_id=new_id(),
        kind=RepairKind.MAPPING,
        query=f"channel={found.channel} and mapping_version={found.was}",
        mapping_version=found.now,
        note=note,
        actor=actor,
        per_second=per_second,
    )
    async with database.session() as session:
        await repairs.plan(session, repair, [_item(number, each) for number, each in enumerate(found.readings, 1)])
    return repair


def print_blast_radius(found: BlastRadius) -> None:
    console.print(
        f"{found.channel}: {len(found.readings)} orders were read by mapping version {found.was}; version {found.now}"
        f" reads {len(found.differing)} of them differently, {len(found.blocked)} cannot be corrected"
    )
    if found.differing:
        rows("Fields that differ", ("field", "orders"), found.fields()[:SHOWN])
        shown = [
            (reading.order_key, reading.state, each.path, each.was, each.now)
            for reading in found.differing[:SHOWN]
            for each in reading.differences
        ]
        rows("Differences", ("order", "state", "field", "was", "now"), shown)
        rows("Money, new minus old", ("part", "currency", "difference", "orders"), found.money())
    if found.blocked:
        rows("Cannot be corrected", ("order", "why"), [(r.order_key, r.obstacle) for r in found.blocked[:SHOWN]])


def _kind(path: str) -> str:
    """`lines[7].sku` and `lines[8].sku` are one kind of difference."""
    return "".join(part.rpartition("]")[2] if "]" in part else part for part in path.replace("[", "\0[").split("\0"))


def _item(number: int, reading: Reading) -> RepairItem:
    blocked = bool(reading.obstacle)
    return RepairItem(
        number=number,
        target=reading.order_key,
        order_key=reading.order_key,
        workflow_id=reading.workflow_id,
        outcome=Outcome.REFUSED if blocked else None,
        reason=reading.obstacle,
        before={each.path: each.was for each in reading.differences} or None,
        after={each.path: each.now for each in reading.differences} or None,
        done_at=datetime.now(UTC) if blocked else None,
    )
