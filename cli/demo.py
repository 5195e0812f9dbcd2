"""The demo: a stack of its own, buyers, an operator, a settlement, and a closing count."""

from __future__ import annotations

import shutil
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.live import Live
from rich.table import Table

from cli import programme, survey
from cli.demo_books import demo_tryton, print_books, read_back
from cli.demo_result import DemoResult, print_result
from cli.local import prepare, stack_options
from cli.output import console, errors
from cli.run import Condition, Run, running
from cli.stage import Stage
from cli.stories import Stories, Telling, say_how_they_ended
from cli.told import Told
from settings import Settings
from stack.running import running_stack
from stack.up import LocalStack, StackOptions
from store import orders

POLL_SECONDS = 5
ORDERS_PER_SECOND = 4.5
PATIENCE_PER_PHASE = {"rest": 300.0, "tryton": 1800.0}
"""A real ERP takes a second or two of two processors for each parcel."""
LOOK_SECONDS = 0.5
QUIET_LOOKS = 8


@dataclass(frozen=True)
class DemoOptions:
    data_dir: Path
    orders_dir: Path | None = None
    count: int = 500
    scenario: str = "demo"
    seed: int | None = None
    keep: bool = False
    erp: str = "rest"
    """`rest`: the sandbox's twin; `tryton`: a real Tryton, which is started for it."""


async def run_demo(options: DemoOptions) -> DemoResult:
    """Run it and print the closing tables; `result.good` says whether everything came to its right end."""
    if running_stack(options.data_dir):
        raise SystemExit(f"a demo runs in {options.data_dir} already: end it first")
    shutil.rmtree(options.data_dir, ignore_errors=True)
    arguments = ["--scenario", options.scenario]
    if options.seed is not None:
        arguments += ["--seed", str(options.seed)]
    if options.orders_dir:
        arguments += ["--orders", str(options.orders_dir.resolve())]
    async with AsyncExitStack() as undo:
        erp = None
        if options.erp == "tryton":
            erp = await undo.enter_async_context(demo_tryton(options.data_dir / "erp"))
        stacked = replace(stack_options(Settings(), options.data_dir, arguments), erp_connection=erp)
        return await _on_stack(options, stacked)


async def _on_stack(options: DemoOptions, stacked: StackOptions) -> DemoResult:
    async with LocalStack(stacked, lambda line: errors.print(line, style="dim")) as stack:
        connections = await prepare(stack, POLL_SECONDS)
        console.print(f"Temporal UI: {stack.ui_url}   gateway: {stack.gateway_url}   sandbox: {stack.sandbox_url}")
        async with running(stack, connections) as run:
            result = await Demo(options, run).result()
            if stacked.erp_connection is not None:
                books = await read_back(stacked.erp_connection, await run.happened(), await run.settlements())
                print_books(books)
                result = replace(result, unequal=books.wrong)
        if options.orders_dir:
            survey.print_survey(survey.of_folder(options.orders_dir))
        print_result(result)
        console.print(f"every order's story: {stack.ui_url}/namespaces/{stack.options.temporal_namespace}/workflows")
        if options.keep:
            console.print("the stack stays up until Ctrl-C")
            await stack.until_stopped()
        else:
            console.print('the stack ends now, and the UI with it: make demo ARGS="--keep" leaves it up')
    return result


class Demo:
    """One run against a stack that is up, with live progress. A phase that never ends shows in the closing count."""

    def __init__(self, options: DemoOptions, run: Run) -> None:
        self._options = options
        self._run = run

    async def result(self) -> DemoResult:
        started = time.monotonic()
        wanted = 0 if self._options.orders_dir else self._options.count
        if wanted:
            await self._run.buy(wanted, ORDERS_PER_SECOND)
        told: list[Told] = []
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            before = self._stories(programme.before_payment())
            told += await self._act(before, lambda: self._run.shipped(wanted), live, "buyers buy, warehouses ship")
            await self._run.close_period()
            await self._until(self._run.settled, live, "settlements arrive")
            after = self._stories(programme.after_closing())
            told += await self._act(after, lambda: self._run.shipped(wanted), live, "what comes after closing")
            await self._run.close_period()
            await self._until(self._quiet(), live, "settlements arrive")
        seconds = time.monotonic() - started
        await say_how_they_ended(told, Stage(self._run))
        stock = await self._run.reconciled()
        counted = await self._run.count(seconds, await self._run.audited())
        return replace(counted, stories=tuple(told), inventory=stock)

    def _quiet(self) -> Condition:
        """Settled at several looks in turn: money of an order that has ended becomes a case a moment later."""
        looks = 0

        async def quiet() -> bool:
            nonlocal looks
            looks = looks + 1 if await self._run.settled() else 0
            return looks >= QUIET_LOOKS

        return quiet

    def _stories(self, tellings: list[tuple[str, Telling]]) -> Stories:
        """None on the orders of files: they are to be seen alone."""
        return Stories(Stage(self._run), [] if self._options.orders_dir else tellings)

    async def _act(self, stories: Stories, done: Condition, live: Live, what: str) -> list[Told]:
        async def over() -> bool:
            return stories.over and await done()

        await self._until(over, live, what)
        return await stories.end()

    async def _until(self, done: Condition, live: Live, what: str) -> None:
        async def show(open_cases: int) -> None:
            async with self._run.database.session() as session:
                states = await orders.counts_by_channel_and_state(session)
            live.update(_progress(states, what, open_cases))

        await self._run.until(done, PATIENCE_PER_PHASE[self._options.erp], LOOK_SECONDS, show)


def _progress(states: dict[tuple[str, str], int], what: str, open_cases: int) -> Table:
    table = Table("channel", "state", "orders", title=f"{what}; open cases: {open_cases}", title_justify="left")
    for (channel, state), count in sorted(states.items()):
        table.add_row(channel, state, str(count))
    return table
