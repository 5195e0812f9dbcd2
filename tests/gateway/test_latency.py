"""How soon a webhook is acknowledged, beside the least that any HTTP service does, in the same run.

Nothing of the ERP is involved: whether it lives or is dead, the gateway verifies, keeps and answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.registry import Connections
from stack.postgres import LocalPg
from stack.temporal import LocalTemporal
from store.database import Database
from store.migrate import upgrade
from tests.capture.scene import an_id, events, payload
from tests.conftest import run_in_own_loop
from tests.gateway.load import Measured, Request, load
from tests.gateway.processes import echo_process, gateway_process
from tests.gateway.serving import SHOPIFY, signed

RATE = 100.0
"""Requests a second."""
P99 = 100.0
"""Milliseconds."""


def webhook() -> Request:
    body = payload(an_id())
    return SHOPIFY, body, signed(body)


async def measured(
    url: str, connections: Connections, temporal: LocalTemporal, home: Path, seconds: float
) -> tuple[Measured, Measured]:
    """Of the gateway, and of the echo that is asked at the same time and rate."""
    gateway = gateway_process(url, connections, temporal.address, home)
    async with gateway as (gateway_url, _), echo_process(home) as echo_url:
        acknowledged, echoed = await asyncio.gather(
            load(gateway_url, webhook, RATE, seconds), load(echo_url, webhook, RATE, seconds)
        )
    ratio = acknowledged.percentile(0.99) / echoed.percentile(0.99)
    print(f"\nwebhooks: {acknowledged}\necho:     {echoed}\np99 is {ratio:.1f} times that of the echo")
    return acknowledged, echoed


async def test_webhooks_at_a_hundred_a_second_are_all_kept_and_acknowledged(
    database_url: str, database: Database, connections: Connections, temporal_server: LocalTemporal, tmp_path: Path
) -> None:
    acknowledged, echoed = await measured(database_url, connections, temporal_server, tmp_path, seconds=3)
    assert acknowledged.statuses == echoed.statuses == {200: 300}
    assert len(await events(database)) == 300


@pytest.fixture
def durable_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database whose commits are on disk, as it is deployed."""
    home = tmp_path_factory.mktemp("durable", numbered=True)
    for directory in (home, home.parent, home.parent.parent):
        directory.chmod(0o755)
    server = LocalPg(home / "postgres", fast=False, usual_port=None)
    try:
        url = server.start().create_database("durable")
        run_in_own_loop(upgrade(url))
        yield url
    finally:
        server.destroy()


@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_a_minute_of_webhooks_is_acknowledged_in_time(
    durable_url: str, connections: Connections, temporal_server: LocalTemporal, tmp_path: Path
) -> None:
    acknowledged, _ = await measured(durable_url, connections, temporal_server, tmp_path, seconds=60)
    assert acknowledged.statuses == {200: 6000}
    assert acknowledged.percentile(0.99) <= P99
