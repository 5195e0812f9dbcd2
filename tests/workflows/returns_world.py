"""Orders that were shipped, their refunds and returns, and a tiny order process that hears of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from capture.deliveries import Deliveries
from capture.relay import Relay
from connectors.errors import InDoubt
from connectors.providers import FORMATS
from models.case import Action, ExceptionCase, Resolution
from models.channel import Progress, RefundReason, RefundRequest, ReturnDecision
from models.messages import OrderSnapshot, OrderState, RefundCounted, ReturnCounted, ShipmentRecord, Transition
from models.order import Order
from models.quantities import LineQuantities, QuantityLedger
from models.refund_process import RefundProgress, RefundTask, refund_id, refund_workflow_id
from models.refunds import Refund, RefundClaim
from models.return_process import ReturnFile
from models.returns import ChannelReturn, ReturnLine, ReturnProcessState, ReturnState
from models.systems import Condition, ReturnedItem, ReturnReceipt
from store import orders, refunds
from tests.workflows.world import PURCHASED, ChannelSide, World, an_order, line, taxed
from workflows import policy
from workflows.refund import RefundWorkflow
from workflows.returns import ReturnWorkflow

RefundHandle = WorkflowHandle[RefundWorkflow, Refund]
ReturnHandle = WorkflowHandle[ReturnWorkflow, ReturnFile]
T = TypeVar("T")


def a_sale(**changes: Any) -> Order:
    """Three mats at 30.00 with 5.70 of seller's tax on top: 95.70 EUR."""
    return an_order(taxed(line("1", "MAT", 3, "30.00"), "5.70"), **changes)


class ChannelWithLostReplies(ChannelSide):
    """Knows each request by its id, as a channel does: a reply is lost, and the retry finds what was done."""

    def __init__(self, lost: int = 1) -> None:
        super().__init__()
        self.lost = lost
        self.known: dict[str, int] = {}
        self.looked: list[bool] = []

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        return await self._once(f"refund {request.request_id}", request, retry)

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        return await self._once(f"{decision.action} {decision.request_id}", decision, retry)

    async def _once(self, name: str, subject: object, retry: bool) -> Progress:
        self.looked.append(retry)
        if retry and name in self.known:
            return Progress()
        await self._do(name.partition(" ")[0], subject)
        self.known[name] = self.known.get(name, 0) + 1
        if self.lost:
            self.lost -= 1
            raise InDoubt(f"{name}: the reply was lost")
        return Progress()


async def shipped(world: World, order: Order, state: OrderState = OrderState.SHIPPED, **counts: int) -> Order:
    """Register an order as its process leaves it once everything has left; nothing of that process runs."""
    lines = {
        each.line_id: LineQuantities.model_validate({"ordered": each.quantity, "open": 0, "shipped": each.quantity})
        for each in order.lines
    }
    left = ShipmentRecord(
        shipment_id="P-1",
        node="BER-1",
        carrier="DHL",
        tracking="T",
        shipped_at=PURCHASED + timedelta(days=1),
        units={each.line_id: each.quantity for each in order.lines},
        confirmed=True,
    )
    snapshot = OrderSnapshot(key=order.key, state=state, quantities=QuantityLedger(lines=lines), shipments=(left,))
    moment = Transition(at=PURCHASED, state=state, cause="test", actor="test", authority="test")
    async with world.database.session() as session:
        await orders.register(session, order, 1)
        await orders.record(session, snapshot, [(1, moment)])
    return order


def claim_of(order: Order, name: str = "R1", **claim: Any) -> RefundClaim:
    fields = {"reason": RefundReason.GOODWILL, "units": {"1": 1}, **claim}
    return RefundClaim.model_validate({"request_id": refund_id(order.key, name), "order_key": order.key, **fields})


async def start_refund(world: World, claim: RefundClaim) -> RefundHandle:
    task = RefundTask(claim=claim, correlation_id="c")
    return await world.client.start_workflow(
        RefundWorkflow.run, task, id=refund_workflow_id(claim), task_queue=policy.ORDERS_QUEUE
    )


