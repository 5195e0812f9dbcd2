"""The gateway is killed at each point between a request and its workflow: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client

from connectors.registry import Connections
from stack.temporal import LocalTemporal
from store import orders
from store.database import Database
from tests.capture.scene import an_id, events, key_of, payload, until
from tests.gateway.dying import PASSES, POINT, POINTS
from tests.gateway.processes import gateway_process
from tests.gateway.serving import SHOPIFY, signed

AGAIN = 0.3
"""Seconds after which the shop sends again what was not acknowledged."""

RHYTHM = 0.05


@dataclass(frozen=True)
class Letter:
    order_id: int
    delivery_id: str


class Shop:
    """Sends each letter, and sends it again until it is acknowledged, to whatever gateway there is."""

    def __init__(self) -> None:
        self.url = ""
        self.sent: list[Letter] = []
        self.attempts = 0
        self._sending: list[asyncio.Task[None]] = []

    def send(self, count: int) -> None:
        """One after the other, so that each has a transaction of its own."""
        for number in range(count):
            letter = Letter(an_id(), str(uuid4()))
            self.sent.append(letter)
            self._sending.append(asyncio.create_task(self._until_acknowledged(letter, number * RHYTHM)))

    async def all_acknowledged(self) -> None:
        await asyncio.gather(*self._sending)

    async def _until_acknowledged(self, letter: Letter, wait: float) -> None:
        body = payload(letter.order_id)
        await asyncio.sleep(wait)
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            while True:
                self.attempts += 1
                try:
                    answer = await http.post(
                        f"{self.url}{SHOPIFY}", content=body, headers=signed(body, letter.delivery_id)
                    )
                    if answer.status_code == 200:
                        return
                except httpx.TransportError:
                    pass  # Nobody answers: it was killed.
                await asyncio.sleep(AGAIN)


class Scene:
    def __init__(
        self, database: Database, database_url: str, connections: Connections, temporal: LocalTemporal, home: Path
    ) -> None:
        self.database = database
        self._gateway = (database_url, connections, temporal.address, home)
        self.shop = Shop()

    async def killed_at(self, point: str, letters: int) -> None:
        """A gateway that is killed when it has passed the point with half of the letters."""
        arming = {POINT: point, PASSES: str(letters // 2)}
        async with gateway_process(*self._gateway, module="tests.gateway.dying", more=arming) as (url, process):
            self.shop.url = url
            self.shop.send(letters)
            try:
                assert await asyncio.wait_for(process.wait(), 60) == -9, point
            except TimeoutError:
                raise AssertionError(f"it never came to the point {point!r}") from None
        async with self.database.session() as session:  # What a dead relay has claimed is not waited for.
            await session.execute(text("UPDATE inbox_event SET next_attempt_at = now() WHERE status = 'received'"))

    async def lives(self) -> None:
        """A gateway that nobody kills, until everything is done."""
        async with gateway_process(*self._gateway) as (url, _):
            self.shop.url = url
            await self.shop.all_acknowledged()
            await until(lambda: events(self.database), lambda found: all(e.status == "delivered" for e in found))


@pytest.fixture
def scene(
    database: Database,
    database_url: str,
    connections: Connections,
    temporal_server: LocalTemporal,
    tmp_path: Path,
) -> Scene:
    return Scene(database, database_url, connections, temporal_server, tmp_path)


async def kill_everywhere(scene: Scene, client: Client, points: Sequence[str], total: int) -> None:
    for number, point in enumerate(points):
        await scene.killed_at(point, total * (number + 1) // len(points) - total * number // len(points))
    await scene.lives()
    letters = scene.shop.sent
    assert len(letters) == total
    assert scene.shop.attempts > total  # Some were not acknowledged at first.
    kept = await events(scene.database)
    assert sorted(each.delivery_id for each in kept) == sorted(letter.delivery_id for letter in letters)
    async with scene.database.session() as session:
        registered = set(await orders.states(session))
    assert registered == {str(key_of(letter.order_id)) for letter in letters}
    runs = [await _runs(client, letter.order_id) for letter in letters]
    assert runs == [1] * total
    print(f"{total} events, {len(points)} kills, {scene.shop.attempts} deliveries: 0 lost, 0 extra")


async def _runs(client: Client, order_id: int) -> int:
    """How many workflows there are, or were, of an order: also of what was started and not yet written down."""
    query = f"WorkflowId = '{key_of(order_id).workflow_id}'"

    async def listed() -> int:
        return len([each async for each in client.list_workflows(query)])

    return await until(listed, lambda count: count)  # What was started is listed a moment later.


@pytest.mark.timeout(180)
async def test_a_gateway_killed_at_each_point_loses_and_doubles_nothing(scene: Scene, temporal_client: Client) -> None:
    await kill_everywhere(scene, temporal_client, POINTS, total=40)


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_three_hundred_events_and_a_gateway_killed_three_times_at_each_point(
    scene: Scene, temporal_client: Client
) -> None:
    await kill_everywhere(scene, temporal_client, POINTS * 3, total=300)
