"""An order may be quicker than the transaction that registers it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.record import Milestone, RecordActivities
from models.life import OrderLife
from models.messages import OrderSnapshot, OrderState
from models.order import Order
from store import orders
from store.database import Database
from tests.workflows.world import an_order


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture
def order() -> Order:
    return an_order()


@pytest.fixture
def milestone(order: Order) -> Milestone:
    quantities = OrderLife.of(order).goods.quantities()
    return Milestone(snapshot=OrderSnapshot(key=order.key, state=OrderState.ACCEPTED, quantities=quantities))


async def test_a_milestone_waits_for_the_transaction_that_registers_its_order(
    database: Database, order: Order, milestone: Milestone
) -> None:
    async with database.session() as registering:
        await orders.register(registering, order, 1)
        recording = asyncio.create_task(ActivityEnvironment().run(RecordActivities(database).record, milestone))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(recording), 0.2)
    await recording
    async with database.session() as session:
        kept = await orders.get(session, order.key)
    assert kept is not None
    assert kept.state == "accepted"


async def test_a_milestone_of_an_order_that_is_not_registered_is_tried_again_at_the_pace_of_all_failures(
    database: Database, milestone: Milestone
) -> None:
    # Attempts at a pace of their own made the pause after the store's next failure two minutes long.
    with pytest.raises(ApplicationError, match="register it") as refusal:
        await ActivityEnvironment().run(RecordActivities(database).record, milestone)
    assert not refusal.value.non_retryable
    assert refusal.value.next_retry_delay is None
