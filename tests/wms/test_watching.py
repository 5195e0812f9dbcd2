"""How a look goes on from page to page and ends, whatever there is of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from connectors.tryton.client import TrytonClient
from connectors.wms import documents
from connectors.wms.tryton.dispatches import OUT, DispatchReader
from connectors.wms.tryton.returning import BACK
from connectors.wms.tryton.watching import OVERLAP, PAGE, Cursor, Watching
from models.fulfilment import PickLine, Shipment, Shortfall, ShortfallKind
from tests.systems.test_contracts import Contract

Row = dict[str, Any]


class Records:
    """Tryton's search, of the question that a look asks."""

    company = 1

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {OUT: [], BACK: []}
        self.searches = 0

    def add(self, kind: str, count: int, at: datetime) -> None:
        for _ in range(count):
            number = len(self.rows[kind]) + 1
            row = {"id": number, "number": str(number), "reference": f"R-{number}", "state": "done"}
            self.rows[kind].append({**row, "create_date": at, "last_modified_at": at})

    async def search(
        self, model: str, domain: list[Any], fields: Sequence[str], *, limit: int, by: Sequence[str]
    ) -> list[Row]:
        self.searches += 1
        _, [_, _, after], [_, [_, _, last]] = domain[2]
        found = [
            row
            for row in self.rows[model]
            if row["last_modified_at"] > after or (row["last_modified_at"] == after and row["id"] > last)
        ]
        return sorted(found, key=lambda row: tuple(row[name] for name in by))[:limit]


class Looker:
    def __init__(self, records: Records) -> None:
        client = cast("TrytonClient", records)
        self._watching = Watching(client, DispatchReader(client))
        self.cursor: str | None = None

    async def look(self) -> list[str]:
        """The names of a whole look."""
        names: list[str] = []
        for _ in range(50):
            page = await self._watching.changes(self.cursor)
            names += [change.name for change in page.changes]
            self.cursor = page.cursor
            if not page.more:
                return names
        raise AssertionError("the look does not end")


@pytest.mark.parametrize("out", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
@pytest.mark.parametrize("back", [0, PAGE, 4 * PAGE + 1])
async def test_a_look_ends_and_sees_everything_once_and_the_next_one_too(out: int, back: int) -> None:
    records, now = Records(), datetime.now(UTC)
    records.add(OUT, out, now)
    records.add(BACK, back, now)
    looker = Looker(records)
    for _ in range(3):
        names = await looker.look()
        assert len(names) == len(set(names)) == out + back


async def test_a_quiet_warehouse_is_asked_one_question_of_each_kind() -> None:
    records = Records()
    looker = Looker(records)
    await looker.look()
    records.searches = 0
    assert await looker.look() == []
    assert records.searches == 2


async def test_looks_go_back_behind_the_newest_change_and_no_further() -> None:
    records, now = Records(), datetime.now(UTC)
    records.add(OUT, 1, now)
    looker = Looker(records)
    await looker.look()
    records.add(OUT, 1, now + 2 * OVERLAP)
    assert await looker.look() == ["R-1/1", "R-2/2"]
    records.add(OUT, 1, now + OVERLAP + timedelta(seconds=1))
    assert await looker.look() == ["R-2/2", "R-3/3"][::-1]


async def test_what_was_before_the_first_look_is_left_to_the_question_of_each_order() -> None:
    records = Records()
    records.add(OUT, 1, datetime.now(UTC) - 2 * OVERLAP)
    assert await Looker(records).look() == []


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursor = Cursor.read(None)
    assert Cursor.read(cursor.model_dump_json()) == cursor


def test_parcels_and_shortfalls_are_written_as_the_contract_says_and_read_as_they_were() -> None:
    pick = PickLine(line_id="L1", item="SOCK", per_unit=3, quantity=2)
    at = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    shipment = Shipment(
        shipment_id="7", fulfilment_id="F", node="BER-1", carrier="", tracking="", shipped_at=at, picks=(pick,)
    )
    kind = ShortfallKind.SHORT_PICK
    shortfall = Shortfall(
        report_id="F~short", fulfilment_id="F", node="BER-1", kind=kind, reported_at=at, picks=(pick,)
    )
    contract = Contract("wms.openapi.yaml")
    left, missing = documents.shipment_report("order/x", shipment), documents.shortfall_report("order/x", shortfall)
    contract.schema("/components/schemas/ShipmentReport").validate(left)
    contract.schema("/components/schemas/ShortfallReport").validate(missing)
    assert documents.ShipmentReport.model_validate(left).canonical().shipment == shipment
    assert documents.ShortfallReport.model_validate(missing).canonical().shortfall == shortfall
