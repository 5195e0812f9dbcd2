"""Looks what has happened in a warehouse that reports nothing by itself, and keeps it as if it had been reported."""

from __future__ import annotations

from uuid import uuid4

from temporalio import activity

from activities.channel import PolledPage
from activities.failures import temporal_errors
from connectors.ports import Report, Watched
from models.base import Model
from store import cursors, inbox
from store.database import Database
from store.inbox import NewEvent, Source

WMS = "wms"
SOURCE: Source = "wms"


class Warehouse(Model):
    """Which one: there is one connection, and the address of its webhook calls it `main`."""

    name: str = "main"


class WatchActivities:
    def __init__(self, watched: Watched | None, database: Database) -> None:
        self._watched = watched
        self._database = database

    @activity.defn
    async def watch_warehouse(self, warehouse: Warehouse) -> PolledPage:
        """Read one page of what happened, and keep its reports with the cursor: both are stored, or neither.

        Nothing, where the warehouse reports by itself.
        """
        if self._watched is None:
            return PolledPage(seen=0, kept=0, more=False)
        with temporal_errors():
            async with self._database.session() as session:
                read = await cursors.get(session, WMS, warehouse.name, cursors.REPORTS)
            page = await self._watched.changes(read.cursor if read else None)
            async with self._database.session() as session:
                names = [change.name for change in page.changes]
                known = await inbox.known(session, WMS, warehouse.name, SOURCE, names)
            reports = await self._watched.reports([change for change in page.changes if change.name not in known])
            async with self._database.session() as session:
                kept = await inbox.keep_many(session, [_event(warehouse, report) for report in reports])
                await cursors.advance(session, WMS, warehouse.name, page.cursor, cursors.REPORTS)
            return PolledPage(seen=len(page.changes), kept=len(kept), more=page.more)


def _event(warehouse: Warehouse, report: Report) -> NewEvent:
    return NewEvent(
        channel=WMS,
        account=warehouse.name,
        source=SOURCE,
        topic=report.topic,
        delivery_id=report.name,
        external_id=report.external_id or None,
        correlation_id=uuid4(),
        body=report.body,
    )
