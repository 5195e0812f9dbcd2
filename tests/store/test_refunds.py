"""What was paid is never paid back twice, and an order that has ended is refunded like any other."""

import asyncio

import pytest
from sqlalchemy import select

from models.channel import RefundReason
from models.messages import RefundCounted, ReturnCounted
from models.order import OrderLine
from models.refunds import Refund, RefundClaim, RefundState
from store import orders, refunds
from store.database import Database
from store.orders import UnknownOrder
from store.tables import OutboxMessage
from tests.store.examples import a_key, an_order, euros


@pytest.fixture
async def order(database: Database) -> None:
    """Four tents at 12.50."""
    line = OrderLine(line_id="L1", sku="TENT", quantity=4, goods=euros("50.00"))
    async with database.session() as session:
        await orders.register(session, an_order(lines=(line,), total=euros("50.00")), 1)


def claim(request_id: str, units: int = 1, **more: object) -> RefundClaim:
    values = {"reason": RefundReason.GOODWILL, "units": {"L1": units} if units else {}, **more}
    return RefundClaim.model_validate({"request_id": request_id, "order_key": a_key(), **values})


async def reserve(database: Database, wanted: RefundClaim) -> Refund:
    async with database.session() as session:
        return await refunds.reserve(session, wanted)


async def told(database: Database) -> list[OutboxMessage]:
    async with database.session() as session:
        return list(await session.scalars(select(OutboxMessage)))


@pytest.mark.usefixtures("order")
async def test_refunds_that_race_never_exceed_what_was_paid(database: Database) -> None:
    answers = await asyncio.gather(*(reserve(database, claim(f"R{number}")) for number in range(10)))
    granted = [each for each in answers if each.state is RefundState.RESERVED]
    assert [each.total for each in granted] == [euros("12.50")] * 4
    assert {each.refused for each in answers if each.state is RefundState.REFUSED} == {
        "line L1: 1 units claimed, 0 may be refunded"
    }


@pytest.mark.usefixtures("order")
async def test_amounts_that_race_never_exceed_what_was_paid(database: Database) -> None:
    wanted = [claim(f"R{number}", 0, amounts={"L1": euros("20.00")}) for number in range(6)]
    answers = await asyncio.gather(*(reserve(database, each) for each in wanted))
    assert sum(each.state is RefundState.RESERVED for each in answers) == 2
    assert {each.refused for each in answers if each.refused} == {
        "line L1: 20.00 EUR is more than the 10.00 EUR that are left of its price"
    }


@pytest.mark.usefixtures("order")
async def test_the_same_claim_again_gets_the_same_answer(database: Database) -> None:
    answers = await asyncio.gather(*(reserve(database, claim("R1", 3)) for _ in range(5)))
    assert len({each.model_dump_json() for each in answers}) == 1
    refused = await reserve(database, claim("R2", 3))
    assert (refused.state, refused.refused) == (
        RefundState.REFUSED,
        "line L1: 3 units claimed, 1 may be refunded",
    )
    async with database.session() as session:
        await refunds.free(session, "R1", "given up")
    assert await reserve(database, claim("R2", 3)) == refused


@pytest.mark.usefixtures("order")
async def test_what_is_given_up_can_be_claimed_again(database: Database) -> None:
    await reserve(database, claim("R1", 4))
    async with database.session() as session:
        assert await refunds.free(session, "R1", "the channel says no")
        assert not await refunds.free(session, "R1", "again")
        assert not await refunds.finish(session, "R1")
        given_up = await refunds.get(session, "R1")
    assert given_up is not None
    assert (given_up.state, given_up.refused) == (RefundState.REFUSED, "the channel says no")
    assert (await reserve(database, claim("R2", 4))).total == euros("50.00")


@pytest.mark.usefixtures("order")
async def test_a_refund_that_is_done_is_told_to_the_order_once(database: Database) -> None:
    await reserve(database, claim("R1", 2, note="late"))
    async with database.session() as session:
        assert await refunds.finish(session, "R1")
        assert not await refunds.finish(session, "R1")
        assert not await refunds.free(session, "R1", "too late")
    [message] = await told(database)
    assert (message.workflow_id, message.message) == (a_key().workflow_id, "refund_counted")
    assert RefundCounted.model_validate(message.payload) == RefundCounted(
        refund_id="R1",
        total=euros("25.00"),
        receivable=euros("25.00"),
        units={"L1": 2},
        goodwill=True,
        reason="late",
    )


@pytest.mark.usefixtures("order")
async def test_goods_that_came_back_are_counted_and_told_once_for_a_receipt(database: Database) -> None:
    async def count(receipt: str) -> bool:
        async with database.session() as session:
            return await refunds.count_returned(session, a_key(), "RT-1", receipt, {"L1": 1})

    assert sorted(await asyncio.gather(*(count("P1") for _ in range(5)))) == [False] * 4 + [True]
    [message] = await told(database)
    assert ReturnCounted.model_validate(message.payload) == ReturnCounted(return_id="P1", units={"L1": 1})
    back = claim("R1", 1, reason=RefundReason.RETURNED, return_id="RT-1")
    assert (await reserve(database, back)).state is RefundState.RESERVED
    again = await reserve(database, back.model_copy(update={"request_id": "R2"}))
    assert again.refused == "line L1: 1 units claimed, 0 came back and are not refunded yet"


async def test_an_order_that_nobody_knows_cannot_be_refunded(database: Database) -> None:
    with pytest.raises(UnknownOrder):
        await reserve(database, claim("R1"))
