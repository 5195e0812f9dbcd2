"""An outside system that is down stops its queue for the fleet; nothing fails for it, and all goes on afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities import queue_rate
from activities.fuse import Fuse
from activities.systems import SystemActivities
from cli.systems import pause_queue, standing
from connectors.erp.rest import RestErp
from models.breaker import (
    QUEUE,
    BreakerInput,
    BreakerPolicy,
    FailureReport,
    PauseQueue,
    ResumeQueue,
    TripRecord,
    workflow_id,
)
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from stack.temporal import NAMESPACE, LocalTemporal
from store import breakers
from store.database import Database
from tests.recorded import FOLDER, keep
from tests.repair.posting import ORDERS, ErpPosting, Posting, PostingInput
from tests.repair.scene import until
from tests.systems.orders import connection
from tests.systems.running import Systems, free_socket, served
from workflows.breaker import BreakerWorkflow

SHORT = BreakerPolicy(
    probe_every=timedelta(seconds=2), ramp_per_second=50, ramp_for=timedelta(seconds=1), window=timedelta(seconds=10)
)


@pytest.fixture
def queue() -> str:
    """Of its own for each test: the limit of a queue lives in the server."""
    return f"erp-{uuid4().hex[:8]}"


@pytest.fixture
async def systems() -> AsyncIterator[Systems]:
    listener = free_socket()
    running = Systems(Sandbox(SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")))
    async with served(running.routes, listener):
        yield running
    await running.aclose()


@pytest.fixture
async def erp(systems: Systems) -> AsyncIterator[RestErp]:
    provider = RestErp(connection(systems.erp.connection()))
    yield provider
    await provider.aclose()


@asynccontextmanager
async def breaking(
    client: Client, database: Database, queue: str, ping: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    guard = SystemActivities({queue: ping}, database)
    acts: list[Callable[..., Any]] = [guard.open_trip, guard.probe, guard.set_rate, guard.close_trip]
    async with Worker(client, task_queue=QUEUE, workflows=[BreakerWorkflow], activities=acts):
        yield


@asynccontextmanager
async def posting(client: Client, queue: str, erp: ErpPosting, policy: BreakerPolicy = SHORT) -> AsyncIterator[None]:
    """The workers of orders and of the ERP; the orders' own step runs beside the ERP's."""
    orders = Worker(client, task_queue=ORDERS, workflows=[Posting], activities=[erp.take_in])
    calls = Worker(
        client,
        task_queue=queue,
        activities=[erp.post],
        interceptors=[Fuse(queue, policy)],
        max_concurrent_activities=20,
    )
    async with orders, calls:
        yield


async def start(client: Client, queue: str, count: int, first: int = 0) -> list[WorkflowHandle[Posting, str]]:
    return [
        await client.start_workflow(
            Posting.run,
            PostingInput(queue=queue, external_id=f"{queue}-{number}"),
            id=f"posting/{queue}/{number}",
            task_queue=ORDERS,
        )
        for number in range(first, first + count)
    ]


async def trips(database: Database, queue: str) -> list[TripRecord]:
    async with database.session() as session:
        return await breakers.trips(session, queue)


async def until_trip(database: Database, queue: str, holds: Callable[[TripRecord], bool]) -> TripRecord:
    found: list[TripRecord] = []

    async def there() -> bool:
        found[:] = await trips(database, queue)
        return bool(found) and holds(found[0])

    await until(there, seconds=200)
    return found[0]


async def until_rate(client: Client, queue: str, per_second: float) -> queue_rate.QueueRate:
    async def there() -> bool:
        return (await queue_rate.read(client, queue)).per_second == per_second

    await until(there)
    return await queue_rate.read(client, queue)


def calls_of(systems: Systems) -> int:
    return sum(systems.sandbox.calls.values())


async def test_an_erp_that_is_down_stops_its_queue_and_no_order_fails_for_it(
    temporal_client: Client, database: Database, systems: Systems, erp: RestErp, queue: str
) -> None:
    await an_outage(temporal_client, database, systems, erp, queue, SHORT)


@pytest.mark.prove
@pytest.mark.timeout(400)
async def test_with_the_policy_of_production_an_erp_that_is_down_is_called_once_in_thirty_seconds(
    temporal_client: Client, database: Database, systems: Systems, erp: RestErp, queue: str
) -> None:
    await an_outage(temporal_client, database, systems, erp, queue, BreakerPolicy())


async def an_outage(
    client: Client, database: Database, systems: Systems, erp: RestErp, queue: str, policy: BreakerPolicy
) -> None:
    interval = policy.probe_every.total_seconds()
    systems.sandbox.faults.add(Fault(operation="erp.*", kind=FaultKind.ERROR, status=503))
    doing = ErpPosting(erp)
    async with breaking(client, database, queue, erp.ping), posting(client, queue, doing, policy):
        handles = await start(client, queue, 20)
        rate = await until_rate(client, queue, 0)
        opened = time.monotonic() - sorted(doing.failed_at)[4]
        assert opened <= 10
        assert "stopped by orderyard" in rate.reason
        assert "calls in a row failed" in (await trips(database, queue))[0].reason

        # What was under way has failed and waits in the queue; from here on only probes call the ERP.
        first = await until_trip(database, queue, lambda trip: trip.probes >= 1)
        before, since = calls_of(systems), time.monotonic()
        handles += await start(client, queue, 20, first=20)
        probed = await until_trip(database, queue, lambda trip: trip.probes >= first.probes + 3)
        while_open, passed = calls_of(systems) - before, time.monotonic() - since
        assert while_open == probed.probes - first.probes
        assert while_open <= passed / interval + 1
        # Intake goes on: every order came as far as the ERP's step.
        assert len(doing.taken_in) == 40
        assert max(doing.taken_in.values()) < 2.0
        assert (await queue_rate.read(client, queue)).waiting > 0

        systems.sandbox.faults.remove()
        back = time.monotonic()
        async with asyncio.timeout(interval + 60):
            assert [await handle.result() for handle in handles] == ["posted"] * 40
        drained = time.monotonic() - back
        closed = await until_trip(database, queue, lambda trip: trip.closed_at is not None)
        assert closed.closed_by == "a probe was well"
        await ended(client, queue, "breaker-by-failures")
    assert (await queue_rate.read(client, queue)).per_second is None
    created = [entry["key"] for entry in systems.effects("erp/order_created")]
    assert len(created) == len(set(created)) == 40
    assert drained <= interval + 30
    print(
        f"opened {opened:.2f} s after the fifth failure; {while_open} ERP calls in {passed:.1f} s of outage (one probe"
        f" in {interval:.0f} s); slowest intake {max(doing.taken_in.values()):.3f} s; 40 of 40 posted once,"
        f" {drained:.2f} s after the ERP was back"
    )


async def test_what_a_person_stopped_goes_on_when_a_person_says_so_with_the_rate_of_before(
    temporal_client: Client, database: Database, systems: Systems, erp: RestErp, queue: str
) -> None:
    doing = ErpPosting(erp)
    await queue_rate.write(temporal_client, queue, 40, "agreed with the ERP's makers")
    async with breaking(temporal_client, database, queue, erp.ping), posting(temporal_client, queue, doing):
        wish = PauseQueue(reason="stock-taking", actor="ada")
        await pause_queue(temporal_client, queue, wish, SHORT)
        trip = await until_trip(database, queue, lambda trip: trip.actor == "ada")
        await until_rate(temporal_client, queue, 0)
        handles = await start(temporal_client, queue, 5)

        async def taken_in() -> bool:
            return len(doing.taken_in) == 5

        await until(taken_in)
        rate = await queue_rate.read(temporal_client, queue)
        told = standing(rate, [trip])
        assert (told["calls"], told["why"], told["stopped_by"]) == ("stopped", "stock-taking", "ada")
        assert systems.effects("erp/order_created") == []
        breaker = temporal_client.get_workflow_handle(workflow_id(queue))
        await breaker.signal(BreakerWorkflow.resume, ResumeQueue(actor="bob"))
        assert [await handle.result() for handle in handles] == ["posted"] * 5
        closed = await until_trip(database, queue, lambda trip: trip.closed_at is not None)
        await ended(temporal_client, queue, "breaker-by-hand")
    assert (closed.closed_by, closed.probes) == ("bob", 0)
    assert (await queue_rate.read(temporal_client, queue)).per_second == 40


async def test_failures_of_several_workers_count_together(
    temporal_server: LocalTemporal, temporal_client: Client, database: Database, erp: RestErp, queue: str
) -> None:
    policy = SHORT.model_copy(update={"threshold": 6})
    fuses = [Fuse(queue, policy), Fuse(queue, policy)]
    clients = [
        await Client.connect(
            temporal_server.address, namespace=NAMESPACE, data_converter=pydantic_data_converter, identity=f"w{number}"
        )
        for number in range(2)
    ]
    async with breaking(temporal_client, database, queue, erp.ping):
        await failures(clients[0], fuses[0], 2)
        await failures(clients[1], fuses[1], 6)
        assert "calls in a row failed" in (await until_trip(database, queue, lambda _: True)).reason


async def test_a_system_that_answers_between_its_failures_is_not_stopped(
    temporal_client: Client, database: Database, erp: RestErp, queue: str
) -> None:
    fuse = Fuse(queue, SHORT)
    async with breaking(temporal_client, database, queue, erp.ping):
        for _ in range(5):
            await failures(temporal_client, fuse, 3)
            await fuse_does(temporal_client, fuse.answered)
        # The breaker that the first reports started has nothing to do, and ends.
        await ended(temporal_client, queue, "breaker-false-alarm")
    assert await trips(database, queue) == []


async def test_a_long_outage_begins_its_history_anew_and_is_one_trip(
    temporal_client: Client, database: Database, systems: Systems, erp: RestErp, queue: str
) -> None:
    down = systems.sandbox.faults.add(Fault(operation="erp.*", kind=FaultKind.ERROR, status=503))
    quick = SHORT.model_copy(update={"probe_every": timedelta(milliseconds=100)})
    async with breaking(temporal_client, database, queue, erp.ping):
        handle = await temporal_client.start_workflow(
            BreakerWorkflow.run,
            BreakerInput(queue=queue, policy=quick, probes_a_run=3),
            id=workflow_id(queue),
            task_queue=QUEUE,
            start_signal="failing",
            start_signal_args=[FailureReport(source="w", count=5, why="HTTP 503")],
        )
        await until_trip(database, queue, lambda trip: trip.probes >= 8)
        assert (await queue_rate.read(temporal_client, queue)).per_second == 0
        systems.sandbox.faults.remove(down)
        await until_trip(database, queue, lambda trip: trip.closed_at is not None)
        assert handle.first_execution_run_id != (await handle.describe()).run_id
        await handle.result()
    assert len(await trips(database, queue)) == 1
    assert (await queue_rate.read(temporal_client, queue)).per_second is None


async def ended(client: Client, queue: str, history: str) -> None:
    """A breaker ends once a window was quiet."""
    await client.get_workflow_handle(workflow_id(queue)).result()
    await keep(client.get_workflow_handle(workflow_id(queue)), FOLDER / "repair" / f"{history}.json")


async def failures(client: Client, fuse: Fuse, count: int) -> None:
    async def fail() -> None:
        for _ in range(count):
            await fuse.failed("no answer")

    await fuse_does(client, fail)


async def fuse_does(client: Client, work: Callable[[], Awaitable[None]]) -> None:
    """Run it as inside an activity of this client's worker."""
    await ActivityEnvironment(client).run(work)


async def test_a_system_that_fails_again_is_stopped_again_in_the_same_trip(
    temporal_client: Client, database: Database, systems: Systems, erp: RestErp, queue: str
) -> None:
    """Its health call is well while its writes are not."""
    broken = systems.sandbox.faults.add(Fault(operation="erp.create_order", kind=FaultKind.ERROR, status=503))
    gentle = SHORT.model_copy(update={"ramp_for": timedelta(seconds=8), "ramp_per_second": 20})
    doing = ErpPosting(erp)
    async with breaking(temporal_client, database, queue, erp.ping), posting(temporal_client, queue, doing, gentle):
        handles = await start(temporal_client, queue, 10)
        await until_trip(database, queue, lambda trip: trip.probes >= 2)
        systems.sandbox.faults.remove(broken)
        assert [await handle.result() for handle in handles] == ["posted"] * 10
        closed = await until_trip(database, queue, lambda trip: trip.closed_at is not None)
        await ended(temporal_client, queue, "breaker-fails-again")
    assert closed.probes >= 2
    assert len(await trips(database, queue)) == 1
