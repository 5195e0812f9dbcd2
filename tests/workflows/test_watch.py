"""The watch over a warehouse that reports nothing: page by page, through outages, and once for each report."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from activities.watch import Warehouse
from cli import schedules
from connectors.errors import Unavailable
from connectors.ports import Change, ChangePage, Report
from connectors.registry import Connections
from sandbox.core import SandboxOptions
from sandbox.twins import Twins
from store import cursors
from store.database import Database
from store.tables import InboxEvent
from tests.recorded import FOLDER, keep, recorded, replay
from tests.workflows.world import Wms, World
from workflows import policy
from workflows.channel_sync import SyncResult
from workflows.watch import WarehouseWatch

HISTORY = FOLDER / "warehouse" / "two-pages.json"


class Watched(Wms):
    """A warehouse that is asked; each of its pages is a list of names."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.pages: list[list[str]] = []
        self.asked_for: list[list[str]] = []

    async def changes(self, cursor: str | None) -> ChangePage:
        await self._do("changes", cursor)
        at = int(cursor or 0)
        names = self.pages[at] if at < len(self.pages) else []
        changes = tuple(Change(name=name, kind="parcel", subject=name) for name in names)
        return ChangePage(changes=changes, cursor=str(at + bool(names)), more=at + 1 < len(self.pages))

    async def reports(self, changes: Sequence[Change]) -> list[Report]:
        names = [change.name for change in changes]
        self.asked_for.append(names)
        return [Report(name=name, topic="shipment", external_id=f"F-{name}", body=b"{}") for name in names]


@pytest.fixture
async def watched(temporal_client: Client, database: Database) -> AsyncIterator[Watched]:
    world = World(temporal_client, database)
    watched = world.wms = Watched(world.client)
    async with world:
        yield watched


@pytest.fixture
def connections() -> Connections:
    twins = Twins(SandboxOptions())
    connections = Connections.model_validate(twins.connections())
    twins.sandbox.shelf.close()
    return connections


async def look(client: Client) -> tuple[SyncResult, WorkflowHandle[WarehouseWatch, SyncResult]]:
    handle = await client.start_workflow(
        WarehouseWatch.run, Warehouse(), id=f"watch/{uuid4()}", task_queue=policy.WMS_QUEUE
    )
    return await handle.result(), handle


async def kept(database: Database) -> list[tuple[str, str, str | None]]:
    async with database.session() as session:
        events = await session.scalars(select(InboxEvent).order_by(col(InboxEvent.id)))
        return [(each.topic, each.delivery_id, each.external_id) for each in events]


async def test_a_look_reads_all_pages_and_keeps_each_report_once(
    watched: Watched, temporal_client: Client, database: Database
) -> None:
    watched.pages = [["a", "b"], ["b", "c"]]
    result, handle = await look(temporal_client)
    assert (result.pages, result.seen, result.kept) == (2, 4, 3)
    assert await kept(database) == [("shipment", name, f"F-{name}") for name in "abc"]
    assert watched.asked_for == [["a", "b"], ["c"]], "what is in the inbox is not asked for again"
    async with database.session() as session:
        read = await cursors.get(session, "wms", "main", cursors.REPORTS)
    assert read is not None
    assert (read.cursor, read.last_success_at is not None) == ("2", True)
    await keep(handle, HISTORY)
    await replay(recorded(HISTORY), [WarehouseWatch])


async def test_a_warehouse_that_is_away_is_asked_until_it_answers(
    watched: Watched, temporal_client: Client, database: Database
) -> None:
    watched.pages = [["a"]]
    watched.will_fail("changes", Unavailable("wms: away"), Unavailable("wms: away"))
    result, _ = await look(temporal_client)
    assert (result.kept, watched.entered.count("changes")) == (1, 3)


async def test_a_warehouse_that_reports_by_itself_is_asked_nothing(world: World, database: Database) -> None:
    result, _ = await look(world.client)
    assert (result.pages, result.seen) == (1, 0)
    assert world.wms.entered == []
    assert await kept(database) == []


async def test_only_a_warehouse_that_is_watched_has_a_schedule(
    temporal_client: Client, connections: Connections
) -> None:
    tryton = connections.wms.model_copy(update={"provider": "tryton"})
    watched = connections.model_copy(update={"wms": tryton})
    handle = temporal_client.get_schedule_handle(schedules.WAREHOUSE)
    assert await schedules.apply_warehouse(temporal_client, connections) == []
    for _ in range(2):
        applied = await schedules.apply_warehouse(temporal_client, watched)
        assert applied == [{"schedule": "warehouse", "every_seconds": 60}]
        assert (await handle.describe()).id == "warehouse"
    assert await schedules.apply_warehouse(temporal_client, connections) == []
    with pytest.raises(RPCError, match="not found"):
        await handle.describe()