async def until(handle: WorkflowHandle[Any, Any], holds: Callable[[T], object], query: Callable[[Any], T]) -> T:
    """Ask a workflow until the condition holds; fails with what was seen last."""
    seen: T = await handle.query(query)
    for _ in range(3000):
        if holds(seen):
            return seen
        seen = await handle.query(query)
    raise AssertionError(f"never came to hold; last seen: {seen!r}")


async def case_of(handle: RefundHandle) -> ExceptionCase:
    def is_open(progress: RefundProgress) -> bool:
        return progress.case is not None

    case = (await until(handle, is_open, RefundWorkflow.snapshot)).case
    assert case is not None
    return case


async def resolve(handle: WorkflowHandle[Any, Any], case: ExceptionCase, action: Action) -> None:
    await handle.execute_update("resolve", Resolution(case_id=case.case_id, action=action, actor="anna"))


async def ledger(world: World, order: Order) -> list[Refund]:
    async with world.database.session() as session:
        return await refunds.of_order(session, order.key)


@workflow.defn(name="OrderWorkflow", sandboxed=False)
class Listener:
    """Stands for an order's process: hears what came back and what was paid back."""

    def __init__(self) -> None:
        self._heard: list[str] = []

    @workflow.run
    async def run(self, messages: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self._heard) >= messages)
        return self._heard

    @workflow.signal
    def refund_counted(self, counted: RefundCounted) -> None:
        self._heard.append(f"refunded {counted.total} for {counted.units}")

    @workflow.signal
    def goods_returned(self, counted: ReturnCounted) -> None:
        self._heard.append(f"back {counted.units}")


async def heard_by_the_order(world: World, order: Order, messages: int) -> list[str]:
    """What the order's own process is told by the relay."""
    queue = "listeners"
    async with Worker(world.client, task_queue=queue, workflows=[Listener]):
        handle = await world.client.start_workflow(Listener.run, messages, id=order.key.workflow_id, task_queue=queue)
        relay = Relay(world.database, world.client, Deliveries(world.client, FORMATS))
        while await relay.deliver_due():
            continue
        return await handle.result()


def asked(order: Order, units: int = 1, state: ReturnState = ReturnState.REQUESTED, **more: Any) -> ChannelReturn:
    """The channel says that units of the order's first line are to come back, five days after they left."""
    fields: dict[str, Any] = {
        "return_id": f"RT-{order.key.external_id}",
        "order_key": order.key,
        "version": PURCHASED + timedelta(days=6),
        "state": state,
        "rma": "RMA-1",
        "lines": (ReturnLine(return_line_id="a", line_id="1", quantity=units, reason="too small"),),
        "requested_at": PURCHASED + timedelta(days=6),
    }
    return ChannelReturn(**{**fields, **more})


def parcel(receipt_id: str = "B1", **items: int) -> ReturnReceipt:
    """`MAT_FOAM__resell=1`: one MAT-FOAM that can be sold again."""
    found = [(name, *name.split("__")) for name in items]
    return ReturnReceipt(
        receipt_id=receipt_id,
        correlation_id="c",
        node="BER-1",
        received_at=PURCHASED + timedelta(days=9),
        items=tuple(
            ReturnedItem(item=item.replace("_", "-"), quantity=items[name], condition=Condition(condition))
            for name, item, condition in found
        ),
    )


async def start_return(world: World, file: ReturnFile, *signals: tuple[str, Any]) -> ReturnHandle:
    handle = await world.client.start_workflow(
        ReturnWorkflow.run, file, id=file.workflow_id, task_queue=policy.ORDERS_QUEUE
    )
    for name, argument in signals:
        await handle.signal(name, argument)
    return handle


async def reaches(handle: ReturnHandle, state: ReturnProcessState) -> ReturnFile:
    def there(file: ReturnFile) -> bool:
        return file.state is state

    return await until(handle, there, ReturnWorkflow.snapshot)


async def return_case(handle: ReturnHandle) -> ExceptionCase:
    def is_open(file: ReturnFile) -> bool:
        return file.case is not None

    case = (await until(handle, is_open, ReturnWorkflow.snapshot)).case
    assert case is not None
    return case


def states(file: ReturnFile) -> list[str]:
    return [event.state.value for event in file.history]
