"""The demo: a stack of its own, buyers, an operator, a settlement, and a closing count."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from rich.live import Live
from rich.table import Table

from cli import survey
from cli.demo_result import DemoResult, print_result
from cli.local import prepare, stack_options
from cli.output import console, errors
from cli.run import Condition, Run, running
from settings import Settings
from stack.running import running_stack
from stack.up import LocalStack
from store import orders

POLL_SECONDS = 5
ORDERS_PER_SECOND = 4.5
PATIENCE_PER_PHASE = 300.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class DemoOptions:
    data_dir: Path
    orders_dir: Path | None = None
    count: int = 500
    scenario: str = "demo"
    seed: int | None = None
    keep: bool = False


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
    stacked = stack_options(Settings(), options.data_dir, arguments)
    async with LocalStack(stacked, lambda line: errors.print(line, style="dim")) as stack:
        connections = await prepare(stack, POLL_SECONDS)
        console.print(f"Temporal UI: {stack.ui_url}   gateway: {stack.gateway_url}   sandbox: {stack.sandbox_url}")
        async with running(stack, connections) as run:
            result = await Demo(options, run).result()
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
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            await self._until(lambda: self._run.shipped(wanted), live, "buyers buy, warehouses ship")
            await self._run.close_period()
            await self._until(self._run.ended, live, "settlements arrive")
        seconds = time.monotonic() - started
        return await self._run.count(seconds, await self._run.audited())

    async def _until(self, done: Condition, live: Live, what: str) -> None:
        async def show(open_cases: int) -> None:
            async with self._run.database.session() as session:
                states = await orders.counts_by_channel_and_state(session)
            live.update(_progress(states, what, open_cases))

        await self._run.until(done, PATIENCE_PER_PHASE, LOOK_SECONDS, show)


def _progress(states: dict[tuple[str, str], int], what: str, open_cases: int) -> Table:
    table = Table("channel", "state", "orders", title=f"{what}; open cases: {open_cases}", title_justify="left")
    for (channel, state), count in sorted(states.items()):
        table.add_row(channel, state, str(count))
    return table
