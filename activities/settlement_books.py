"""Settlements in the ERP's books: the journal, the payments of its orders, and the reversal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from temporalio import activity

from activities.failures import is_retry, temporal_errors
from connectors.errors import NOT_FOUND, Declined
from connectors.ports import Journals
from models.ledger import Payment
from models.settlement import SettlementKey
from store import settlement_books, settlement_cases
from store.database import Database

log = structlog.get_logger(__name__)


class SettlementBookActivities:
    """`journals` is None where the ERP keeps no books that we may write in: settlements are then only matched."""

    def __init__(self, journals: Journals | None, database: Database) -> None:
        self._journals = journals
        self._database = database

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        return self.book_settlement, self.pay_orders, self.reverse_settlement

    @activity.defn
    async def book_settlement(self, key: SettlementKey) -> str | None:
        """Post the journal, once for a revision; its number. None when there is nothing to book, or it is declined:
        that is a case."""
        if self._journals is None:
            return None
        async with self._database.session() as session:
            journal = await settlement_books.journal(session, key, self._journals.payouts_on)
        if journal is None:
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
        return number

    @activity.defn
    async def pay_orders(self, key: SettlementKey) -> int:
        """Pay the invoices and credit notes of the settlement's orders; returns how many orders were paid now.

        Goes on where it stopped. An order of which nothing is invoiced keeps its money on the clearing account.
        """
        paid = 0
        while self._journals is not None:
            async with self._database.session() as session:
                payments = await settlement_books.next_payments(session, key)
            if not payments:
                return paid
            for payment in payments:
                await self._pay(self._journals, payment)
            async with self._database.session() as session:
                await settlement_books.paid_up_to(session, key, str(payments[-1].order_key))
            paid += len({payment.order_key for payment in payments})
        return paid

    async def _pay(self, journals: Journals, payment: Payment) -> None:
        with temporal_errors():
            try:
                # Always looked for first: an earlier attempt may have paid it before it was noted here.
                await journals.post_payment(payment, retry=True)
            except Declined as refused:
                if refused.code != NOT_FOUND:
                    raise
                log.info("nothing is invoiced", order=str(payment.order_key), payment=payment.payment_id)

    @activity.defn
    async def reverse_settlement(self, key: SettlementKey) -> str | None:
        """Reverse the journal of the revision that is posted; None when there is none in the books."""
        if self._journals is None or not await self._is_booked(key):
            return None
        async with self._database.session() as session:
            journal = await settlement_books.journal(session, key, self._journals.payouts_on)
        if journal is None:
            return None
        with temporal_errors():
            return await self._journals.reverse_journal(journal, retry=is_retry())

    async def _is_booked(self, key: SettlementKey) -> bool:
        async with self._database.session() as session:
            return await settlement_books.number_of(session, key) is not None
