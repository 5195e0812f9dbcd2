"""Who waits for stock is told in turn, no more than it can serve and nobody forgotten."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models.fulfilment import Allocation, HeldPick, Shortfall, ShortfallKind
from models.systems import Condition, ReturnedItem, ReturnReceipt
from store import outbox, reservations, stock, waiting
from store.database import Database
from tests.store.examples import NOON, a_key, a_pick, a_request
from tests.store.test_stock import levels, supply


async def ask(database: Database, number: int, decision: int = 1, **wanted: Any) -> Allocation:
    """`TENT=2, partial=True`: two tents, or what there is of them."""
    more = {name: wanted.pop(name) for name in ("partial", "excluded") if name in wanted}
    picks = [a_pick(item, units) for item, units in wanted.items()]
    asked = a_request(*picks, number=number, decision=decision, waiting_id=f"order/{number}", **more)
    async with database.session() as session:
        return await reservations.reserve(session, asked)


async def told(database: Database) -> list[tuple[str, str]]:
    """(workflow, item) of the messages since the last look, in turn."""
    async with database.session() as session:
        messages = await outbox.claim(session, 1000)
        for message in messages:
            await outbox.delivered(session, message.id)
    assert {message.message for message in messages} <= {waiting.STOCK_ARRIVED}
    return [(message.workflow_id, message.payload["item"]) for message in messages]


async def waits(database: Database) -> list[tuple[str, str]]:
    async with database.session() as session:
        return [(row.workflow_id, row.item) for row in await waiting.waiting(session)]


async def give_back(database: Database, number: int) -> int:
    async with database.session() as session:
        return await reservations.give_back(session, a_key(number))


async def test_orders_are_told_in_the_order_in_which_they_began_to_wait_as_far_as_stock_goes(
    database: Database,
) -> None:
    for number in (3, 1, 2):
        await ask(database, number, TENT=2)
    assert await told(database) == []
    await supply(database, TENT_A=5)
    assert await told(database) == [("order/3", "TENT"), ("order/1", "TENT")]
    await supply(database, TENT_A=5, MAT_A=9)
    assert await told(database) == []
    await supply(database, TENT_A=6)
    assert await told(database) == [("order/2", "TENT")]


async def test_one_that_can_be_served_is_not_kept_waiting_by_a_larger_one_before_it(database: Database) -> None:
    await ask(database, 1, TENT=5)
    await ask(database, 2, TENT=1)
    await ask(database, 3, TENT=5, partial=True)
    await supply(database, TENT_A=2)
    assert await told(database) == [("order/2", "TENT"), ("order/3", "TENT")]
    await supply(database, TENT_A=8)
    assert await told(database) == [("order/1", "TENT")]


async def test_who_asks_again_in_vain_keeps_his_place_and_who_is_served_leaves_the_list(database: Database) -> None:
    await ask(database, 1, TENT=2)
    await ask(database, 2, TENT=2)
    await supply(database, TENT_A=2)
    assert await told(database) == [("order/1", "TENT")]
    await ask(database, 9, TENT=1)
    assert (await ask(database, 1, 2, TENT=2)).short
    assert await waits(database) == [("order/1", "TENT"), ("order/2", "TENT")]
    await supply(database, TENT_A=3)
    assert await told(database) == [("order/1", "TENT")]
    assert (await ask(database, 1, 3, TENT=2)).nodes
    assert await waits(database) == [("order/2", "TENT")]


async def test_what_a_told_order_leaves_is_told_to_the_next(database: Database) -> None:
    await ask(database, 1, TENT=2)
    await ask(database, 2, TENT=1)
    await supply(database, TENT_A=2)
    assert await told(database) == [("order/1", "TENT")]
    await ask(database, 1, 2, TENT=1)
    assert await told(database) == [("order/2", "TENT")]


async def test_an_order_that_gives_up_leaves_the_list_and_what_it_was_told_of_goes_to_the_next(
    database: Database,
) -> None:
    await ask(database, 1, TENT=1)
    await ask(database, 2, TENT=1)
    await supply(database, TENT_A=1)
    assert await told(database) == [("order/1", "TENT")]
    assert await give_back(database, 1) == 0
    assert await told(database) == [("order/2", "TENT")]


async def test_an_order_that_was_told_and_stays_silent_is_told_again_after_a_while(database: Database) -> None:
    await ask(database, 1, TENT=1)
    await supply(database, TENT_A=1)
    assert await told(database) == [("order/1", "TENT")]
    await supply(database, TENT_A=2)
    assert await told(database) == []
    async with database.session() as session:
        await session.execute(text("UPDATE stock_wait SET told_at = told_at - interval '16 minutes'"))
    await supply(database, TENT_A=3)
    assert await told(database) == [("order/1", "TENT")]


async def test_an_order_of_two_short_items_is_told_when_both_are_there(database: Database) -> None:
    await ask(database, 1, TENT=1, MAT=1)
    await supply(database, TENT_A=1)
    assert await told(database) == []
    await supply(database, MAT_B=1)
    assert await told(database) == [("order/1", "MAT")]


async def test_an_order_that_got_a_part_waits_for_the_rest_alone(database: Database) -> None:
    await supply(database, TENT_A=3)
    made = await ask(database, 1, TENT=5, partial=True)
    assert made.short == (a_pick("TENT", 2),)
    await ask(database, 2, TENT=1)
    await supply(database, TENT_A=6)
    assert await told(database) == [("order/1", "TENT"), ("order/2", "TENT")]
    await ask(database, 1, 2, TENT=2, partial=True)
    await ask(database, 2, 2, TENT=1)
    assert await levels(database) == {"TENT_A": (6, 6)}
    assert await waits(database) == []


async def test_a_node_that_an_order_excludes_does_not_wake_it(database: Database) -> None:
    await ask(database, 1, TENT=1, excluded={"A": "rejected"})
    await supply(database, TENT_A=5)
    assert await told(database) == []
    await supply(database, TENT_B=1)
    assert await told(database) == [("order/1", "TENT")]


async def test_whatever_makes_stock_available_tells(database: Database) -> None:
    await supply(database, TENT_A=4)
    await ask(database, 1, TENT=4)
    for number in (2, 3, 4, 5):
        await ask(database, number, TENT=1)
    async with database.session() as session:
        freed = await reservations.keep(session, a_key(1), [HeldPick(node="A", item="TENT", quantity=3)])
    assert (freed, await told(database)) == (1, [("order/2", "TENT")])
    rejected = Shortfall(
        report_id="R-1",
        fulfilment_id="F",
        node="A",
        kind=ShortfallKind.REJECTED,
        reported_at=NOON,
        picks=(a_pick("TENT", 1),),
    )
    async with database.session() as session:
        await reservations.count_short(session, a_key(1), rejected)
    assert await told(database) == [("order/3", "TENT")]
    back = (
        ReturnedItem(line_id="L1", item="TENT", quantity=1, condition=Condition.RESELL),
        ReturnedItem(line_id="L1", item="TENT", quantity=7, condition=Condition.SCRAP),
    )
    receipt = ReturnReceipt(receipt_id="C-1", correlation_id="c", node="B", received_at=NOON, items=back)
    for _ in range(2):
        async with database.session() as session:
            await stock.take_in(session, receipt)
    assert await told(database) == [("order/4", "TENT")]
    assert await levels(database) == {"TENT_A": (4, 2), "TENT_B": (1, 0)}
    await give_back(database, 1)
    assert await told(database) == [("order/5", "TENT")]


async def test_what_is_not_wanted_any_more_is_not_waited_for(database: Database) -> None:
    await supply(database, TENT_A=1)
    await ask(database, 1, TENT=3, partial=True)
    held = [HeldPick(node="A", item="TENT", quantity=1)]
    async with database.session() as session:
        await reservations.keep(session, a_key(1), held)
    assert await waits(database) == [("order/1", "TENT")]
    async with database.session() as session:
        await reservations.keep(session, a_key(1), held, waits=False)
    assert await waits(database) == []
    assert await levels(database) == {"TENT_A": (1, 1)}


@pytest.mark.parametrize("round_", range(5))
async def test_an_order_that_begins_to_wait_while_the_first_stock_comes_is_not_left_asleep(
    database: Database, round_: int
) -> None:
    """No stock row is there to lock when it looks."""
    await asyncio.gather(*(ask(database, number, TENT=1) for number in range(8)), supply(database, TENT_A=20))
    served = {row.order_key for row in await held(database)}
    assert len(served) + len(await told(database)) == 8


async def held(database: Database) -> list[Any]:
    async with database.session() as session:
        return list(await session.execute(text("SELECT order_key FROM reservation WHERE state = 'held'")))


# Not shrunk: what happens at once does not happen again the same way.
@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    wanted=st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=3, max_size=10),
    arrivals=st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 4)), min_size=1, max_size=5),
    giving_up=st.sets(st.integers(0, 9)),
)
def test_however_stock_comes_and_goes_at_once_nobody_who_can_be_served_sleeps(
    wanted: list[tuple[int, bool]], arrivals: list[tuple[str, int]], giving_up: set[int], database_url: str
) -> None:
    """Everybody waits; then stock comes in and orders give up at once; who is told asks again, until all is quiet."""

    async def play() -> None:
        database = Database(database_url)
        async with database.session() as session:
            await session.execute(text("TRUNCATE stock, reservation, allocation, stock_wait, node_load, outbox"))
        decisions: Counter[int] = Counter()
        still = {number: units for number, (units, _) in enumerate(wanted)}

        async def again(number: int) -> None:
            decisions[number] += 1
            made = await ask(database, number, decisions[number], TENT=still[number], partial=wanted[number][1])
            still[number] -= sum(each.quantity for plan in made.nodes for each in plan.picks)

        async def arrive(node: str, units: int) -> None:
            async with database.session() as session:
                found = {level.node: level.on_hand for level in await stock.levels(session)}
            await supply(database, **{f"TENT_{node}": found.get(node, 0) + units})

        async def give_up(number: int) -> None:
            await give_back(database, number)
            still[number] = 0

        await asyncio.gather(*(again(number) for number in still))
        await asyncio.gather(
            *(arrive(*each) for each in arrivals), *(give_up(number) for number in giving_up & still.keys())
        )
        while news := await told(database):
            numbers = {int(workflow.removeprefix("order/")) for workflow, _ in news}
            await asyncio.gather(*(again(number) for number in numbers if still[number]))
        free = sum(on_hand - reserved for on_hand, reserved in (await levels(database)).values())
        assert free >= 0
        for number, units in still.items():
            assert not units or (free == 0 if wanted[number][1] else free < units)
        await database.aclose()

    with asyncio.Runner() as runner:
        runner.run(play())
