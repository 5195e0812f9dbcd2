"""Other goods for goods: one linked order, one entry in the ledger, and money only for a difference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from temporalio.service import RPCError, RPCStatusCode

from models.channel import RefundReason
from models.order import ChannelState, Order, OrderKey
from models.refunds import RefundState
from models.replacements import ExchangeLine, Replacement, ReplacementTask
from models.return_process import Exchange, opened_by
from models.returns import ReturnProcessState
from store import orders
from tests.workflows.returns_world import (
    a_sale,
    asked,
    claim_of,
    ledger,
    parcel,
    reaches,
    shipped,
    start_refund,
    start_return,
)
from tests.workflows.world import World, eur
from workflows import policy
from workflows.replacement import ReplacementWorkflow
from workflows.returns import ReturnWorkflow


@asynccontextmanager
async def ending(world: World, key: OrderKey) -> AsyncIterator[None]:
    """The linked order's own life is not what is looked at here; one that costs nothing may have come to its end."""
    yield
    try:
        await world.client.get_workflow_handle(key.workflow_id).terminate()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def replace(world: World, order: Order, *lines: ExchangeLine, number: int = 1) -> Replacement:
    task = ReplacementTask(
        order_key=order.key, number=number, correlation_id="c", lines=lines, reason=RefundReason.DAMAGED
    )
    return await world.client.execute_workflow(
        ReplacementWorkflow.run, task, id=f"{task.workflow_id}/{uuid4()}", task_queue=policy.ORDERS_QUEUE
    )


async def registered(world: World, key: OrderKey) -> Order:
    async with world.database.session() as session:
        row = await orders.get(session, key)
    assert row is not None
    return row.order()


def key_of(order: Order, number: int = 1) -> OrderKey:
    return order.key.model_copy(update={"external_id": f"{order.key.external_id}-X{number}"})


async def test_the_same_again_is_a_linked_order_of_nothing_started_once(world: World) -> None:
    order = await shipped(world, a_sale())
    async with ending(world, key_of(order)):
        first = await replace(world, order, ExchangeLine(line_id="1", quantity=1))
        again = await replace(world, order, ExchangeLine(line_id="1", quantity=1))
        assert (first.order_key, first.to_pay, again.order_key) == (key_of(order), None, key_of(order))
        sent = await registered(world, key_of(order))
        assert (sent.total, sent.replacement_of, sent.state) == (eur("0"), str(order.key), ChannelState.OPEN)
        [entry] = await ledger(world, order)
        assert (entry.state, entry.total, entry.paid) == (RefundState.DONE, eur("31.90"), eur("0"))
        assert world.channel.count("refund") == 0
        described = await world.client.get_workflow_handle(key_of(order).workflow_id).describe()
        assert described.workflow_type == "OrderWorkflow"


async def test_what_was_replaced_is_not_paid_as_well(world: World) -> None:
    order = await shipped(world, a_sale())
    async with ending(world, key_of(order)):
        await replace(world, order, ExchangeLine(line_id="1", quantity=3))
        refund = await (await start_refund(world, claim_of(order))).result()
        assert (refund.state, refund.refused) == (
            RefundState.REFUSED,
            "line 1: 1 units claimed, 0 may be refunded",
        )
    refused = await replace(world, order, ExchangeLine(line_id="1", quantity=1), number=2)
    assert (refused.order_key, refused.refund.state) == (None, RefundState.REFUSED)


async def test_a_cheaper_replacement_pays_the_difference_back_once(world: World) -> None:
    order = await shipped(world, a_sale())
    line = ExchangeLine(line_id="1", quantity=1, sku="BOTTLE", unit_price=eur("20.00"))
    async with ending(world, key_of(order)):
        for _ in range(2):
            done = await replace(world, order, line)
            assert (done.to_pay, done.refund.paid) == (None, eur("10.63"))
    [told] = [request for name, request in world.channel.done if name == "refund"]
    assert (told.total, told.lines[0].quantity) == (eur("10.63"), 0)


async def test_a_dearer_replacement_waits_for_the_buyers_money(world: World) -> None:
    order = await shipped(world, a_sale())
    line = ExchangeLine(line_id="1", quantity=1, sku="BOTTLE", unit_price=eur("50.00"))
    async with ending(world, key_of(order)):
        done = await replace(world, order, line)
        assert done.to_pay == eur("21.27")
        assert (await registered(world, key_of(order))).state is ChannelState.PENDING


async def test_a_return_may_be_exchanged_instead_of_paid(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, 2), "c"))
    await reaches(handle, ReturnProcessState.APPROVED)
    await handle.execute_update(ReturnWorkflow.exchange, Exchange(actor="anna"))
    async with ending(world, key_of(order)):
        await handle.signal(ReturnWorkflow.goods_received, parcel(MAT_FOAM__resell=2))
        done = await handle.result()
        assert (done.replacement, [each.paid for each in done.refunds]) == (key_of(order), [eur("0")])
        assert (await registered(world, key_of(order))).lines[0].quantity == 2
        assert done.history[-1].cause == f"refunded: nothing, replaced by {key_of(order)}"
