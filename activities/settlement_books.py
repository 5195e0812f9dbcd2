"""Settlements in the ERP's books: the journal, the payments of its orders, and the reversal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.channel import ChannelAccount
from activities.failures import is_retry, temporal_errors
from connectors.errors import NOT_FOUND, Declined
from connectors.ports import Journals
from models.ledger import Payment
from models.money import Money
from models.settlement import SettlementKey
from models.settlement_books import (
    OrderEntry,
    OrderPayments,
    OrderWriteOff,
    WriteOff,
    WrittenOff,
    write_off_journal,
)
from store import expected, order_write_offs, settlement_books, settlement_cases, write_offs
from store.database import Database

log = structlog.get_logger(__name__)
_SAME = {"order_key", "correlation_id", "entity"}


class SettlementBookActivities:
    """`journals` is None where the ERP keeps no books that we may write in: settlements are then only matched."""

    def __init__(self, journals: Journals | None, database: Database) -> None:
        self._journals = journals
        self._database = database

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        return (
            self.book_settlement,
            self.pay_orders,
            self.pay_waiting,
            self.write_off_line,
            self.write_off_order,
            self.reverse_settlement,
        )

    @activity.defn
    async def book_settlement(self, key: SettlementKey) -> str | None:
        """Post the journal, once for a revision; its number. None when there is nothing to book, or it is declined:
        that is a case."""
        if self._journals is None:
            return None
        async with self._database.session() as session:
            await settlement_books.send_payout_to(session, key, self._journals.payouts_on)
            journal = await settlement_books.journal(session, key)
        if journal is None:
            await self._taken(key, settlement_cases.JOURNAL)
            return None
        with temporal_errors():
            try:
                number = await self._journals.post_journal(journal, retry=is_retry())
            except Declined as refused:
                log.warning("journal declined", settlement=str(key), reason=str(refused))
                async with self._database.session() as session:
                    await settlement_books.not_booked(session, key)
                    await settlement_cases.declined(session, key, str(refused))
                return None
        async with self._database.session() as session:
            await settlement_books.booked_as(session, key, number)
            await settlement_cases.sync(session, key)
        await self._taken(key, settlement_cases.JOURNAL)
        return number

    async def _taken(self, key: SettlementKey, mark: str) -> None:
        async with self._database.session() as session:
            await settlement_cases.taken(session, key, mark)

    @activity.defn
    async def pay_orders(self, key: SettlementKey) -> int:
        """Pay the invoices and credit notes of the settlement's orders; returns how many orders were paid now.

        Goes on where it stopped. An order of which nothing is invoiced yet, or whose payment the ERP refuses (that is a
        case), keeps its money on the clearing account and waits for `pay_waiting`. Without the journal nothing is paid.
        """
        async with self._database.session() as session:
            if not await settlement_books.is_payable(session, key):
                return 0
            after = await settlement_books.paid_to(session, key)
        return await self._pay_from(key, after)

    @activity.defn
    async def pay_waiting(self, account: ChannelAccount) -> int:
        """Pay what could not be paid when its settlement was booked, as far as it is invoiced now."""
        async with self._database.session() as session:
            waiting = await settlement_books.with_waiting(session, account.channel, account.account)
            payable = [key for key in waiting if await settlement_books.is_payable(session, key)]
        return sum([await self._pay_from(key, None, waiting=True) for key in payable])

    async def _pay_from(self, key: SettlementKey, after: str | None, *, waiting: bool = False) -> int:
        paid = 0
        while self._journals is not None:
            async with self._database.session() as session:
                page = await settlement_books.next_payments(session, key, after, waiting=waiting)
                given_up = await order_write_offs.among(session, [order.order_key for order in page.orders])
            if page.last is None:
                break
            for order in page.orders:
                done = await self._pay(self._journals, key, order, given_up.get(order.order_key))
                paid += bool(done and (order.paid or order.refunded))
            after = page.last
            async with self._database.session() as session:
                same = await settlement_books.is_payable(session, key, page.revision)
                if same and not waiting:
                    await settlement_books.paid_up_to(session, key, after)
            if not same:
                return paid
        async with self._database.session() as session:
            if key not in await settlement_books.with_waiting(session, key.channel, key.account):
                await settlement_cases.taken(session, key, settlement_cases.PAYMENT)
        return paid

    async def _pay(
        self, journals: Journals, key: SettlementKey, order: OrderPayments, given_up: OrderEntry | None
    ) -> bool:
        """True when all of it is in the books."""
        due = [each for each in (order.paid, order.refunded) if each]
        posted = [payment for payment in due if await self._posted(journals, key, payment)]
        if order.paid in posted and given_up and not await self._taken_back(journals, key, order.paid, given_up):
            posted.remove(order.paid)
        async with self._database.session() as session:
            await settlement_books.told(session, key, order, posted)
        return posted == due

    async def _taken_back(self, journals: Journals, key: SettlementKey, payment: Payment, given_up: OrderEntry) -> bool:
        """What came after all of an order whose rest was written off is no loss any more. False while that waits."""
        order = payment.order_key
        async with self._database.session() as session:
            expects = await expected.of_orders(session, order.channel, order.account, [order.external_id])
        whole = expects[order.external_id].receivable
        off = OrderWriteOff(**given_up.model_dump(include=_SAME), expected=whole, on=payment.on)
        while True:
            async with self._database.session() as session:
                entry = await order_write_offs.take_back(session, off)
            if entry is None:
                return True
            if not await self._posted(journals, key, entry.payment()):
                return False
            async with self._database.session() as session:
                await order_write_offs.booked(session, entry)

    async def _posted(self, journals: Journals, key: SettlementKey, payment: Payment) -> bool:
        with temporal_errors():
            try:
                # Always looked for first: an earlier attempt may have paid it before it was noted here.
                await journals.post_payment(payment, retry=True)
            except Declined as refused:
                log.info("payment waits", order=str(payment.order_key), payment=payment.payment_id, why=str(refused))
                if refused.code != NOT_FOUND:
                    async with self._database.session() as session:
                        await settlement_cases.payment_declined(session, key, f"{payment.payment_id}: {refused}")
                return False
        return True

    @activity.defn
    async def write_off_line(self, off: WriteOff) -> bool:
        """Give a residual up, and book that. False when the line has none that is open. Raises when the books refuse
        it: then it stays open."""
        with temporal_errors():
            async with self._database.session() as session:
                await self._require_booked(session, off.key)
                given_up = await write_offs.give_up(session, off, booked=self._journals is not None)
                entry = await write_offs.of_line(session, off)
            if entry is not None and self._journals is not None:
                await self._book_write_off(self._journals, off, entry)
            async with self._database.session() as session:
                await settlement_cases.sync(session, off.key)
            return given_up or entry is not None

    @activity.defn
    async def write_off_order(self, off: OrderWriteOff) -> Money:
        """Book that nobody will pay the rest of an order's invoices; returns what is written off now."""
        nothing = Money.zero(off.expected.currency)
        if self._journals is None:
            return nothing
        with temporal_errors():
            async with self._database.session() as session:
                entry = await order_write_offs.give_up(session, off)
            if entry is None:
                return nothing
            try:
                await self._journals.post_payment(entry.payment(), retry=is_retry())
            except Declined as refused:
                if refused.code != NOT_FOUND:
                    raise
                log.info("nothing is invoiced", order=str(off.order_key))
                async with self._database.session() as session:
                    await order_write_offs.drop(session, entry)
                return nothing
            async with self._database.session() as session:
                await order_write_offs.booked(session, entry)
            return entry.amount

    async def _require_booked(self, session: AsyncSession, key: SettlementKey) -> None:
        """An entry of its own may follow a journal only: one that is being booked is waited for."""
        if self._journals is None or not await settlement_books.lacks_journal(session, key):
            return
        if await settlement_cases.is_declined(session, key):
            text = f"the ERP refuses the journal of settlement {key}: `exceptions list` says why"
            raise Declined(text, code="not_booked", field="settlement")
        raise ApplicationError(f"settlement {key} is being booked: waiting until it is", type="BeingBooked")

    async def _book_write_off(self, journals: Journals, off: WriteOff, entry: WrittenOff) -> None:
        try:
            await journals.post_journal(write_off_journal(entry), retry=is_retry())
        except Declined:
            async with self._database.session() as session:
                await write_offs.take_back(session, off)
            raise

    @activity.defn
    async def reverse_settlement(self, key: SettlementKey) -> str | None:
        """Reverse the journal of the revision that is posted, and its write-offs; None when there is none in the
        books."""
        async with self._database.session() as session:
            journal = await settlement_books.journal(session, key) if await self._is_booked(key) else None
            given_up = await write_offs.booked(session, key)
        if journal is None or self._journals is None:
            return None
        with temporal_errors():
            number = await self._journals.reverse_journal(journal, retry=is_retry())
            for entry in given_up:
                await self._reverse_write_off(self._journals, entry)
            return number

    async def _reverse_write_off(self, journals: Journals, entry: WrittenOff) -> None:
        try:
            await journals.reverse_journal(write_off_journal(entry), retry=is_retry())
        except Declined as refused:
            if refused.code != NOT_FOUND:
                raise
            # Given up, and then its workflow was ended before the books were told.
            log.info("write-off was never booked", settlement=str(entry.key), line=entry.number)

    async def _is_booked(self, key: SettlementKey) -> bool:
        async with self._database.session() as session:
            return await settlement_books.number_of(session, key) is not None
