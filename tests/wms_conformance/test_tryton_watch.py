"""Looking at a real Tryton: over page boundaries, past transactions that commit late, and after a worker has died."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.channel import PolledPage
from activities.watch import Warehouse, WatchActivities
from connectors.wms.rest import parse_report
from connectors.wms.tryton.watching import PAGE
from models.fulfilment import PickLine, Release
from sandbox.core import SandboxOptions
from sandbox.twins import Twins
from stack.temporal import NAMESPACE, LocalTemporal
from stack.tryton import LocalTryton
from store import cursors
from store.database import Database
from store.tables import InboxEvent
from tests.test_worker import worker
from tests.wms_conformance.stage import Stage
from tests.wms_conformance.subject import Pieces, Running
from tests.wms_conformance.subjects import tryton as warehouse
from tests.wms_conformance.subjects.tryton import Keepers
from workflows import policy
from workflows.watch import WarehouseWatch

pytestmark = [pytest.mark.erp, pytest.mark.timeout(600)]
ONE_SOCK = (PickLine(line_id="L1", item="SOCK-WOOL", quantity=1),)


@pytest.fixture
async def stage(keepers: Keepers) -> AsyncIterator[Stage]:
    stage = Stage(Running(warehouse.SUBJECT, keepers))
    yield stage
    await stage.aclose()


@pytest.fixture
def settings(keepers: Keepers, database_url: str, temporal_server: LocalTemporal, tmp_path: Path) -> dict[str, str]:
    """Of a worker as a process."""
    twins = Twins(SandboxOptions())
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({**twins.connections(), "wms": keepers.connection()}))
    twins.sandbox.shelf.close()
    return {
        "ORDERYARD_DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "ORDERYARD_CONNECTIONS_FILE": str(file),
        "ORDERYARD_METRICS_PORT": "0",
        "ORDERYARD_BUILD_ID": "",
    }


async def look(watch: WatchActivities) -> PolledPage:
    """One page, in an activity as the worker runs it."""
    page: PolledPage = await ActivityEnvironment().run(watch.watch_warehouse, Warehouse())
    return page


async def look_through(watch: WatchActivities) -> list[PolledPage]:
    pages = [await look(watch)]
    while pages[-1].more:
        pages.append(await look(watch))
    return pages


async def kept(database: Database) -> list[str]:
    """Fulfilment ids or RMAs of the reports in the inbox."""
    async with database.session() as session:
        events = list(await session.scalars(select(InboxEvent).order_by(col(InboxEvent.id))))
    assert all((each.channel, each.account, each.source) == ("wms", "main", "wms") for each in events)
    assert all(parse_report(each.body) for each in events)
    return [each.external_id or "" for each in events]


async def cursor_of(database: Database) -> str | None:
    async with database.session() as session:
        read = await cursors.get(session, "wms", "main", cursors.REPORTS)
    return read.cursor if read else None


async def released(stage: Stage, count: int) -> list[Release]:
    return [await stage.released(picks=ONE_SOCK) for _ in range(count)]


async def test_parcels_of_one_moment_on_both_sides_of_a_page_boundary_are_all_kept_once(
    stage: Stage, keepers: Keepers, database: Database
) -> None:
    releases = await released(stage, PAGE + 5)
    names = [each.fulfilment_id for each in releases]
    await keepers.ship_together(names)
    watch = WatchActivities(stage.wms, database)
    pages = await look_through(watch)
    assert [(await kept(database)).count(name) for name in names] == [1] * len(names)
    assert len(pages) >= 2
    again = await look_through(watch)
    assert sum(page.seen for page in again) >= len(names), "a look goes back behind what it has seen"
    assert sum(page.kept for page in again) == 0


async def test_a_parcel_whose_transaction_commits_after_a_later_one_was_seen_is_not_missed(
    stage: Stage, tryton: LocalTryton, keepers: Keepers, database: Database
) -> None:
    late, prompt = await released(stage, 2)
    await keepers.pack(late.fulfilment_id)
    watch = WatchActivities(stage.wms, database)
    with psycopg.connect(tryton.database_url) as held:
        held.execute("SELECT id FROM stock_shipment_out WHERE reference = %s FOR UPDATE", [late.fulfilment_id])
        shipping = asyncio.create_task(keepers.hand_over(late.fulfilment_id))
        await until_somebody_waits_for_a_lock(tryton.database_url)
        await keepers.ship(prompt.fulfilment_id)
        await look_through(watch)
        seen = await kept(database)
        assert prompt.fulfilment_id in seen
        assert late.fulfilment_id not in seen
        held.rollback()
    await shipping
    assert await began_first(tryton, late, prompt)
    await look_through(watch)
    assert (await kept(database)).count(late.fulfilment_id) == 1


async def until_somebody_waits_for_a_lock(database_url: str) -> None:
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        async with asyncio.timeout(30):
            while await (await connection.execute(waits)).fetchone() == (0,):
                pass


async def began_first(tryton: LocalTryton, late: Release, prompt: Release) -> bool:
    """By the time that Tryton wrote on it, the late parcel left before the other one."""
    with psycopg.connect(tryton.database_url) as connection:
        query = "SELECT reference FROM stock_shipment_out WHERE reference = ANY (%s) ORDER BY write_date LIMIT 1"
        first = connection.execute(query, [[late.fulfilment_id, prompt.fulfilment_id]]).fetchone()
    return first == (late.fulfilment_id,)


async def test_a_worker_that_is_killed_between_reading_and_keeping_loses_nothing(
    stage: Stage,
    keepers: Keepers,
    database: Database,
    temporal_client: Client,
    settings: dict[str, str],
    tmp_path: Path,
) -> None:
    await look_through(WatchActivities(stage.wms, database))
    before, cursor = await kept(database), await cursor_of(database)
    [release] = await released(stage, 1)
    await keepers.ship(release.fulfilment_id)
    await keepers.take_back("RMA-OF-THE-DEAD", ("TENT-4P", 1, "shelf"))
    handle = await temporal_client.start_workflow(
        WarehouseWatch.run, Warehouse(), id=f"watch/{uuid4()}", task_queue=policy.WMS_QUEUE
    )
    url = settings["ORDERYARD_DATABASE_URL"]
    with psycopg.connect(url) as held:
        held.execute("LOCK TABLE inbox_event IN EXCLUSIVE MODE")  # It can be read, and nothing can be kept.
        with worker(tmp_path / "first.log", "--queues", "wms", settings=settings) as first:
            await until_somebody_waits_for_a_lock(url)
            first.kill()
            first.wait()
        held.rollback()
    assert (await kept(database), await cursor_of(database)) == (before, cursor)
    with worker(tmp_path / "second.log", "--queues", "wms", settings=settings):
        result = await handle.result()
    assert result.kept == 2
    assert sorted((await kept(database))[len(before) :]) == sorted([release.fulfilment_id, "RMA-OF-THE-DEAD"])


async def test_a_note_that_somebody_edited_holds_up_no_other_release(
    stage: Stage, tryton: LocalTryton, keepers: Keepers, database: Database
) -> None:
    edited, good = await released(stage, 2)
    rpc = tryton.admin()
    shipment = rpc.first("stock.shipment.out", [["reference", "=", edited.fulfilment_id]])["id"]
    note = rpc.first("ir.note", [["resource", "=", f"stock.shipment.out,{shipment}"]])["id"]
    rpc.model("ir.note", "write", [note], {"message": '{"fulfilment_id": "half of it"'})
    rpc.close()
    await keepers.ship_together([edited.fulfilment_id, good.fulfilment_id])
    await look_through(WatchActivities(stage.wms, database))
    seen = await kept(database)
    assert (good.fulfilment_id in seen, edited.fulfilment_id in seen) == (True, False)


async def test_goods_with_nothing_on_them_belong_to_the_order_of_the_parcel_that_is_their_origin(
    stage: Stage, keepers: Keepers
) -> None:
    release = await stage.shipped()
    pieces: tuple[Pieces, ...] = (("TENT-4P", 1, "shelf"), ("SOCK-WOOL", 2, "waste"))
    told = await stage.told_back(await keepers.take_back_from(release.fulfilment_id, *pieces))
    assert told is not None
    assert told.receipt is not None
    assert (told.reply_to, told.receipt.order_key) == ("", release.order_key)
    assert sorted(item.quantity for item in told.receipt.items) == [1, 2]


async def test_a_warehouse_that_reports_by_itself_is_not_looked_at(database: Database) -> None:
    assert await look(WatchActivities(None, database)) == PolledPage(seen=0, kept=0, more=False)
    assert await cursor_of(database) is None
