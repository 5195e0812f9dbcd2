"""The registry knows every order once, and shows where it stands."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.messages import OrderSnapshot, OrderState, Transition
from models.order import Buyer, Order
from models.quantities import LineQuantities, QuantityLedger
from store import inbox, orders
from store.database import Database
from store.tables import OrderRow
from tests.store.examples import NOON, a_key, an_event, an_order


def a_snapshot(state: OrderState, number: int = 1, **more: Any) -> OrderSnapshot:
    ledger = QuantityLedger(lines={"L1": LineQuantities.ordered_as(1)})
    return OrderSnapshot.model_validate({"key": a_key(number), "state": state, "quantities": ledger, **more})


def a_transition(state: OrderState, minutes: int = 0, cause: str = "test") -> Transition:
    return Transition(at=NOON + timedelta(minutes=minutes), state=state, cause=cause)


async def registered(database: Database, *more: Order) -> None:
    async with database.session() as session:
        for order in more or (an_order(),):
            await orders.register(session, order, 1)


async def row(database: Database, number: int = 1) -> OrderRow:
    async with database.session() as session:
        found = await orders.get(session, a_key(number))
    assert found is not None
    return found


async def test_an_order_is_registered_once_and_comes_back_as_it_was(database: Database) -> None:
    order = an_order(correlation_id=uuid4(), ship_by=NOON, extras={"note": "ü\x00\\"})
    await registered(database, order, an_order(version=NOON + timedelta(days=1)))
    found = await row(database)
    assert found.order() == order.model_copy(update={"extras": {"note": "ü\ufffd\\"}})
    assert found.workflow_id == "order/amazon/EU/1"
    assert (found.state, found.delivered_version, found.order_snapshot()) == ("received", None, None)
    assert (found.correlation_id, found.ship_by, found.total) == (order.correlation_id, NOON, order.total.amount)


async def test_whoever_registers_an_order_second_waits_for_the_first(database: Database) -> None:
    async def deliver() -> bool:
        async with database.session() as session:
            known = await orders.register(session, an_order(), 1)
            first = known.delivered_version is None
            await orders.delivered(session, a_key(), an_order())
            return first

    assert sum(await asyncio.gather(*(deliver() for _ in range(20)))) == 1


async def test_an_older_version_is_never_handed_over_after_a_newer_one(database: Database) -> None:
    await registered(database)
    newer = an_order(version=NOON + timedelta(hours=1), buyer=Buyer(name="Ada"), raw_event_id=7)
    async with database.session() as session:
        assert await orders.delivered(session, a_key(), newer, mapping_version=2)
        assert not await orders.delivered(session, a_key(), an_order())
        assert await orders.delivered(session, a_key(), newer)
    found = await row(database)
    assert found.order() == newer
    assert (found.delivered_version, found.mapping_version, found.raw_event_id) == (newer.version, 2, 7)


async def test_what_the_workflow_says_is_projected_and_its_history_kept_once(database: Database) -> None:
    await registered(database)
    history = [(1, a_transition(OrderState.RECEIVED)), (2, a_transition(OrderState.RELEASED, 5, "ü\x00"))]
    snapshot = a_snapshot(OrderState.RELEASED, released_at=NOON + timedelta(minutes=5))
    for _ in range(2):
        async with database.session() as session:
            await orders.record(session, snapshot, history)
    found = await row(database)
    assert found.order_snapshot() == snapshot
    assert (found.state, found.released_at, found.closed_at) == ("released", snapshot.released_at, None)
    async with database.session() as session:
        kept = await orders.transitions(session, a_key())
    assert kept == [history[0], (2, a_transition(OrderState.RELEASED, 5, "ü\ufffd"))]


async def test_a_late_report_adds_to_the_history_but_does_not_turn_the_order_back(database: Database) -> None:
    await registered(database)
    closed = a_transition(OrderState.CLOSED, 9)
    async with database.session() as session:
        await orders.record(session, a_snapshot(OrderState.CLOSED), [(3, closed)])
        await orders.record(session, a_snapshot(OrderState.SHIPPED), [(2, a_transition(OrderState.SHIPPED, 8))])
        assert [number for number, _ in await orders.transitions(session, a_key())] == [2, 3]
    found = await row(database)
    assert (found.state, found.closed_at, found.last_transition) == ("closed", closed.at, 3)


async def test_a_report_without_transitions_updates_the_snapshot(database: Database) -> None:
    await registered(database)
    async with database.session() as session:
        await orders.record(session, a_snapshot(OrderState.ACCEPTED), [(1, a_transition(OrderState.ACCEPTED))])
        await orders.record(session, a_snapshot(OrderState.ACCEPTED, erp_order="SO-1"), [])
    snapshot = (await row(database)).order_snapshot()
    assert snapshot is not None
    assert snapshot.erp_order == "SO-1"


async def test_nothing_is_recorded_of_an_order_that_the_registry_does_not_know(database: Database) -> None:
    async with database.session() as session:
        with pytest.raises(orders.UnknownOrder, match="amazon/EU/1"):
            await orders.record(session, a_snapshot(OrderState.ACCEPTED), [(1, a_transition(OrderState.ACCEPTED))])
        assert await orders.get(session, a_key()) is None


@pytest.mark.parametrize("statement", ["UPDATE order_transition SET cause = 'another'", "DELETE FROM order_transition"])
async def test_the_database_refuses_to_change_history(database: Database, statement: str) -> None:
    await registered(database)
    async with database.session() as session:
        await orders.record(session, a_snapshot(OrderState.ACCEPTED), [(1, a_transition(OrderState.ACCEPTED))])
    async with database.session() as session:
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(text(statement))
        await session.rollback()


@pytest.mark.parametrize("state", OrderState)
async def test_every_state_of_the_vocabulary_can_be_kept(database: Database, state: OrderState) -> None:
    await registered(database)
    async with database.session() as session:
        await orders.record(session, a_snapshot(state), [(1, a_transition(state))])
        assert await orders.counts_by_state(session) == {state: 1}


async def test_orders_are_found_and_counted_by_state_and_channel(database: Database) -> None:
    elsewhere = an_order(key=a_key().model_copy(update={"channel": "shopify"}))
    await registered(database, an_order(1), an_order(2), elsewhere)
    async with database.session() as session:
        await orders.record(session, a_snapshot(OrderState.SHIPPED), [(1, a_transition(OrderState.SHIPPED))])
    async with database.session() as session:
        assert await orders.counts_by_state(session) == {"received": 2, "shipped": 1}
        assert await orders.counts_by_channel_and_state(session) == {
            ("amazon", "received"): 1,
            ("amazon", "shipped"): 1,
            ("shopify", "received"): 1,
        }
        assert [found.external_id for found in await orders.find(session, state=OrderState.SHIPPED)] == ["1"]
        assert [found.order_key for found in await orders.find(session, channel="shopify")] == ["shopify/EU/1"]
        assert len(await orders.find(session, limit=2)) == 2


async def test_release_latency_counts_from_the_earliest_event_of_the_order(database: Database) -> None:
    async with database.session() as session:
        late = await inbox.keep(session, an_event("late", received_at=NOON + timedelta(seconds=60)))
        early = await inbox.keep(session, an_event("early", received_at=NOON))
    await registered(database, an_order(raw_event_id=late), an_order(raw_event_id=early), an_order(2))
    released = NOON + timedelta(seconds=61.5)
    async with database.session() as session:
        await orders.record(session, a_snapshot(OrderState.RELEASED, released_at=released), [])
    async with database.session() as session:
        assert await orders.release_latencies(session) == [61.5]
        assert await orders.release_latencies(session, since=NOON) == [61.5]
        assert await orders.release_latencies(session, since=released + timedelta(seconds=1)) == []
