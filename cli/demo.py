"""The demo: a stack of its own, buyers, an operator, a settlement, and a closing count."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.live import Live
from rich.table import Table
from temporalio.client import Client

from capture.temporal import connect
from cli import schedules
from cli.demo_result import DemoResult, counted, print_result
from cli.local import prepare, stack_options
from cli.operator import Operator
from cli.output import console, errors
from connectors.registry import Connections
from models.messages import FINAL_STATES, OrderState
from settings import Settings
from stack.running import running_stack
from stack.up import LocalStack
from store import orders
from store.database import Database

POLL_SECONDS = 3
QUOTA_SCALE = 200
"""A large seller's quota: with the published one a demo would wait three minutes for each of its later polls."""
SHIP_DELAY = 0.5
ORDERS_PER_SECOND = 5.0
PATIENCE_PER_PHASE = 150.0
LOOK_SECONDS = 0.5
AT_REST = FINAL_STATES | {OrderState.SHIPPED}


@dataclass(frozen=True)
class DemoOptions:
    data_dir: Path
    orders_dir: Path | None = None
    count: int = 220
    seed: int = 7
    keep: bool = False


async def run_demo(options: DemoOptions) -> DemoResult:
    """Run it and print the closing tables; `result.good` says whether everything came to its right end."""
    if running_stack(options.data_dir):
        raise SystemExit(f"a demo runs in {options.data_dir} already: end it first")
    shutil.rmtree(options.data_dir, ignore_errors=True)
    arguments = ["--seed", str(options.seed), "--quota-scale", str(QUOTA_SCALE), "--ship-delay", str(SHIP_DELAY)]
    if options.orders_dir:
        arguments += ["--orders", str(options.orders_dir.resolve())]
    stacked = stack_options(Settings(), options.data_dir, arguments)
    async with LocalStack(stacked, lambda line: errors.print(line, style="dim")) as stack:
        connections = await prepare(stack, POLL_SECONDS)
        console.print(f"Temporal UI: {stack.ui_url}   gateway: {stack.gateway_url}   sandbox: {stack.sandbox_url}")
        database = Database(stack.database_url, pool_size=3)
        client = await connect(stack.temporal_address, stack.options.temporal_namespace)
        assert stack.sandbox_url is not None
        async with httpx.AsyncClient(base_url=stack.sandbox_url, timeout=30) as sandbox:
            result = await Demo(options, database, client, sandbox, connections).run()
        await database.aclose()
        print_result(result)
        console.print(f"every order's story: {stack.ui_url}/namespaces/{stack.options.temporal_namespace}/workflows")
        if options.keep:
            console.print("the stack stays up until Ctrl-C")
            await stack.until_stopped()
    return result


class Demo:
    """One run against a stack that is up."""

    def __init__(
        self,
        options: DemoOptions,
        database: Database,
        client: Client,
        sandbox: httpx.AsyncClient,
        connections: Connections,
    ) -> None:
        self._options = options
        self._database = database
        self._client = client
        self._sandbox = sandbox
        self._connections = connections
        self._operator = Operator(database, client)

    async def run(self) -> DemoResult:
        started = time.monotonic()
        if not self._options.orders_dir:
            await self._buy()
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            await self._until(self._shipped, live, "buyers buy, warehouses ship")
            await self._close_period()
            await self._until(self._ended, live, "settlements arrive")
        entries = (await self._sandbox.get("/_sandbox/ledger")).json()
        decisions = Counter(
            f"{case.kind.value}: {what.split(' ')[0].rstrip(':')}" for case, what in self._operator.decided
        )
        sold = await self._sold()
        return await counted(self._database, entries, sold, time.monotonic() - started, decisions)

    async def _buy(self) -> None:
        names = sorted({connection.provider for connection in self._connections.channels})
        share, rest = divmod(self._options.count, len(names))
        bought = {name: share + (number < rest) for number, name in enumerate(names)}
        answer = await self._sandbox.post("/_sandbox/orders", json={"orders": bought, "per_second": ORDERS_PER_SECOND})
        answer.raise_for_status()

    async def _until(self, done: Callable[[], Awaitable[bool]], live: Live, what: str) -> None:
        """Show progress and let the operator work, until done; a phase that never ends shows in the closing count."""
        ends = time.monotonic() + PATIENCE_PER_PHASE
        while time.monotonic() < ends:
            open_cases = await self._operator.look()
            live.update(_progress(await self._states(), what, open_cases))
            if not open_cases and await done():
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _shipped(self) -> bool:
        states = await self._states()
        rest = all(state in AT_REST for _, state in states)
        return rest and await self._all_captured(sum(states.values()))

    async def _ended(self) -> bool:
        return all(state in FINAL_STATES for _, state in await self._states())

    async def _all_captured(self, registered: int) -> bool:
        result = await counted(self._database, [], await self._sold(), 0.0, Counter())
        wanted = self._options.count if not self._options.orders_dir else 0
        return registered >= wanted and result.captured_short == 0

    async def _sold(self) -> int:
        """Orders that the twins offer: placed by buyers, or read from files."""
        answer: dict[str, Any] = (await self._sandbox.get("/_sandbox/orders")).json()
        loaded = {key for keys in answer["loaded"].values() for key in keys}
        numbers: dict[str, int] = answer["numbers"]
        return sum(numbers.values()) + len(loaded)

    async def _close_period(self) -> None:
        (await self._sandbox.post("/_sandbox/settlements")).raise_for_status()
        for connection in self._connections.channels:
            await schedules.trigger(self._client, "settlements", connection)

    async def _states(self) -> dict[tuple[str, str], int]:
        async with self._database.session() as session:
            return await orders.counts_by_channel_and_state(session)


def _progress(states: dict[tuple[str, str], int], what: str, open_cases: int) -> Table:
    table = Table("channel", "state", "orders", title=f"{what}; open cases: {open_cases}", title_justify="left")
    for (channel, state), count in sorted(states.items()):
        table.add_row(channel, state, str(count))
    return table
