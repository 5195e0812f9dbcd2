"""The gateway and its neighbours as processes of their own, as they are deployed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from connectors.registry import Connections
from stack.temporal import NAMESPACE
from tests.cli.command import REPOSITORY, environment, free_port

PATIENCE = 30.0


@asynccontextmanager
async def gateway_process(
    database_url: str,
    connections: Connections,
    temporal_address: str,
    directory: Path,
    module: str = "gateway",
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Its URL, once it is ready, and the process; what it logs is in a file in the directory.

    `more` is the process's environment.
    """
    file, port = directory / "connections.json", free_port()
    file.write_text(connections.model_dump_json())
    settings = {
        "ORDERYARD_DATABASE_URL": database_url,
        "ORDERYARD_CONNECTIONS_FILE": str(file),
        "ORDERYARD_GATEWAY_PORT": str(port),
        "ORDERYARD_LOG_FORMAT": "json",
        "TEMPORAL_ADDRESS": temporal_address,
        "TEMPORAL_NAMESPACE": NAMESPACE,
        **(more or {}),
    }
    async with _child(["-m", module], environment(**settings), directory / "gateway.log") as child:
        url = f"http://127.0.0.1:{port}"
        await _answers(f"{url}/health/live", child)
        yield url, child


@asynccontextmanager
async def echo_process(directory: Path) -> AsyncIterator[str]:
    port = free_port()
    argv = ["-m", "tests.gateway.echo", str(port)]
    async with _child(argv, environment(), directory / "echo.log") as child:
        await _answers(f"http://127.0.0.1:{port}/", child)
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _child(argv: Sequence[str], env: Mapping[str, str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as output:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, *argv),
            cwd=REPOSITORY,
            env=dict(env),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), PATIENCE)
        except TimeoutError:
            os.killpg(child.pid, signal.SIGKILL)
            await child.wait()


async def _answers(url: str, child: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(PATIENCE):
        while True:
            assert child.returncode is None, f"it ended with {child.returncode} before it answered"
            try:
                await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
