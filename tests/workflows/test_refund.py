"""A refund is paid, credited and taken off the tax once; whatever is refused is a case, whatever is lost is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from connectors.erp.rest import RestErp
from connectors.tax.avatax import AvaTax
from models.case import Action, CaseKind
from models.channel import Progress, RefundReason
from models.messages import OrderState
from models.refund_process import INTERNAL
from models.refunds import RefundState
from models.systems import ErpOrder
from sandbox.core import Sandbox as Twins
from sandbox.core import SandboxOptions
from sandbox.faults import Fault, FaultKind
from store.database import Database
from tests.systems.orders import connection, parcel
from tests.systems.running import Systems, free_socket, served
from tests.workflows.returns_world import (
    ChannelWithLostReplies,
    a_sale,
    case_of,
    claim_of,
    heard_by_the_order,
    ledger,
    resolve,
    shipped,
    start_refund,
)
from tests.workflows.world import World, eur, refused


async def test_a_refund_goes_from_the_ledger_to_the_channel_the_erp_the_tax_and_the_order(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await start_refund(world, claim_of(order))
    done = await handle.result()
    assert (done.state, done.total) == (RefundState.DONE, eur("31.90"))
    [(_, told)] = world.channel.done
    [asked] = told.lines
    assert (asked.quantity, asked.goods, asked.tax, told.total) == (1, eur("30.00"), eur("1.90"), eur("31.90"))
    [(_, note)] = world.erp.done
    assert (note.note_id, note.total) == (f"{order.key}#credit:R1", eur("31.90"))
    [(_, taxed)] = world.tax.done
    assert taxed.lines[0].goods.seller_tax == eur("1.90")
    assert [notice.template for _, notice in world.notifier.done] == ["refunded"]
    assert await ledger(world, order) == [done]
    assert await heard_by_the_order(world, order, 1) == ["refunded 31.90 EUR for {'1': 1}"]


@pytest.mark.parametrize("state", [OrderState.CLOSED, OrderState.CANCELLED])
async def test_an_order_that_has_ended_is_refunded_like_any_other(world: World, state: OrderState) -> None:
    order = await shipped(world, a_sale(), state)
    assert (await (await start_refund(world, claim_of(order))).result()).state is RefundState.DONE


async def test_what_was_not_paid_is_refused_and_nobody_is_told(world: World) -> None:
    order = await shipped(world, a_sale())
    result = await (await start_refund(world, claim_of(order, units={"1": 4}))).result()
    assert (result.state, result.refused) == (RefundState.REFUSED, "line 1: 4 units claimed, 3 may be refunded")
    unknown = await (await start_refund(world, claim_of(a_sale()))).result()
    assert "in the registry" in unknown.refused
    assert world.channel.done + world.erp.done + world.tax.done == []


async def test_refunds_that_race_pay_back_what_was_paid_and_no_more(world: World) -> None:
    order = await shipped(world, a_sale())
    handles = [await start_refund(world, claim_of(order, f"R{number}")) for number in range(6)]
    results = await asyncio.gather(*(handle.result() for handle in handles))
    assert sum(each.state is RefundState.DONE for each in results) == 3
    paid = [told.total for _, told in world.channel.done]
    assert sum(each.amount for each in paid) == order.total.amount


async def test_a_channel_that_takes_its_time_is_followed_to_the_real_result(world: World) -> None:
    world.channel.takes_its_time = True
    world.channel.results = [Progress(operation="refund", look_again=timedelta()), Progress()]
    order = await shipped(world, a_sale())
    assert (await (await start_refund(world, claim_of(order))).result()).state is RefundState.DONE
    assert world.channel.count("follow") == 2


async def test_a_refund_that_the_channel_declines_can_be_given_up_and_is_free_again(world: World) -> None:
    world.channel.will_fail("refund", refused("amount"))
    order = await shipped(world, a_sale())
    handle = await start_refund(world, claim_of(order, units={"1": 3}))
    case = await case_of(handle)
    assert (case.kind, case.step, case.allowed) == (
        CaseKind.REFUND_DECLINED,
        "refund_on_channel",
        (Action.RETRY, Action.SKIP, Action.CANCEL),
    )
    await resolve(handle, case, Action.CANCEL)
    assert (await handle.result()).state is RefundState.REFUSED
    assert world.erp.done == []
    again = await start_refund(world, claim_of(order, "R2", units={"1": 3}))
    assert (await again.result()).total == order.total


@pytest.mark.parametrize("step", ["post_credit_note", "tax"])
async def test_once_the_buyer_is_paid_a_refusal_of_the_books_is_retried_and_pays_nobody_twice(
    world: World, step: str
) -> None:
    system = world.erp if step == "post_credit_note" else world.tax
    system.will_fail("post_credit_note" if step == "post_credit_note" else "refund", refused("date"))
    order = await shipped(world, a_sale())
    handle = await start_refund(world, claim_of(order))
    case = await case_of(handle)
    assert Action.CANCEL not in case.allowed
    await resolve(handle, case, Action.RETRY)
    assert (await handle.result()).state is RefundState.DONE
    assert (len(world.channel.done), len(world.erp.done), len(world.tax.done)) == (1, 1, 1)


async def test_an_order_that_no_channel_knows_is_refunded_in_the_books_alone(world: World) -> None:
    order = await shipped(world, a_sale(extras={INTERNAL: "1"}))
    assert (await (await start_refund(world, claim_of(order))).result()).state is RefundState.DONE
    assert (world.channel.done, len(world.erp.done)) == ([], 1)


async def test_an_exchange_counts_in_the_ledger_and_moves_no_money(world: World) -> None:
    order = await shipped(world, a_sale())
    done = await (await start_refund(world, claim_of(order, exchange=True))).result()
    assert (done.state, done.total) == (RefundState.DONE, eur("31.90"))
    assert world.channel.done + world.erp.done + world.tax.done + world.notifier.done == []
    assert await heard_by_the_order(world, order, 1) == ["refunded 0.00 EUR for {'1': 1}"]


class Books:
    """An ERP and a tax engine that are spoken to over real HTTP, with the order in both."""

    def __init__(self, systems: Systems) -> None:
        self.systems = systems
        self.erp = RestErp(connection(systems.erp.connection()))
        self.tax = AvaTax(connection(systems.tax.connection()))

    async def know(self, order_request: ErpOrder) -> None:

        order = order_request.order
        await self.erp.create_order(order_request, retry=False)
        gone = parcel(units={line.line_id: line.quantity for line in order.lines})
        await self.erp.post_invoice(gone.model_copy(update={"order_key": order.key}), retry=False)
        await self.tax.quote(order, retry=False)


@pytest.fixture
async def books() -> AsyncIterator[Books]:
    listener = free_socket()
    systems = Systems(Twins(SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")))
    async with served(systems.routes, listener):
        books = Books(systems)
        yield books
        await books.erp.aclose()
        await books.tax.aclose()
    await systems.aclose()


@pytest.mark.parametrize("lost", ["channel", "erp.post_credit_note", "tax.create", "everything"])
async def test_a_reply_that_is_lost_after_success_doubles_nothing(
    temporal_client: Client, database: Database, books: Books, lost: str
) -> None:
    world = World(temporal_client, database)
    world.channel = channel = ChannelWithLostReplies(1 if lost in ("channel", "everything") else 0)
    world.erp, world.tax = books.erp, books.tax  # type: ignore[assignment]  # the real providers, to real twins
    async with world:
        order = await shipped(world, a_sale())
        await books.know(ErpOrder(order=order, components=(), seller_tax=order.totals.seller_tax))
        for operation in ("erp.post_credit_note", "tax.create"):
            if lost in (operation, "everything"):
                books.systems.sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=1))
        assert (await (await start_refund(world, claim_of(order))).result()).state is RefundState.DONE
    assert list(channel.known.values()) == [1]
    assert len(books.systems.effects("erp/credit_note_posted")) == 1
    assert len(books.systems.effects("tax/transaction_refunded")) == 1


async def test_a_process_that_was_killed_after_paying_is_started_again_and_pays_nothing(
    temporal_client: Client, database: Database
) -> None:
    world = World(temporal_client, database)
    world.channel = channel = ChannelWithLostReplies(0)
    async with world:
        held = world.erp.hold("post_credit_note")
        order = await shipped(world, a_sale())
        handle = await start_refund(world, claim_of(order, reason=RefundReason.GOODWILL))
        await world.wait_for(lambda: "post_credit_note" in world.erp.entered)
        await handle.terminate("killed")
        held.set()
        again = await start_refund(world, claim_of(order))
        assert (await again.result()).state is RefundState.DONE
    assert list(channel.known.values()) == [1]
    assert channel.looked == [False, True]
