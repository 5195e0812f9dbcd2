"""A warehouse behind our REST contract: the sandbox's twin."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from connectors.wms.rest import RestWms
from sandbox.core import Sandbox, SandboxOptions
from tests.systems.running import Systems, free_socket, served, until
from tests.wms_conformance.subject import Pieces, Subject, Warehouse

NEVER = 3600.0
GONE = frozenset({"cancelled", "unheard_of"})


class Twin:
    def __init__(self, systems: Systems) -> None:
        self._systems = systems
        self._known = systems.sandbox.shelf.collection("wms_releases")

    def connection(self) -> dict[str, Any]:
        return self._systems.wms.connection()

    async def releases(self, fulfilment_id: str) -> int:
        made = [
            entry
            for entry in self._systems.effects("wms/released")
            if entry["detail"]["fulfilment_id"] == fulfilment_id
        ]
        return 0 if self._status(fulfilment_id) in GONE else len(made)

    async def ship(self, fulfilment_id: str) -> None:
        self._systems.sandbox.options.ship_delay = 0.0
        try:
            self._systems.wms.go_on(fulfilment_id)
            await until(lambda: self._status(fulfilment_id) != "picking")
        finally:
            self._systems.sandbox.options.ship_delay = NEVER

    async def ship_first(self, fulfilment_id: str, item: str, pieces: int) -> None:
        raise AssertionError(f"{fulfilment_id}: the suite does not ask the twin for {pieces} {item}")

    async def find_missing(self, fulfilment_id: str, item: str, pieces: int) -> None:
        raise AssertionError(f"{fulfilment_id}: the suite does not ask the twin for {pieces} {item}")

    async def give_up(self, fulfilment_id: str) -> None:
        raise AssertionError(f"{fulfilment_id}: the suite does not ask the twin to give up")

    async def take_back(self, reference: str, *pieces: Pieces, put_away: bool = True) -> str:
        raise AssertionError(f"{reference}: the suite does not ask the twin to take {pieces} back, nor {put_away=}")

    def _status(self, fulfilment_id: str) -> str:
        release = self._known.get(fulfilment_id)
        return release["status"] if release else ""


@asynccontextmanager
async def server() -> AsyncIterator[Warehouse]:
    listener = free_socket()
    with tempfile.TemporaryDirectory() as state:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        systems = Systems(Sandbox(SandboxOptions(base_url=url, ship_delay=NEVER, state_dir=Path(state))))
        async with served(systems.routes, listener):
            yield Twin(systems)
        await systems.aclose()


SUBJECT = Subject(
    name="rest",
    connect=RestWms,
    server=server,
    credential="api_key",
    without={
        "goods_check": "the twin takes every item and node",
        "second_parcel": "the twin divides parcels by itself (tests/systems/test_wms.py)",
        "watched": "it reports by itself (tests/capture/test_reports.py)",
        "short_pick": "shortfalls are reported, there is no call for them (tests/systems/test_wms_shortfalls.py)",
    },
)
