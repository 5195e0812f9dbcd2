"""`ports.Wms` and `ports.Watched` on a Tryton that runs warehouses.

People pick, ship and take back in Tryton; what they did is learned by asking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx

from connectors.ports import Change, ChangePage, ReleaseCancelled, Report
from connectors.registry import SystemConnection
from connectors.tryton.client import KeyAuth, TrytonClient
from connectors.tryton.levels import stock_levels
from connectors.tryton.records import Records
from connectors.wms.tryton.dispatches import DispatchReader
from connectors.wms.tryton.options import WarehouseOptions
from connectors.wms.tryton.releasing import Releasing
from connectors.wms.tryton.stopping import Stopping
from connectors.wms.tryton.watching import Watching
from models.fulfilment import Release, Shipment, Shortfall
from models.ledger import StockLevel


class TrytonWms:
    """Looks before every write, not only on a retry."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        options = WarehouseOptions.of(connection)
        auth = KeyAuth(connection, "key")
        self._client = TrytonClient(connection.base_url, options.database, options.company, auth, transport)
        self._records = Records(self._client)
        self._reader = DispatchReader(self._client)
        self._releasing = Releasing(self._client, self._records, self._reader)
        self._stopping = Stopping(self._client, self._records, self._reader)
        self._watching = Watching(self._client, self._reader)
        self._slots = asyncio.Semaphore(options.concurrency)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ping(self) -> None:
        await self._records.ping()

    async def release(self, release: Release, *, retry: bool) -> None:
        async with self._slots:
            await self._releasing.release(release)

    async def cancel(self, fulfilment_id: str, correlation_id: str) -> ReleaseCancelled:
        async with self._slots:
            return await self._stopping.stop(fulfilment_id)

    async def shipments(self, fulfilment_id: str, correlation_id: str) -> list[Shipment]:
        return (await self._reader.of(fulfilment_id)).shipments()

    async def shortfalls(self, fulfilment_id: str, correlation_id: str) -> list[Shortfall]:
        found = (await self._reader.of(fulfilment_id)).shortfall()
        return [found] if found else []

    async def stock_levels(self) -> tuple[StockLevel, ...] | None:
        return await stock_levels(self._client)

    async def changes(self, cursor: str | None) -> ChangePage:
        return await self._watching.changes(cursor)

    async def reports(self, changes: Sequence[Change]) -> list[Report]:
        return await self._watching.reports(changes)
