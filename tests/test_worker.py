"""The worker as a process: says what it lacks, polls what it is told to, and drains before it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from capture.temporal import start_order
from models.catalogue import Component, ListingMap
from models.order import Order
from sandbox.core import SandboxOptions
from sandbox.twins import Twins
from stack.temporal import NAMESPACE, LocalTemporal
from store import catalogue, orders, stock
from store.database import Database
from tests.capture.scene import until
from tests.cli.command import REPOSITORY, environment, free_port, running, said_until
from tests.recorded import FOLDER, workflow_type
from tests.workflows.world import LONG_AGO, an_order, line
from worker import CHANNEL_WORKFLOWS, WORKFLOWS

NEEDED = ("ORDERYARD_DATABASE_URL", "TEMPORAL_ADDRESS", "ORDERYARD_CONNECTIONS_FILE")


def ended(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "worker.py", *arguments],
        cwd=REPOSITORY,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def connections() -> dict[str, Any]:
    twins = Twins(SandboxOptions())
    made = twins.connections()
    twins.sandbox.shelf.close()
    return made


@pytest.fixture
def nowhere(tmp_path: Path, connections: dict[str, Any]) -> dict[str, str]:
    """Complete settings; nothing answers at any of the addresses."""
    file = tmp_path / "connections.json"
    file.write_text(json.dumps(connections))
    return dict(zip(NEEDED, ("postgresql://u@127.0.0.1:1/x", "127.0.0.1:1", str(file)), strict=True))


def test_it_explains_itself() -> None:
    done = ended("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--queues" in done.stdout


def test_settings_that_are_missing_are_named_and_no_others(nowhere: dict[str, str]) -> None:
    done = ended(**{NEEDED[1]: nowhere[NEEDED[1]]})
    assert done.returncode == 2
    assert done.stderr == (
        "worker: set ORDERYARD_DATABASE_URL, ORDERYARD_CONNECTIONS_FILE"
        " (python starter.py up does it for a local stack)\n"
    )


def test_a_queue_it_does_not_know_ends_it_with_the_list_of_those_it_does(nowhere: dict[str, str]) -> None:
    done = ended("--queues", "erp,teleport,wms", **nowhere)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "worker: unknown queue teleport: use orders, erp, wms, tax, fraud, notify, settlement"
    )
    assert "channel-amazon, channel-mirakl, channel-shopify" in done.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"erp": None}, "erp"),
        (
            {"erp": {"provider": "sap", "base_url": "http://x"}},
            "unknown erp provider 'sap': use one of odoo, rest, tryton",
        ),
        ({"wms": {"provider": "rest", "base_url": "http://x"}}, "credential 'api_key' is not set"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_connections_file_that_cannot_be_meant_ends_it_with_the_reason(
    nowhere: dict[str, str], connections: dict[str, Any], change: dict[str, Any], told: str
) -> None:
    Path(nowhere[NEEDED[2]]).write_text(json.dumps({**connections, **change}))
    done = ended(**nowhere)
    assert done.returncode == 2
    assert done.stderr.startswith("worker: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_connections_file_that_is_not_there_is_named(nowhere: dict[str, str], tmp_path: Path) -> None:
    done = ended(**{**nowhere, NEEDED[2]: str(tmp_path / "nothing.json")})
    assert done.returncode == 2
    assert str(tmp_path / "nothing.json") in done.stderr


@pytest.fixture
def sandbox_url() -> Iterator[str]:
    port = free_port()
    with running("starter.py", "sandbox", "--port", str(port), "--ship-delay", "600") as child:
        said_until(child, "operations")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def sandbox(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False) as http:

        async def up() -> bool:
            try:
                return (await http.get("/_sandbox/health")).is_success
            except httpx.TransportError:
                return False

        await until(up, bool)
        yield http


@pytest.fixture
async def settings(
    sandbox: httpx.AsyncClient, database_url: str, temporal_server: LocalTemporal, tmp_path: Path
) -> dict[str, str]:
    file = tmp_path / "connections.json"
    file.write_bytes((await sandbox.get("/_sandbox/connections")).content)
    return {
        "ORDERYARD_DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "TEMPORAL_NAMESPACE": NAMESPACE,
        "ORDERYARD_CONNECTIONS_FILE": str(file),
        "ORDERYARD_METRICS_PORT": str(free_port()),
        "ORDERYARD_BUILD_ID": "",
    }


@contextmanager
def worker(log: Path, *arguments: str, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            [sys.executable, "worker.py", *arguments], cwd=REPOSITORY, env=environment(**settings), stderr=stream
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


async def logged(log: Path, event: str) -> dict[str, Any]:
    """Wait for a line of the log."""

    async def lines() -> list[dict[str, Any]]:
        written = log.read_text().splitlines()  # noqa: ASYNC240 - a small local file
        return [json.loads(each) for each in written if f'"event": "{event}"' in each]

    return (await until(lines, bool))[0]


async def test_it_ends_well_when_it_is_asked_to(settings: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with worker(log, "--queues", "erp,wms", settings=settings) as process:
        assert (await logged(log, "worker polls"))["queues"] == ["erp", "wms"]
        await until(lambda: figures(settings), lambda text: "temporal_num_pollers" in text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert await logged(log, "worker drains")


async def test_a_call_that_is_under_way_is_finished_before_it_ends(
    settings: dict[str, str], sandbox: httpx.AsyncClient, database_url: str, temporal_client: Client, tmp_path: Path
) -> None:
    """The ERP takes two seconds to answer; the order to end comes in the middle of that."""
    log, order = tmp_path / "worker.log", an_order(line("1", "MAT", 1, "34.50"))
    slow = {"operation": "erp.create_order", "kind": "latency", "seconds": 2}
    (await sandbox.post("/_sandbox/faults", json=slow)).raise_for_status()
    await prepare(database_url, order)
    handle = temporal_client.get_workflow_handle(order.key.workflow_id)
    with worker(log, settings=settings) as process:
        await logged(log, "worker polls")
        await start_order(temporal_client, order, told_before=False)

        async def under_way() -> list[str]:
            pending = (await handle.describe()).raw_description.pending_activities
            return [each.activity_type.name for each in pending if each.HasField("last_started_time")]

        await until(under_way, lambda names: "create_erp_order" in names)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    assert (await sandbox.get("/_sandbox/ledger/counts")).json()["erp/order_created"] == 1
    history = json.loads((await handle.fetch_history()).to_json())["events"]
    done = [each for each in history if "activityTaskCompletedEventAttributes" in each]
    scheduled = {
        event["eventId"]: event["activityTaskScheduledEventAttributes"]["activityType"]["name"]
        for event in history
        if "activityTaskScheduledEventAttributes" in event
    }
    completed = [scheduled[each["activityTaskCompletedEventAttributes"]["scheduledEventId"]] for each in done]
    assert "create_erp_order" in completed
    await handle.terminate()


async def prepare(database_url: str, order: Order) -> None:
    """A registered order, its listing and its stock."""
    database = Database(database_url)
    parts = (Component(item="MAT-FOAM", share=Decimal(1)),)
    async with database.session() as session:
        await catalogue.put_listing(
            session, ListingMap(channel="shopify", account="*", sku="MAT", valid_from=LONG_AGO, components=parts)
        )
        await stock.set_level(session, "MAT-FOAM", "BER-1", 10)
        await orders.register(session, order, 1)
    await database.aclose()


@pytest.mark.prove
async def test_work_that_cannot_end_is_left_to_the_next_worker(
    settings: dict[str, str], temporal_client: Client, tmp_path: Path
) -> None:
    """An order that the registry does not know is recorded again and again; the worker ends all the same."""
    log, order = tmp_path / "worker.log", an_order(line("1", "MAT", 1, "34.50"), test=True)
    handle = temporal_client.get_workflow_handle(order.key.workflow_id)
    with worker(log, "--queues", "orders", settings=settings) as process:
        await logged(log, "worker polls")
        await start_order(temporal_client, order, told_before=False)
        await until(lambda: figures(settings), lambda text: "temporal_local_activity_execution_failed" in text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    await handle.terminate()


async def figures(settings: dict[str, str]) -> str:
    """The worker's metrics."""
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.get(f"http://127.0.0.1:{settings['ORDERYARD_METRICS_PORT']}/metrics")).text


def test_every_workflow_that_a_worker_runs_has_a_recorded_history() -> None:
    every = {kind.__name__ for kinds in (*WORKFLOWS.values(), CHANNEL_WORKFLOWS) for kind in kinds}
    assert {workflow_type(path) for path in FOLDER.rglob("*.json")} == every
