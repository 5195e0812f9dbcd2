"""The whole running product on one data directory, with buyers, an operator, and somebody who pulls plugs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cli.local import prepare
from cli.run import Condition, Run, running
from stack.running import write_private
from stack.up import LocalStack, StackOptions
from tests.prove.postman import Postman
from tests.prove.story import story

POLL_SECONDS = 2
SPEED = ("--quota-scale", "500", "--ship-delay", "0.2")
LOOK_SECONDS = 0.1
OURS = ("postgres", "temporal", "worker", "gateway")
"""What we run; the sandbox is the outside world."""
Change = Callable[[dict[str, Any]], None]
"""To the content of the connections file."""


@dataclass(frozen=True)
class Size:
    orders: int
    per_second: float
    patience: float
    """Seconds that a phase may take before the proof fails."""


class Product:
    """`async with Product(data_dir, size, postman) as product:`"""

    def __init__(
        self,
        data_dir: Path,
        size: Size,
        postman: Postman,
        *,
        fast: bool = False,
        poll_seconds: int = POLL_SECONDS,
        change: Change | None = None,
    ) -> None:
        """`fast` gives up safety against a crash of the machine (never against `kill -9`)."""
        self._poll_seconds = poll_seconds
        self._change = change
        self.size = size
        self.postman = postman
        arguments = [*SPEED, "--webhooks-to", postman.url]
        self._options = StackOptions(data_dir, sandbox_args=arguments, fast=fast, keep_ports=False)
        self._running = AsyncExitStack()
        self._wanted = 0
        self._bought = 0
        self._began: dict[str, int] = {}
        self.stack: LocalStack
        self.run: Run

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        async with AsyncExitStack() as undo:
            self.stack = await undo.enter_async_context(LocalStack(self._options))
            self.postman.to = self.stack.gateway_url
            if self._change:
                await self._connect_otherwise(self._change)
            connections = await prepare(self.stack, self._poll_seconds)
            self.run = await undo.enter_async_context(running(self.stack, connections))
            self._running = undo.pop_all()

    async def stop(self) -> None:
        await self._running.aclose()

    async def buy(self, count: int) -> None:
        self._began, self._bought = await self.run.effects(), count
        self._wanted += count
        await self.run.buy(count, self.size.per_second)

    async def reach(self, share: float) -> None:
        """Wait until so much of the work on what was bought last is done: sales orders and invoices are counted."""
        wanted = share * 2 * self._bought

        async def reached() -> bool:
            return await self._done() >= wanted

        await self.until(reached, f"{share:.0%} of the work to be done")

    async def kill(self, name: str) -> None:
        """`kill -9`, and start it again."""
        await self.stack.kill(name)
        await self.stack.restart(name)

    async def restart(self) -> None:
        """`kill -9` of all that is ours, the end of the outside world, and everything again on the same data."""
        for name in OURS:
            await self.stack.kill(name)
        await self.stop()
        await self.start()
        if missing := self._wanted - await self.run.sold():
            # Those who found the shop closed come back.
            await self.run.buy(missing, self.size.per_second)

    async def all_shipped(self) -> bool:
        return await self.run.shipped(self._wanted)

    async def ship(self) -> None:
        await self.until(self.all_shipped, "every order to be captured and at rest")

    async def settle(self) -> None:
        await self.run.close_period()
        await self.until(self.run.ended, "every order to be closed or cancelled")

    async def until(self, done: Condition, what: str) -> None:
        """Raises `AssertionError` with the whole story when it takes too long."""
        began = time.monotonic()
        if not await self.run.until(done, self.size.patience, LOOK_SECONDS):
            waited = f"waited {time.monotonic() - began:.0f} s for {what}"
            raise AssertionError(await story(self.run, self.stack.data_dir, waited))

    async def _connect_otherwise(self, change: Change) -> None:
        """The worker reads its connections when it starts."""
        assert self.stack.connections_file
        connections = json.loads(self.stack.connections_file.read_text())
        change(connections)
        write_private(self.stack.connections_file, json.dumps(connections))
        await self.stack.restart("worker")

    async def _done(self) -> int:
        now = await self.run.effects()
        counted = ("erp/order_created", "erp/invoice_posted")
        return sum(now.get(name, 0) - self._began.get(name, 0) for name in counted)
