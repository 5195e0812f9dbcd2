"""An order in one currency, the seller's books in another: the rate of the day of the purchase, or a case."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from models.case import Action, CaseKind
from models.messages import OrderState
from models.systems import LedgerRate
from models.terms import SalesTerms
from store import rates
from tests.workflows.acting import cancel, case_of, decide, finish, held
from tests.workflows.test_order_partial import last, until_told
from tests.workflows.world import PURCHASED, World, an_order, line

TERMS = SalesTerms(entity="Orderyard Inc", books_currency="USD")
DAY = PURCHASED.date()


async def enter_rate(world: World, rate: str, days_before: int = 0) -> None:
    async with world.database.session() as session:
        await rates.put(session, "EUR", "USD", Decimal(rate), DAY - timedelta(days=days_before), "ECB")
    await world.tell_waiting_orders()


async def test_the_erp_gets_the_rate_of_the_day_of_the_purchase(world: World) -> None:
    await enter_rate(world, "1.10", days_before=1)
    await enter_rate(world, "1.0850")
    world.sells_on(TERMS)
    order = an_order(line("1", "MAT", 2, "30.00"))
    handle = await held(world, order)
    created = next(subject for name, subject in world.erp.done if name == "create_order")
    assert (created.entity, created.ledger) == (
        "Orderyard Inc",
        LedgerRate(currency="USD", rate=Decimal("1.0850"), on=DAY),
    )
    await enter_rate(world, "2.00")
    assert (await cancel(handle, l1=1)).confirmed
    await until_told(world, handle)
    assert last(world, "change_order").ledger == created.ledger
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    await finish(world, handle, order)


async def test_without_a_rate_the_order_waits_and_entering_it_resumes_all_that_wait(world: World) -> None:
    world.sells_on(TERMS)
    orders = [an_order(), an_order()]
    handles = [await world.start(order) for order in orders]
    for handle in handles:
        case = await case_of(world, handle, CaseKind.RATE_MISSING)
        assert (case.subject, case.owner) == ("rate:EUR/USD", "finance")
        assert f"no exchange rate EUR/USD for {DAY:%Y-%m-%d}" in case.reason
    assert world.fraud.done == world.erp.done == []
    await enter_rate(world, "1.08", days_before=2)
    for handle, order in zip(handles, orders, strict=True):
        await finish(world, handle, order)


async def test_an_order_that_waits_for_its_rate_can_be_cancelled(world: World) -> None:
    world.sells_on(TERMS)
    handle = await world.start(an_order())
    await case_of(world, handle, CaseKind.RATE_MISSING)
    assert (await cancel(handle)).confirmed
    assert (await world.end(handle)).state is OrderState.CANCELLED


async def test_in_the_books_own_currency_no_rate_is_needed(world: World) -> None:
    world.sells_on(SalesTerms(entity="Orderyard GmbH", books_currency="EUR"))
    order = an_order()
    await finish(world, await world.start(order), order)
    created = next(subject for name, subject in world.erp.done if name == "create_order")
    assert (created.entity, created.ledger) == ("Orderyard GmbH", None)
