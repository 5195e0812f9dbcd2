"""Asks warehouse and ERP what they have, compares it with ours and what channels were told, repairs what is safe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.channel_stock import StockPolicy
from activities.failures import temporal_errors
from connectors.ports import StockBook
from models.base import Model
from models.inventory import (
    OF_LISTINGS,
    OF_PLACES,
    WRONGLY_TOLD,
    Asked,
    Cell,
    InventoryReport,
    Listed,
    Standing,
    Verdict,
    may_be_taken_over,
    of_cell,
    of_listing,
)
from store import channel_stock, inventory, inventory_cases
from store.database import Database


class LevelsOf(Model):
    system: Literal["wms", "erp"]


class Comparison(Model):
    asked: Asked
    grace: timedelta
    """So long a difference may be on its way: it is shown, and nothing is done."""
    patience: timedelta
    """One that is older is a case."""


class InventoryActivities:
    def __init__(
        self,
        wms: StockBook | None,
        erp: StockBook | None,
        policies: Mapping[tuple[str, str], StockPolicy],
        database: Database,
    ) -> None:
        self._wms = wms
        self._erp = erp
        self._policies = policies
        self._database = database

    @activity.defn
    async def ask_levels(self, question: LevelsOf) -> bool:
        """Keep what a system says it has; False when it has no way to say."""
        book = self._wms if question.system == "wms" else self._erp
        with temporal_errors():
            levels = await book.stock_levels() if book else None
            async with self._database.session() as session:
                await inventory.state(session, question.system, levels or ())
        return levels is not None

    @activity.defn
    async def compare_inventory(self, comparison: Comparison) -> InventoryReport:
        """One transaction: what differs since when, what is repaired, which cases are open. Twice changes nothing."""
        with temporal_errors():
            async with self._database.session() as session:
                return await self._compared(session, comparison)

    async def _compared(self, session: AsyncSession, comparison: Comparison) -> InventoryReport:
        now, asked = datetime.now(UTC), comparison.asked
        prices = await inventory.prices(session)
        cells = await inventory.cells(session)
        wrong = {cell.subject: of_cell(cell, asked, prices.get(cell.item)) for cell in cells}
        places = await inventory.keep(session, [each for of in wrong.values() for each in of], now, OF_PLACES)
        repaired = await _take_over(session, cells, places, comparison.grace, now)
        # Only now: what may be sold follows from the levels that were taken over.
        listings = await self._listings(session)
        wrongly = [found for each in listings if (found := of_listing(each))]
        told = await inventory.keep(session, wrongly, now, OF_LISTINGS)
        left = [each for each in (*places, *told) if not _is_repaired(each, repaired)]
        cases = await inventory_cases.sync(session, [each for each in left if each.since <= now - comparison.patience])
        report = InventoryReport(
            ran_at=now,
            asked=asked,
            cells=len(cells),
            agreed=sum(not found for found in wrong.values()),
            listings=len(listings),
            listings_agreed=len(listings) - len(told),
            mismatches=dict(Counter(each.mismatch.verdict for each in (*places, *told))),
            repaired=len(repaired),
            cases=cases,
            publish=_wrongly_told(listings, left, now - comparison.grace),
        )
        await inventory.record(session, report)
        return report

    async def _listings(self, session: AsyncSession) -> list[Listed]:
        return [
            listed
            for (channel, account), policy in sorted(self._policies.items())
            if policy.publish_stock
            for listed in await channel_stock.compared(session, channel, account, policy.safety_buffer)
        ]


async def _take_over(
    session: AsyncSession, cells: list[Cell], standing: list[Standing], grace: timedelta, now: datetime
) -> set[str]:
    by_subject = {cell.subject: cell for cell in cells}
    repaired = set()
    for each in standing:
        cell = by_subject.get(each.mismatch.subject)
        if cell and may_be_taken_over(cell, each, grace, now) and await inventory.take_over(session, cell, now):
            repaired.add(cell.subject)
    return repaired


def _is_repaired(each: Standing, repaired: set[str]) -> bool:
    return each.mismatch.verdict is Verdict.STORE_DIFFERS and each.mismatch.subject in repaired


def _wrongly_told(listings: list[Listed], left: list[Standing], still: datetime) -> tuple[tuple[str, str], ...]:
    subjects = {each.mismatch.subject for each in left if each.mismatch.verdict in WRONGLY_TOLD and each.since <= still}
    return tuple(sorted({(each.channel, each.account) for each in listings if each.subject in subjects}))
