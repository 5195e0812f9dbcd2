"""What the demo's stories are made of: buy, wait, wish, decide, and what happens at the warehouse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from temporalio.common import WorkflowIDConflictPolicy

from capture.returns import tell
from cli.catalogue import map_sku
from cli.goods_in import book_arrival
from cli.returns import file_of
from cli.run import Run
from models.base import Model
from models.case import Action, CaseKind, ExceptionCase, Resolution
from models.catalogue import Component
from models.channel import RefundReason
from models.messages import CancelOutcome, CancelRequest, ChangeRequest, HoldRequest, OrderSnapshot, OrderState
from models.money import Money
from models.order import OrderKey
from models.refund_process import RefundTask, refund_id, refund_workflow_id
from models.refunds import RefundClaim
from models.replacements import ExchangeLine, ReplacementTask
from models.return_process import ReturnFile
from sandbox.wms_returns import PieceBack
from store import cases, orders, return_processes, stock
from store.tables import OrderRow
from workflows import policy
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow
from workflows.replacement import ReplacementWorkflow

PATIENCE = 280.0
LOOK_SECONDS = 0.4
ACTOR = "demo operator"
T = TypeVar("T")
Holds = Callable[[OrderSnapshot], object]


class StoryFailed(Exception):
    """What a story waited for never came."""


class Stage:
    """One run's stories act here; each order that a story bought is decided on by the story alone, until it lets go."""

    def __init__(self, run: Run) -> None:
        self.run = run

    # Buyers

    async def sell(self, channel: str, items: dict[str, int], **traits: bool) -> OrderKey:
        """A buyer orders; the key under which the order will be known."""
        return OrderKey.from_string(await self.run.sell(channel, {"items": items, **traits}))

    async def sell_alone(self, channel: str, items: dict[str, int], **traits: bool) -> OrderKey:
        """As `sell`, and the operator leaves its cases to the story."""
        key = await self.sell(channel, items, **traits)
        self.run.operator.left.add(key)
        return key

    def let_go(self, key: OrderKey) -> None:
        self.run.operator.left.discard(key)

    # Waiting

    async def row(self, key: OrderKey) -> OrderRow | None:
        async with self.run.database.session() as session:
            return await orders.get(session, key)

    async def see(self, key: OrderKey, holds: Holds, what: str) -> OrderSnapshot:
        """Wait until the order stands so. Raises `StoryFailed` saying how it stands instead."""

        async def look() -> OrderSnapshot | None:
            row = await self.row(key)
            snapshot = row.order_snapshot() if row else None
            return snapshot if snapshot and holds(snapshot) else None

        return await self._until(look, f"{key} never came to: {what}")

    async def shipped(self, key: OrderKey) -> OrderSnapshot:
        at_rest = (OrderState.SHIPPED, OrderState.SETTLED, OrderState.CLOSED)
        return await self.see(key, lambda seen: seen.state in at_rest, "shipped")

    async def ended(self, key: OrderKey) -> OrderSnapshot:
        final = (OrderState.CLOSED, OrderState.CANCELLED)
        return await self.see(key, lambda seen: seen.state in final, "its end")

    async def case(self, key: OrderKey, kind: CaseKind) -> ExceptionCase:
        async def look() -> ExceptionCase | None:
            async with self.run.database.session() as session:
                found = await cases.find(session, order_key=key, kind=kind)
            return found[0] if found else None

        return await self._until(look, f"{key} never had a case {kind}")

    async def dealt_with(self, key: OrderKey, kind: CaseKind) -> ExceptionCase:
        """A case that was opened, and has been decided."""

        async def look() -> ExceptionCase | None:
            async with self.run.database.session() as session:
                found = await cases.find(session, order_key=key, kind=kind, open_only=False)
            return next((case for case in found if case.resolved_at), None)

        return await self._until(look, f"{key} never had a case {kind} that was decided")

    async def returned(self, file: ReturnFile) -> ReturnFile:
        """Wait until a return has ended."""

        async def look() -> ReturnFile | None:
            async with self.run.database.session() as session:
                now = await return_processes.get(session, file.workflow_id)
            return now if now and now.ended else None

        return await self._until(look, f"return {file.return_id} never ended")

    async def _until(self, look: Callable[[], Awaitable[T | None]], problem: str) -> T:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if (found := await look()) is not None:
                return found
            await asyncio.sleep(LOOK_SECONDS)
        raise StoryFailed(problem)

    # Wishes and decisions

    async def cancel(self, key: OrderKey, units: dict[str, int], reason: str) -> CancelOutcome:
        outcome: CancelOutcome = await self._ask(key, "cancel", CancelRequest(reason=reason, actor=ACTOR, units=units))
        return outcome

    async def hold(self, key: OrderKey, reason: str) -> None:
        await self._ask(key, "hold", HoldRequest(reason=reason, actor=ACTOR))

    async def change(self, key: OrderKey, request: ChangeRequest) -> None:
        await self._ask(key, "change", request)

    async def _ask(self, key: OrderKey, update: str, request: Model) -> Any:
        handle = self.run.client.get_workflow_handle_for(OrderWorkflow.run, key.workflow_id)
        return await handle.execute_update(update, request, result_type=CancelOutcome if update == "cancel" else None)

    async def decide(self, case: ExceptionCase, action: Action, note: str) -> None:
        await self.run.operator.answer(case, Resolution(case_id=case.case_id, action=action, actor=ACTOR, note=note))

    # Catalogue, stock, warehouse

    async def list_as(
        self, channel: str, sku: str, item: str, *, floor: Money | None = None, day: datetime | None = None
    ) -> None:
        await map_sku(self.run.database, channel, sku, (Component(item=item),), floor=floor, available_from=day)

    async def deliver(self, item: str, node: str, units: int) -> None:
        """Goods arrive at a warehouse, and then in books and store."""
        await self.run.tell_sandbox("deliveries", {"item": item, "node": node, "quantity": units})
        if self.run.connections.erp.provider == "tryton":
            await book_arrival(self.run.connections.erp, item, node, units)
        async with self.run.database.session() as session:
            await stock.set_level(session, item, node, units)

    async def send_back(self, file: ReturnFile, *pieces: PieceBack) -> None:
        """The buyer's parcel arrives at the warehouse, and is inspected there."""
        body = {
            "rma": file.rma,
            "order_reference": str(file.order_key),
            "items": [each.model_dump() for each in pieces],
        }
        await self.run.tell_sandbox("returns", body)

    # Money and goods back

    async def request_return(self, key: OrderKey, units: dict[str, int], reason: str) -> ReturnFile:
        row = await self.row(key)
        assert row is not None
        file = file_of(key, str(row.correlation_id), units, reason, f"{key.external_id}-{len(reason)}")
        await tell(self.run.client, file)

        async def known() -> ReturnFile | None:
            async with self.run.database.session() as session:
                return await return_processes.get(session, file.workflow_id)

        return await self._until(known, f"return {file.return_id} never began")

    async def refund(self, key: OrderKey, name: str, reason: RefundReason, **claim: Any) -> str:
        """Pay back without a return; what was paid."""
        row = await self.row(key)
        assert row is not None
        wanted = RefundClaim(request_id=refund_id(key, name), order_key=key, reason=reason, actor=ACTOR, **claim)
        task = RefundTask(claim=wanted, correlation_id=str(row.correlation_id))
        made = await self.run.client.execute_workflow(
            RefundWorkflow.run,
            task,
            id=refund_workflow_id(wanted),
            task_queue=policy.ORDERS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"Refund of {key}: {reason}",
        )
        return f"{made.total} {made.state}"

    async def replace(self, key: OrderKey, line_id: str, reason: RefundReason) -> OrderKey:
        """The same goods again, without a price; the key of the order that sends them."""
        row = await self.row(key)
        assert row is not None
        task = ReplacementTask(
            order_key=key,
            number=1,
            correlation_id=str(row.correlation_id),
            lines=(ExchangeLine(line_id=line_id, quantity=1),),
            reason=reason,
            actor=ACTOR,
        )
        done = await self.run.client.execute_workflow(
            ReplacementWorkflow.run,
            task,
            id=task.workflow_id,
            task_queue=policy.ORDERS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"Replacement {task.replacement_key} for {key}",
        )
        if done.order_key is None:
            raise StoryFailed(f"{key} was not replaced: {done.refund.refused}")
        return done.order_key
