"""The relay is a process beside the gateway: it ends with it, and is started again when it dies alone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx

from connectors.registry import Connections
from gateway.relaying import Relaying
from stack.temporal import NAMESPACE, LocalTemporal
from store.database import Database
from tests.capture.scene import an_id, cancelled, events, keep, until, webhook
from tests.cli.command import REPOSITORY, environment
from tests.gateway.processes import gateway_process
from tests.gateway.serving import Gateway


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid: int) -> bool:
    """A process that has ended and is not yet fetched by its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_a_relay_that_dies_is_started_again_and_delivers(
    database_url: str, connections: Connections, temporal_server: LocalTemporal, database: Database, tmp_path: Path
) -> None:
    running = gateway_process(database_url, connections, temporal_server.address, tmp_path)
    async with running as (url, process), httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as http:
        (first,) = children(process.pid)
        os.kill(first, signal.SIGKILL)
        assert (await Gateway(http).shopify(cancelled(an_id()))).status_code == 200
        await until(lambda: events(database), lambda found: found[0].status == "delivered")
        (second,) = children(process.pid)
        assert first != second
        assert (await http.get("/health/live")).status_code == 200
    assert not lives(second)
    assert "the relay ended" in (tmp_path / "gateway.log").read_text()


async def test_a_gateway_that_is_killed_takes_its_relay_with_it(
    database_url: str, connections: Connections, temporal_server: LocalTemporal, tmp_path: Path
) -> None:
    async with gateway_process(database_url, connections, temporal_server.address, tmp_path) as (_, process):
        (relay,) = children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()

        async def still_there() -> bool:
            return lives(relay)

        await until(still_there, lambda there: not there)


async def test_a_relay_is_alive_from_its_start_to_its_stop(temporal_server: LocalTemporal) -> None:
    relaying = Relaying("postgresql://nobody@127.0.0.1:1/nowhere", temporal_server.address, NAMESPACE)
    seen = [relaying.alive]
    await relaying.stop()  # Before it began, there is nothing to stop.
    relaying.start()
    seen.append(relaying.alive)
    await relaying.stop()
    assert [*seen, relaying.alive] == [False, True, False]


async def test_a_relay_may_run_without_a_gateway(
    database_url: str, temporal_server: LocalTemporal, database: Database
) -> None:
    settings = {
        "ORDERYARD_DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "TEMPORAL_NAMESPACE": NAMESPACE,
    }
    argv = [sys.executable, "-m", "gateway", "relay"]
    relay = await asyncio.create_subprocess_exec(
        *argv, cwd=REPOSITORY, env=environment(**settings), stdin=asyncio.subprocess.DEVNULL
    )
    await keep(database, webhook(cancelled(an_id())))
    await until(lambda: events(database), lambda found: found[0].status == "delivered")
    relay.terminate()
    assert await asyncio.wait_for(relay.wait(), 10) == 0


async def test_a_relay_without_settings_says_what_it_needs() -> None:
    argv = [sys.executable, "-m", "gateway", "relay"]
    relay = await asyncio.create_subprocess_exec(
        *argv, cwd=REPOSITORY, env=environment(), stderr=asyncio.subprocess.PIPE
    )
    _, told = await relay.communicate()
    assert relay.returncode == 2
    assert b"set ORDERYARD_DATABASE_URL, TEMPORAL_ADDRESS" in told
