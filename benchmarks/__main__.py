"""`make bench`: orders a second of the full flow, beside a no-op workflow of the same shape in the same run."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import logs
from benchmarks import baseline
from benchmarks.flow import Flow, FlowResult
from benchmarks.shape import Averages, averages
from cli.local import prepare, stack_options
from cli.run import running
from settings import Settings
from stack.exit import finish
from stack.up import LocalStack
from store import orders

WARM_UP = 20
BUYING = 500.0
"""Orders a second that buyers place: more than can be worked off, so that throughput is measured, not the buyers."""
STEADY = 5.0
"""Orders a second of the run in which release latency is measured."""


async def bench(count: int, steady: int, say: Any) -> dict[str, Any]:
    data_dir = Settings().data_dir / "bench"
    shutil.rmtree(data_dir, ignore_errors=True)
    options = stack_options(Settings(), data_dir, ["--quota-scale", "5000", "--ship-delay", "0.05"])
    async with LocalStack(options, say) as stack:
        connections = await prepare(stack, 2)
        async with running(stack, connections) as run:
            flow = Flow(stack, run)
            say(f"warming up with {WARM_UP} orders")
            await flow.run(WARM_UP, BUYING)
            say(f"the full flow of {count} orders")
            full = await flow.run(count, BUYING)
            say(f"{steady} orders at {STEADY} a second, for the release latency")
            paced = await flow.run(steady, STEADY)
            shape = await averages(run.client, full.workflow_ids)
            async with run.database.session() as session:
                sample = (await orders.find(session, limit=1))[0].payload
            say(f"{count} no-op workflows of the same shape")
            noop = await baseline.run(run.client, shape.shape(json.dumps(sample)), count)
    return report(full, paced, shape, noop)


def report(full: FlowResult, paced: FlowResult, shape: Averages, noop: float) -> dict[str, Any]:
    return {
        "orders_per_second": round(full.orders_per_second, 2),
        "noop_per_second": round(noop, 2),
        "ratio": round(full.orders_per_second / noop, 3),
        "activities_per_order": round(shape.activities, 2),
        "history_events_per_order": round(shape.events, 1),
        "worker_rss_mb": round(full.worker_rss_mb, 1),
        "release_latency_seconds": {"p50": _quantile(paced.latencies, 0.5), "p95": _quantile(paced.latencies, 0.95)},
        "release_latency_orders_per_second": STEADY,
        "orders": full.orders,
        "seconds": round(full.seconds, 1),
        "local_activities_per_order": round(shape.local_calls, 2),
        "signals_per_order": round(shape.signals, 2),
        "search_attribute_upserts_per_order": round(shape.upserts, 2),
        "cpu_seconds_by_process": full.cpu_seconds,
    }


def _quantile(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--orders", type=int, default=300, help="orders of the full flow, and no-op workflows")
    parser.add_argument("--steady", type=int, default=60, help="orders of the paced run")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    arguments = parser.parse_args()
    logs.configure("console", "WARNING")

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    result = asyncio.run(bench(arguments.orders, arguments.steady, say))
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    finish(main())
