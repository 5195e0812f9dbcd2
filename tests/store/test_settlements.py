"""Every cent of a payout is an order's or has a name, and is told once."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models.money import Money, MoneyError
from models.settlement import LineType, OrderMoney, Settlement, SettlementLine, SettlementResult
from store import orders, outbox, settlements
from store.database import Database
from store.settlements import SettlementError
from tests.store.examples import a_key, a_line, a_settlement, an_order, euros

PAYOUT = (
    a_line(1, "100.00"),
    a_line(2, "4.90", LineType.SHIPPING, label="Postage"),
    a_line(3, "-15.00", LineType.COMMISSION, label="Commission"),
    a_line(4, "-7.50", LineType.REFUND, label="Refund"),
    a_line(5, "20.00", order="2"),
    a_line(6, "9.99", order="404"),
    a_line(7, "-1.00", LineType.UNKNOWN, label="New Mystery Fee"),
    a_line(8, "-39.99", LineType.FEE, order=None, label="Subscription"),
    a_line(9, "-0.01", LineType.FEE, order=None, label="Subscription"),
)


async def post(database: Database, settlement: Settlement) -> SettlementResult:
    async with database.session() as session:
        return await settlements.post(session, settlement)


async def registered(database: Database, *numbers: int) -> None:
    async with database.session() as session:
        for number in numbers:
            await orders.register(session, an_order(number), 1)


async def told(database: Database) -> list[OrderMoney]:
    async with database.session() as session:
        messages = await outbox.claim(session, 1000)
    assert {message.message for message in messages} <= {"money_received"}
    return [OrderMoney.model_validate(message.payload) for message in messages]


async def test_a_settlement_is_matched_kept_and_told_to_its_orders(database: Database) -> None:
    await registered(database, 1, 2, 3)
    result = await post(database, a_settlement(*PAYOUT))
    assert (result.payout, result.matched, result.residual) == (euros("71.39"), euros("10.00"), euros("61.39"))
    assert result.residuals == {
        "over paid: Principal": euros("95.00"),
        "over paid: Postage": euros("4.90"),
        "refund without return: Refund": euros("-7.50"),
        "unknown order 404": euros("9.99"),
        "New Mystery Fee": euros("-1.00"),
        "Subscription": euros("-40.00"),
    }
    assert (result.orders, result.lines) == (2, 9)
    one = OrderMoney(
        order_key=a_key(1),
        settlement_id="S-1",
        received=euros("104.90"),
        fees=euros("-15.00"),
        refunds=euros("-7.50"),
    )
    two = OrderMoney(order_key=a_key(2), settlement_id="S-1", received=euros("20"), fees=euros("0"), refunds=euros("0"))
    assert await told(database) == [one, two]


async def test_a_settlement_that_is_posted_again_and_again_changes_nothing(database: Database) -> None:
    await registered(database, 1)
    posted = await asyncio.gather(*(post(database, a_settlement(*PAYOUT)) for _ in range(8)))
    await registered(database, 2)
    again = await post(database, a_settlement(a_line(1, "5.00")))
    assert posted == [again] * 8
    assert len(await told(database)) == 1
    async with database.session() as session:
        assert await settlements.find(session) == [again]
        assert await settlements.find(session, channel="shopify") == []
        assert await settlements.get(session, "amazon", "EU", "S-1") == again
        assert await settlements.get(session, "amazon", "EU", "S-2") is None


async def test_an_order_s_money_is_found_over_all_settlements(database: Database) -> None:
    await registered(database, 1)
    await post(database, a_settlement(*PAYOUT))
    await post(database, a_settlement(a_line(1, "-2.00", LineType.FEE), settlement_id="S-2"))
    async with database.session() as session:
        lines = await settlements.lines_of_order(session, a_key(1))
    found = [(line.settlement_id, line.number, line.amount) for line in lines]
    assert found[-1] == ("S-2", 1, Decimal("-2.00"))
    assert [number for _, number, _ in found] == [1, 2, 3, 4, 7, 1]


async def test_a_document_whose_lines_are_not_its_payout_is_refused_whole(database: Database) -> None:
    await registered(database, 1)
    with pytest.raises(SettlementError, match=r"payout is 12\.00 EUR, but lines add up to 10\.00 EUR"):
        await post(database, a_settlement(a_line(1, "10.00"), payout="12.00"))
    async with database.session() as session:
        assert await settlements.find(session) == []
    assert await told(database) == []


async def test_a_payout_without_lines_is_kept(database: Database) -> None:
    result = await post(database, a_settlement())
    assert (result.payout, result.lines) == (euros("0"), 0)


async def test_ten_thousand_lines_are_posted(database: Database) -> None:
    await registered(database, 1, 2)
    lines = [a_line(number, "0.01", order=str(number % 4)) for number in range(1, 10_001)]
    result = await post(database, a_settlement(*lines))
    assert (result.matched, result.residual, result.lines) == (euros("25"), euros("75"), 10_000)


async def test_a_line_in_another_currency_is_refused(database: Database) -> None:
    line = SettlementLine(number=1, type=LineType.GOODS, label="x", amount=Money.of("1", "USD"), order_id="1")
    document = a_settlement(a_line(2, "1.00")).model_copy(update={"lines": (line,)})
    with pytest.raises(MoneyError, match="not in the same currency"):
        await post(database, document)


LINES = st.lists(
    st.tuples(
        st.decimals("-1000", "1000", places=2),
        st.sampled_from(LineType),
        st.one_of(st.none(), st.sampled_from(["1", "2", "3"])),
        st.sampled_from(["Principal", "Fee", ""]),
    ),
    max_size=30,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(drawn=LINES, known=st.sets(st.sampled_from([1, 2, 3])))
async def test_matched_and_residual_are_the_payout_and_orders_get_what_is_theirs(
    drawn: list[tuple[Decimal, LineType, str | None, str]], known: set[int], database: Database
) -> None:
    lines = [
        a_line(number, str(amount), kind, order, label)
        for number, (amount, kind, order, label) in enumerate(drawn, start=1)
    ]
    async with database.session() as session:
        await session.execute(text("TRUNCATE orders, settlement, outbox, settlement_finding CASCADE"))
    await registered(database, *known)
    result = await post(database, a_settlement(*lines))
    assert result.matched + result.residual == result.payout
    assert Money.total(result.residuals.values(), "EUR") == result.residual
    theirs = [
        each.amount for each in lines if each.order_id in {str(n) for n in known} and each.type is not LineType.UNKNOWN
    ]
    paid = Money.total((each.received + each.fees + each.refunds for each in await told(database)), "EUR")
    assert paid == Money.total(theirs, "EUR")
