"""An order may be quicker than the transaction that registers it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.record import Milestone, RecordActivities
from models.life import OrderLife
from models.messages import OrderSnapshot, OrderState
from store import orders
from store.database import Database
from tests.workflows.world import an_order


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


async def test_a_milestone_of_an_order_that_is_not_registered_yet_is_tried_again_at_once(database: Database) -> None:
    order = an_order()
    snapshot = OrderSnapshot(
        key=order.key, state=OrderState.ACCEPTED, quantities=OrderLife.of(order).goods.quantities()
    )
    record = RecordActivities(database).record
    with pytest.raises(ApplicationError, match="register it") as refusal:
        await ActivityEnvironment().run(record, Milestone(snapshot=snapshot))
    assert not refusal.value.non_retryable
    assert refusal.value.next_retry_delay is not None
    assert refusal.value.next_retry_delay < timedelta(seconds=1)

    async with database.session() as session:
        await orders.register(session, order, 1)
    await ActivityEnvironment().run(record, Milestone(snapshot=snapshot))
    async with database.session() as session:
        kept = await orders.get(session, order.key)
    assert kept is not None
    assert kept.state == "accepted"
