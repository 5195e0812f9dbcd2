"""Whose turn it is: one posting of an order at a time, and no more postings at once than an ERP takes well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from models.order import OrderKey


class Turns:
    """An invoice takes its share after the invoices before it; and postings that lose locks to each other only cost."""

    def __init__(self, slots: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, key: OrderKey) -> AsyncIterator[None]:
        lock = self._orders.setdefault(str(key), asyncio.Lock())
        async with lock, self._slots:
            yield

    @asynccontextmanager
    async def any(self) -> AsyncIterator[None]:
        async with self._slots:
            yield
