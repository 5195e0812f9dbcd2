"""Bank statements: their lines are matched with the payouts that they bring, and booked in the ERP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity

from activities.failures import temporal_errors
from connectors.errors import Declined
from connectors.ports import BankBook
from models.bank import StatementLine
from models.base import Model
from store import bank, bank_cases
from store.database import Database

log = structlog.get_logger(__name__)


class MatchedLines(Model):
    matched: int
    missing: int
    """Payouts that should have come, and have not."""


class BookedLines(Model):
    booked: int
    refused: int


class BankActivities:
    """`journals` is None where the ERP keeps no books that we may write in: lines are then only matched."""

    def __init__(self, journals: BankBook | None, database: Database) -> None:
        self._journals = journals
        self._database = database

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        return self.match_bank_lines, self.book_bank_lines

    @activity.defn
    async def match_bank_lines(self, overdue_after: timedelta) -> MatchedLines:
        """One transaction: the matches, and a case for each payout that the bank has not shown in time."""
        with temporal_errors():
            async with self._database.session() as session:
                made = await bank.match(session)
                missing = await bank_cases.sync(session, overdue_after)
        return MatchedLines(matched=len(made), missing=missing)

    @activity.defn
    async def book_bank_lines(self, matched: MatchedLines) -> BookedLines:
        """Book what brings a payout that is under way. What the ERP refuses is noted, and tried the next time again."""
        log.info("booking bank lines", newly_matched=matched.matched)
        done = {True: 0, False: 0}
        if self._journals is not None:
            async with self._database.session() as session:
                lines = await bank.to_book(session)
            for line in lines:
                done[await self._book(self._journals, line)] += 1
        return BookedLines(booked=done[True], refused=done[False])

    async def _book(self, journals: BankBook, line: StatementLine) -> bool:
        with temporal_errors():
            try:
                # Always looked for first: an earlier attempt may have booked it before it was noted here.
                number = await journals.post_statement_line(line, retry=True)
            except Declined as refused:
                log.warning("bank line declined", line=line.reference, reason=str(refused))
                async with self._database.session() as session:
                    await bank.refused(session, line, str(refused))
                return False
        async with self._database.session() as session:
            await bank.booked_as(session, line, number)
        return True
