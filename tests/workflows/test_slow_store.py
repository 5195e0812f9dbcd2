"""A store that answers late: what comes to an order meanwhile is heard, and a replay sees it all in the same order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import dropwhile

from sqlalchemy import text
from temporalio.api.enums.v1 import EventType

from models.messages import OrderState
from models.order import ChannelState
from store.database import Database
from tests.recorded import replay
from tests.workflows.acting import tell
from tests.workflows.parked_orders import until
from tests.workflows.world import Handle, World, an_order
from workflows.order import OrderWorkflow

HEARD = 25.0
"""Seconds: a workflow task with a quick write under way ends after eight, and only then a signal is delivered."""
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'order_transition'::regclass")


@asynccontextmanager
async def stopped(database: Database) -> AsyncIterator[None]:
    """Whoever records a transition waits until the end of this."""
    async with database.session() as session:
        await session.execute(text("LOCK TABLE order_transition IN ACCESS EXCLUSIVE MODE"))
        yield


async def waits_for_the_store(database: Database) -> bool:
    async with database.session() as session:
        return bool((await session.execute(WAITING)).scalar_one())


async def a_signal_is_delivered(handle: Handle) -> bool:
    kinds = [event.event_type for event in (await handle.fetch_history()).events]
    since = dropwhile(lambda kind: kind != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, kinds)
    return EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED in since


async def test_what_is_said_while_the_store_is_slow_is_heard_and_replays(world: World) -> None:
    order = an_order()
    async with stopped(world.database):
        handle = await world.start(order)
        await until(lambda: waits_for_the_store(world.database), 10, "the order to record that it is there")
        await tell(handle, order, state=ChannelState.CANCELLED)
        await until(lambda: a_signal_is_delivered(handle), HEARD, "the order to hear that it is cancelled")
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.erp.count("create_order") == 0
    await replay(await handle.fetch_history(), [OrderWorkflow])
