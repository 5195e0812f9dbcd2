"""What a node's fulfilment costs inside its order's workflow, and as a child: `python -m benchmarks.fulfilment_form`.

Both forms make the same calls, none of which does anything. The child form adds what the product's child does: it is
started, tells its parent of the parcel by a signal, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks import cpu
    from benchmarks.noop import QUEUES, TIMEOUT, nothing, nothing_local
    from capture.temporal import connect
    from stack.exit import finish
    from stack.temporal import NAMESPACE, LocalTemporal, ensure_namespace, find_temporal

ORDERS, ERP, WMS, NOTIFY, CHANNEL = QUEUES
IN_FLIGHT = 50
PAYLOAD = "x" * 2000
"""About as large as a fulfilment plan."""


async def _fulfil() -> None:
    """A node with one parcel: release, stock, confirmation beside shipment and invoice, notice."""
    await _call(WMS)
    await workflow.execute_local_activity(nothing_local, PAYLOAD, start_to_close_timeout=TIMEOUT)
    await asyncio.gather(_call(CHANNEL), _book())
    await _call(NOTIFY)


async def _book() -> None:
    await _call(ERP)
    await _call(ERP)


async def _call(queue: str) -> None:
    await workflow.execute_activity(nothing, PAYLOAD, task_queue=queue, start_to_close_timeout=TIMEOUT)


@workflow.defn
class InlineOrder:
    """An order whose only node is fulfilled in its own workflow."""

    @workflow.run
    async def run(self, payload: str) -> None:
        await _fulfil()


@workflow.defn
class NodeProcess:
    """A node's fulfilment with a history of its own."""

    @workflow.run
    async def run(self, payload: str) -> None:
        await _fulfil()
        parent = workflow.info().parent
        assert parent is not None
        await workflow.get_external_workflow_handle(parent.workflow_id).signal("parcel_left", payload)


@workflow.defn
class ParentOrder:
    """An order whose only node is fulfilled by a child workflow."""

    def __init__(self) -> None:
        self._parcels = 0

    @workflow.run
    async def run(self, payload: str) -> None:
        await workflow.execute_child_workflow(NodeProcess.run, payload, id=f"{workflow.info().workflow_id}/node")
        await workflow.wait_condition(lambda: self._parcels > 0)

    @workflow.signal
    def parcel_left(self, payload: str) -> None:
        self._parcels += 1


FORMS: dict[str, type[InlineOrder] | type[ParentOrder]] = {"inline": InlineOrder, "child": ParentOrder}


@dataclass(frozen=True)
class Cost:
    """Milliseconds for each order: on the clock, and of processor time in this process and the server together."""

    wall_ms: float
    cpu_ms: float


async def measure(orders: int, rounds: int) -> dict[str, object]:
    """Form by form in turn, so that both see the same neighbours; neighbours hardly touch processor time."""
    with tempfile.TemporaryDirectory() as home:
        program = await find_temporal(Path(home) / "bin")
        server = LocalTemporal(Path(home), program=program, in_memory=True, usual_ports=False)
        with server:
            await ensure_namespace(server.address)
            client = await connect(server.address, NAMESPACE)
            return await _rounds(client, orders, rounds)


async def _rounds(client: Client, orders: int, rounds: int) -> dict[str, object]:
    taken: dict[str, list[Cost]] = {form: [] for form in FORMS}
    async with AsyncExitStack() as workers:
        for queue in QUEUES:
            await workers.enter_async_context(_worker(client, queue))
        for form in FORMS:
            await _run(client, form, IN_FLIGHT)
        for _ in range(rounds):
            for form, each in taken.items():
                each.append(await _run(client, form, orders))
    return {"orders": orders, "rounds": rounds, **report(taken)}


def report(taken: Mapping[str, Sequence[Cost]]) -> dict[str, object]:
    """Medians of the rounds, and how many times the inline form a child costs."""
    told: dict[str, object] = {}
    for name in ("wall_ms", "cpu_ms"):
        of_form = {form: statistics.median(getattr(cost, name) for cost in costs) for form, costs in taken.items()}
        told[name] = {form: round(median, 1) for form, median in of_form.items()}
        told[f"{name}_ratio"] = round(of_form["child"] / of_form["inline"], 2)
    return told


async def _run(client: Client, form: str, orders: int) -> Cost:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with gate:
            await client.execute_workflow(FORMS[form].run, PAYLOAD, id=f"{form}/{uuid4()}", task_queue=ORDERS)

    started, used = time.monotonic(), _cpu_seconds()
    await asyncio.gather(*(one() for _ in range(orders)))
    each = 1000 / orders
    return Cost(wall_ms=(time.monotonic() - started) * each, cpu_ms=(_cpu_seconds() - used) * each)


def _cpu_seconds() -> float:
    return cpu.seconds({"all": os.getpid()})["all"]


def _worker(client: Client, queue: str) -> Worker:
    polling = PollerBehaviorAutoscaling(minimum=1, maximum=10, initial=2)
    return Worker(
        client,
        task_queue=queue,
        workflows=[InlineOrder, ParentOrder, NodeProcess] if queue == ORDERS else [],
        activities=[nothing_local if queue == ORDERS else nothing],
        workflow_task_poller_behavior=polling,
        activity_task_poller_behavior=polling,
        graceful_shutdown_timeout=timedelta(seconds=5),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fulfilment_form", description=__doc__)
    parser.add_argument("--orders", type=int, default=100, help="orders of each form in a round")
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many rounds counts")
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(measure(arguments.orders, arguments.rounds)), indent=2))
    return 0


if __name__ == "__main__":
    finish(main())
