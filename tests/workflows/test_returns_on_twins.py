"""Refunds and returns on the real providers, over HTTP to the twins: replies are lost, processes are killed, nothing is
done twice, and the channel, the ERP, the tax engine and our ledger agree to the cent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self

import pytest
from temporalio.client import Client

from connectors.erp.rest import RestErp
from connectors.providers import Connectors
from connectors.storefront.format import StorefrontFormat
from connectors.tax.avatax import AvaTax
from models.catalogue import Component, ListingMap, explode
from models.order import Order
from models.refunds import RefundState
from models.return_process import opened_by
from models.returns import ChannelReturn, ReturnProcessState
from models.systems import Condition, ErpOrder, ReturnedItem, ReturnReceipt
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from sandbox.goods import LISTINGS
from store import catalogue
from store.database import Database
from tests.storefront.shop import Shop
from tests.storefront.test_storefront_client import parcel
from tests.systems.orders import connection
from tests.systems.orders import parcel as invoiced
from tests.systems.running import Systems, free_socket, served
from tests.workflows.returns_world import ReturnHandle, claim_of, ledger, reaches, shipped, start_refund, start_return
from tests.workflows.world import LONG_AGO, World
from worker import Queues

MAT = LISTINGS[2]
LISTING = ListingMap(
    channel="storefront", account="*", sku=MAT.sku, valid_from=LONG_AGO, components=(Component(item="MAT-FOAM"),)
)
WRITES = {
    "accept": "storefront.decide_return",
    "receive": "storefront.decide_return",
    "refund": "storefront.decide_return",
    "goods": "erp.receive_return",
    "credit": "erp.post_credit_note",
    "tax": "tax.create",
}


class Shops(World):
    """The storefront, the ERP and the tax engine as providers that speak to twins."""

    def __init__(self, client: Client, database: Database, systems: Systems, shop: Shop) -> None:
        super().__init__(client, database)
        self.systems, self.shop = systems, shop
        self.books = RestErp(connection(systems.erp.connection()))
        self.taxes = AvaTax(connection(systems.tax.connection()))

    async def __aenter__(self) -> Self:
        providers = Connectors(
            channels={("storefront", "shop"): self.shop.channel()},
            erp=self.books,
            wms=self.wms,
            tax=self.taxes,
            fraud=self.fraud,
            notifier=self.notifier,
            policies={},
        )
        self.queues = Queues(providers, self.database)
        for queue in self.queues.activities:
            await self._running.enter_async_context(self.queues.worker(self.client, queue))
        async with self.database.session() as session:
            await catalogue.put_listing(session, LISTING)
        return self

    async def sale(self) -> tuple[Order, ChannelReturn]:
        """Three mats that were shipped, invoiced and taxed, and of which the buyer wants to send one back."""
        order_id = self.shop.sell(1, (MAT, 3), returns=True)
        order = self.shop.order(order_id)
        [line] = order.lines
        await self.shop.channel().confirm(parcel(order, {line.line_id: 3}), retry=False)
        order = self.shop.order(order_id).model_copy(update={"purchased_at": datetime.now(UTC)})
        await shipped(self, order)
        await self.books.create_order(
            ErpOrder(order=order, components=explode(line, LISTING), seller_tax=order.totals.seller_tax), retry=False
        )
        gone = invoiced(units={line.line_id: 3}).model_copy(update={"order_key": order.key})
        await self.books.post_invoice(gone, retry=False)
        await self.taxes.quote(order, retry=False)
        return order, await self.wish(order)

    async def wish(self, order: Order) -> ChannelReturn:
        channel = self.shop.channel()
        while True:
            page = await channel.returns(None)
            for each in page.returns:
                [told] = StorefrontFormat().parse_returns(each.body, "shop").returns
                if told.order_key == order.key:
                    soon = {"requested_at": datetime.now(UTC) - timedelta(days=1)}
                    return told.model_copy(update=soon)

    def paid_by_the_shop(self, order: Order) -> Decimal:
        refunds = self.shop.document(order.key.external_id).get("refunds") or ()
        return sum((Decimal(each["amount"]) for each in refunds), Decimal(0))


@pytest.fixture
async def world(temporal_client: Client, database: Database) -> AsyncIterator[Shops]:
    async with AsyncExitStack() as stack:
        listener = free_socket()
        systems = Systems(Sandbox(SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")))
        stack.push_async_callback(systems.aclose)
        await stack.enter_async_context(served(systems.routes, listener))
        shop = Shop()
        stack.push_async_callback(shop.aclose)
        world = await stack.enter_async_context(Shops(temporal_client, database, systems, shop))
        stack.push_async_callback(world.books.aclose)
        stack.push_async_callback(world.taxes.aclose)
        yield world


def back(order: Order, receipt_id: str = "B1") -> ReturnReceipt:
    item = ReturnedItem(item="MAT-FOAM", quantity=1, condition=Condition.RESELL)
    return ReturnReceipt(
        receipt_id=receipt_id, correlation_id="c", node="BER-1", received_at=datetime.now(UTC), items=(item,)
    )


async def returned(world: Shops, order: Order, told: ChannelReturn) -> ReturnHandle:
    handle = await start_return(world, opened_by(told, "c"), ("goods_received", back(order)))
    done = await handle.result()
    assert (done.state, [each.state for each in done.refunds]) == (ReturnProcessState.CLOSED, [RefundState.DONE])
    return handle


async def check(world: Shops, order: Order) -> None:
    """Each effect is there once, and everybody has the same amount."""
    [refund] = await ledger(world, order)
    assert world.paid_by_the_shop(order) == refund.paid.amount
    [credit] = world.systems.effects("erp/credit_note_posted")
    assert Decimal(credit["detail"]["total"]) == refund.paid.amount
    assert len(world.systems.effects("erp/return_received")) == 1
    assert len(world.systems.effects("tax/transaction_refunded")) == (1 if refund.seller_tax else 0)
    decided = [entry["detail"]["action"] for entry in world.shop.effects("return_decided")]
    assert decided == ["accept", "receive", "refund"]
    assert await world.free("MAT-FOAM") == 1


async def test_the_channel_the_books_and_the_ledger_agree_to_the_cent(world: Shops) -> None:
    order, told = await world.sale()
    await returned(world, order, told)
    await check(world, order)


@pytest.mark.parametrize("write", WRITES)
async def test_a_reply_that_is_lost_after_success_doubles_nothing(world: Shops, write: str) -> None:
    order, told = await world.sale()
    operation = WRITES[write]
    if operation.startswith("storefront."):
        key = f'"{write}"'
        world.shop.sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=1, key=key))
    else:
        world.systems.sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=1))
    await returned(world, order, told)
    await check(world, order)
    sandbox = world.shop.sandbox if operation.startswith("storefront.") else world.systems.sandbox
    assert sandbox.calls[f"{operation} lost"] == 1


async def test_every_reply_lost_at_once_doubles_nothing(world: Shops) -> None:
    order, told = await world.sale()
    for operation in set(WRITES.values()):
        sandbox = world.shop.sandbox if operation.startswith("storefront.") else world.systems.sandbox
        sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=3))
    await returned(world, order, told)
    await check(world, order)


async def test_a_return_that_is_told_again_after_its_end_is_not_paid_again(world: Shops) -> None:
    order, told = await world.sale()
    handle = await returned(world, order, told)
    file = await handle.result()
    again = await start_return(world, file, ("channel_told", told), ("goods_received", back(order)))
    assert (await again.result()).refunds == file.refunds
    await check(world, order)


async def test_goodwill_and_a_return_together_never_pay_more_than_was_paid(world: Shops) -> None:
    order, told = await world.sale()
    [line] = order.lines
    given = await (await start_refund(world, claim_of(order, units={line.line_id: 2}, shipping=True))).result()
    assert given.state is RefundState.DONE
    handle = await start_return(world, opened_by(told, "c"), ("goods_received", back(order)))
    await reaches(handle, ReturnProcessState.CLOSED)
    rest = await (await start_refund(world, claim_of(order, "rest", units={}, shipping=True))).result()
    refunds = await ledger(world, order)
    total = sum((each.paid.amount for each in refunds if each.state is RefundState.DONE), Decimal(0))
    assert total == world.paid_by_the_shop(order) == order.total.amount
    assert (rest.state, "nothing left to pay back" in rest.refused) == (RefundState.REFUSED, True)
