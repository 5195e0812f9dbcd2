"""The trips of breakers are kept: one open at a time for each queue, and all of them afterwards."""

from __future__ import annotations

from prometheus_client import generate_latest

from gateway import metrics
from store import breakers, cases
from store.database import Database
from tests.store.test_cases import a_case


async def test_a_queue_has_one_open_trip_whose_first_rate_stays(database: Database) -> None:
    async with database.session() as session:
        first = await breakers.opened(session, "erp", "HTTP 503", "orderyard", 40)
        again = await breakers.opened(session, "erp", "stock-taking", "ada", None)
        assert (again.id, again.rate_before, again.reason, again.actor) == (first.id, 40, "stock-taking", "ada")
        assert await breakers.stopped(session) == ["erp"]


async def test_a_trip_keeps_its_probes_and_its_end_and_the_next_is_another(database: Database) -> None:
    async with database.session() as session:
        trip = await breakers.opened(session, "erp", "HTTP 503", "orderyard", None)
        for said in ("HTTP 503", "well"):
            await breakers.probed(session, "erp", said)
        await breakers.closed(session, trip.id, "a probe was well")
    async with database.session() as session:
        await breakers.opened(session, "erp", "HTTP 500", "orderyard", None)
        newest, oldest = await breakers.trips(session, "erp")
        assert (newest.reason, newest.closed_at, newest.probes) == ("HTTP 500", None, 0)
        assert (oldest.probes, oldest.last_probe, oldest.closed_by) == (2, "well", "a probe was well")
        assert await breakers.trips(session, "wms") == []


async def test_open_cases_and_stopped_systems_are_among_the_gateways_figures(database: Database) -> None:
    async with database.session() as session:
        await cases.upsert(session, a_case(owner="catalogue"))
        await breakers.opened(session, "wms", "HTTP 503", "orderyard", None)
    told = generate_latest(await metrics.of_orders(database)).decode()
    assert 'orderyard_cases_open{kind="unmapped_sku",owner="catalogue"} 1.0' in told
    assert 'orderyard_system_stopped{system="wms"} 1.0' in told
