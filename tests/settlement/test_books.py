"""What is left on a clearing account is what nobody has explained: after corrections, write-offs, reposts, late
invoices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import text
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.channel import ChannelAccount
from activities.settlement import SettlementActivities
from activities.settlement_books import SettlementBookActivities
from connectors.providers import FORMATS
from models.ledger import AccountRole
from models.money import Money
from models.settlement import LineType, SettlementKey
from models.settlement_books import OrderWriteOff, WriteOff
from store import cases, order_write_offs, settlement_views, write_offs
from store.database import Database
from tests.settlement.books import Books
from tests.settlement.documents import arrived, registered, report
from tests.settlement.faults import Sold, euros, sold
from tests.settlement.test_posting import run

ACCOUNT = ChannelAccount(channel="amazon", account="EU")
KEY = SettlementKey(channel="amazon", account="EU", settlement_id="281")
ZERO = Decimal(0)
OFF = WriteOff(key=KEY, number=1, actor="anna", note="cents", on=date(2026, 9, 30))


class Desk:
    """A settlement is posted and booked, as the workflow does it."""

    def __init__(self, database: Database, books: Books | None) -> None:
        self.settlements = SettlementActivities(FORMATS, database)
        self.bookings = SettlementBookActivities(books, database)
        self._database = database
        self._environment = ActivityEnvironment()

    async def post(self, made: Sequence[Sold], name: str = "281", more: Sequence[Sequence[str]] = ()) -> None:
        await self.match(made, name, more)
        await self.book(name)

    async def match(self, made: Sequence[Sold], name: str = "281", more: Sequence[Sequence[str]] = ()) -> None:
        await registered(self._database, made)
        event_id = await arrived(self._database, report(made, name, more), f"settlement:{name}")
        await run(self.settlements, event_id)

    async def book(self, name: str = "281") -> None:
        key = KEY.model_copy(update={"settlement_id": name})
        await self._environment.run(self.bookings.book_settlement, key)
        await self._environment.run(self.bookings.pay_orders, key)

    async def repost(self) -> None:
        await self._environment.run(self.bookings.reverse_settlement, KEY)
        await self._environment.run(self.settlements.reopen_settlement, KEY)
        await self._environment.run(self.settlements.match_settlement, KEY)
        await self.book()

    async def write_off(self, off: WriteOff = OFF) -> bool:
        return bool(await self._environment.run(self.bookings.write_off_line, off))

    async def write_off_order(self, off: OrderWriteOff) -> Money:
        booked: Money = await self._environment.run(self.bookings.write_off_order, off)
        return booked

    async def pay_waiting(self) -> int:
        paid: int = await self._environment.run(self.bookings.pay_waiting, ACCOUNT)
        return paid

    async def open(self) -> Decimal:
        async with self._database.session() as session:
            found = await settlement_views.find(session)
        return sum((each.open.amount for each in found), start=Decimal(0))


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def desk(database: Database, books: Books) -> Desk:
    return Desk(database, books)


def order(number: int) -> Sold:
    return sold(number, Random(number))


def paid_too_much(number: int, by: str = "2.41") -> Sold:
    paid = order(number)
    paid.change(LineType.GOODS, Decimal(by))
    return paid


async def test_a_residual_that_is_written_off_leaves_the_clearing_account_and_is_an_adjustment(
    desk: Desk, books: Books
) -> None:
    await desk.post([paid_too_much(3)])
    assert (books.balance(AccountRole.CLEARING), await desk.open()) == (Decimal("-2.41"), Decimal("2.41"))
    assert await desk.write_off()
    assert (books.balance(AccountRole.CLEARING), await desk.open()) == (ZERO, ZERO)
    assert books.balance(AccountRole.ADJUSTMENT) == Decimal("-2.41")
    assert await desk.write_off(), "the same decision once more changes nothing"
    assert not await desk.write_off(OFF.model_copy(update={"actor": "bert"}))
    assert len(books.journals) == 2


async def test_without_books_a_residual_is_only_given_up(database: Database) -> None:
    desk = Desk(database, None)
    await desk.post([paid_too_much(3)])
    assert await desk.write_off()
    assert await desk.open() == 0


async def test_a_write_off_that_the_books_refuse_leaves_the_residual_open(desk: Desk, books: Books) -> None:
    await desk.post([paid_too_much(3)])
    books.closed = True
    with pytest.raises(ApplicationError, match="the period is closed"):
        await desk.write_off()
    assert await desk.open() == Decimal("2.41")
    books.closed = False
    assert await desk.write_off()
    assert books.balance(AccountRole.CLEARING) == 0


async def test_nothing_is_written_off_of_a_settlement_that_is_not_in_the_books(desk: Desk, books: Books) -> None:
    books.closed = True
    await desk.post([paid_too_much(3)])
    with pytest.raises(ApplicationError, match="refuses the journal"):
        await desk.write_off()
    assert await desk.open() == Decimal("2.41")


async def test_a_write_off_waits_until_its_settlement_is_booked(desk: Desk, books: Books) -> None:
    await desk.match([paid_too_much(3)])
    with pytest.raises(ApplicationError, match="is being booked") as waiting:
        await desk.write_off()
    assert not waiting.value.non_retryable
    await desk.book()
    assert await desk.write_off()
    assert books.balance(AccountRole.CLEARING) == 0


async def test_a_repost_reverses_a_write_off_too_and_books_what_is_given_up_with_the_settlement(
    desk: Desk, books: Books
) -> None:
    await desk.post([paid_too_much(3)])
    await desk.write_off()
    await desk.repost()
    assert len(books.reversed) == 2
    assert len(books.journals) == 3
    assert (books.balance(AccountRole.CLEARING), await desk.open()) == (ZERO, ZERO)
    assert books.balance(AccountRole.ADJUSTMENT) == Decimal("-2.41")


async def test_a_write_off_that_never_came_to_the_books_holds_up_no_repost(
    desk: Desk, books: Books, database: Database
) -> None:
    await desk.post([paid_too_much(3)])
    async with database.session() as session:
        assert await write_offs.give_up(session, OFF, booked=True)
    await desk.repost()
    assert (books.balance(AccountRole.CLEARING), await desk.open()) == (ZERO, ZERO)


async def test_a_repost_pays_no_order_a_second_time(desk: Desk, books: Books) -> None:
    made = order(3)
    await desk.post([made])
    paid = books.paid("302-3")
    assert paid
    await desk.repost()
    assert books.paid("302-3") == paid
    assert books.balance(AccountRole.CLEARING) == 0


def the_same_type(paid: Sold) -> LineType:
    return paid.lines[0].type


def an_adjustment(_: Sold) -> LineType:
    return LineType.ADJUSTMENT


@pytest.mark.parametrize("by", [the_same_type, an_adjustment], ids=lambda each: each.__name__)
async def test_a_later_line_that_takes_a_residual_back_clears_the_account_and_pays_no_invoice(
    desk: Desk, books: Books, by: Callable[[Sold], LineType]
) -> None:
    made = paid_too_much(3)
    await desk.post([made])
    paid = books.paid("302-3")
    correction = Sold(made.order)
    correction.add(by(made), "-2.41", line_id=made.lines[0].line_id)
    await desk.post([correction], "282")
    assert (books.balance(AccountRole.CLEARING), await desk.open()) == (ZERO, ZERO)
    assert books.paid("302-3") == paid
    assert books.balance(AccountRole.ADJUSTMENT) == 0


async def test_an_order_that_is_invoiced_after_its_money_came_is_paid_then_and_once(desk: Desk, books: Books) -> None:
    books.not_invoiced = {"302-3"}
    late, other = order(3), order(4)
    await desk.post([late, other])
    assert not books.paid("302-3")
    assert await desk.pay_waiting() == 0
    books.not_invoiced = set()
    assert await desk.pay_waiting() == 1
    paid = books.paid("302-3")
    assert paid > 0
    assert await desk.pay_waiting() == 0
    assert (books.paid("302-3"), books.balance(AccountRole.CLEARING)) == (paid, ZERO)


async def test_a_payment_that_the_books_refuse_is_a_case_and_is_tried_again(
    desk: Desk, books: Books, database: Database
) -> None:
    books.closed_for_payments = True
    await desk.post([order(3)])
    async with database.session() as session:
        (case,) = await cases.find(session)
    assert "the period is closed" in case.reason
    books.closed_for_payments = False
    await desk.book()  # It goes on behind the order that waits.
    async with database.session() as session:
        assert await cases.find(session) == [case]
    assert await desk.pay_waiting() == 1
    assert books.balance(AccountRole.CLEARING) == 0
    async with database.session() as session:
        assert await cases.find(session) == []


async def test_the_rest_of_an_order_that_is_written_off_leaves_the_channels_debts_until_it_is_paid_after_all(
    desk: Desk, books: Books
) -> None:
    made = order(3)
    short = Sold(made.order, [*made.lines])
    short.change(LineType.GOODS, Decimal("-3.00"))
    await desk.post([short])
    whole = made.expected.receivable
    assert books.paid("302-3") == whole.amount - 3
    off = OrderWriteOff(order_key=made.order.key, correlation_id="c", expected=whole, on=OFF.on)
    assert await desk.write_off_order(off) == euros("3.00")
    assert await desk.write_off_order(off) == euros("0.00")
    assert (books.paid("302-3"), books.balance(AccountRole.ADJUSTMENT)) == (whole.amount, Decimal("3.00"))
    rest = Sold(made.order)
    rest.add(LineType.GOODS, "3.00", line_id=made.lines[0].line_id)
    await desk.post([rest], "282")
    assert (books.paid("302-3"), books.balance(AccountRole.ADJUSTMENT)) == (whole.amount, ZERO)
    assert books.balance(AccountRole.CLEARING) == 0
    assert await desk.pay_waiting() == 0


async def test_a_write_off_whose_answer_is_lost_is_booked_once_whatever_is_paid_meanwhile(
    desk: Desk, books: Books, database: Database
) -> None:
    made = order(3)
    short = Sold(made.order, [*made.lines])
    short.change(LineType.GOODS, Decimal("-3.00"))
    await desk.post([short])
    off = OrderWriteOff(order_key=made.order.key, correlation_id="c", expected=made.expected.receivable, on=OFF.on)
    async with database.session() as session:
        entry = await order_write_offs.give_up(session, off)
    assert entry is not None
    await books.post_payment(entry.payment(), retry=False)
    part = Sold(made.order)
    part.add(LineType.GOODS, "1.00", line_id=made.lines[0].line_id)
    await desk.post([part], "282")
    await desk.write_off_order(off)
    assert (books.paid("302-3"), books.balance(AccountRole.ADJUSTMENT)) == (
        made.expected.receivable.amount,
        Decimal("2.00"),
    )


async def test_two_who_pay_the_same_settlement_at_once_book_it_once(desk: Desk, books: Books) -> None:
    await desk.match([order(number) for number in range(3, 9)])
    await asyncio.gather(desk.book(), desk.book())
    paid = books.paid("302-3")
    await desk.repost()
    assert books.paid("302-3") == paid
    assert books.balance(AccountRole.CLEARING) == 0


async def test_a_journal_that_is_refused_again_is_a_case_again(desk: Desk, books: Books, database: Database) -> None:
    books.closed = True
    await desk.post([order(3)])
    for _ in range(2):
        await desk.repost()
        async with database.session() as session:
            (case,) = await cases.find(session)
        assert "the period is closed" in case.reason
    with pytest.raises(ApplicationError, match="refuses the journal"):
        await desk.write_off()
    assert await desk.pay_waiting() == 0
    assert not books.payments
    books.closed = False
    await desk.repost()
    async with database.session() as session:
        assert await cases.find(session) == []


async def test_a_residual_that_is_another_one_after_a_repost_was_not_given_up(
    desk: Desk, books: Books, database: Database
) -> None:
    await desk.post([paid_too_much(3)])
    await desk.write_off()
    async with database.session() as session:
        await session.execute(text("UPDATE settlement_line SET given_up_amount = 0.05 WHERE settled_by IS NOT NULL"))
    await desk.repost()
    assert await desk.open() == Decimal("2.41")
    assert (books.balance(AccountRole.CLEARING), books.balance(AccountRole.ADJUSTMENT)) == (Decimal("-2.41"), ZERO)
    async with database.session() as session:
        assert [each.detail["fault"] for each in await cases.find(session)] == ["over_paid"]


async def test_a_reserve_that_is_written_off_leaves_the_reserve_account(desk: Desk, books: Books) -> None:
    held = ("", "other-transaction", "other-transaction", "Current Reserve Amount", "-50.00")
    await desk.post([], more=[held])
    assert books.balance(AccountRole.RESERVE) == Decimal("50.00")
    assert await desk.write_off()
    assert books.balance(AccountRole.RESERVE) == 0
    assert books.balance(AccountRole.ADJUSTMENT) == Decimal("50.00")
    assert books.balance(AccountRole.CLEARING) == 0
