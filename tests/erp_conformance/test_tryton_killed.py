"""Tryton is killed twenty times while orders are posted: every order ends complete, and no document is there twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from connectors.ports import ErpOrder
from models.ledger import DocumentKind
from models.money import Money
from tests.erp_conformance.stage import Stage
from tests.erp_conformance.subject import Running
from tests.erp_conformance.subjects.tryton import TrytonServer
from tests.provider_suite import Servers, insist

KILLS = 20
POSTING = 4
"""Orders under way at the same time."""


@dataclass
class Postings:
    """Orders that go on being posted until the last kill, and what became of them."""

    stage: Stage
    kills: int = 0
    steps: int = 0
    failures: int = 0
    posted: list[ErpOrder] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self) -> None:
        while self.kills < KILLS:
            request = self.stage.order()
            await self._step(partial(self.stage.erp.create_order, request))
            for parcel in self.stage.parcels(request):
                await self._step(partial(self.stage.erp.post_shipment, parcel))
                await self._step(partial(self.stage.erp.post_invoice, parcel))
            self.posted.append(request)

    async def kill(self, server: TrytonServer) -> None:
        """Each time when something was posted since the last."""
        while self.kills < KILLS:
            self.moved.clear()
            await self.moved.wait()
            await server.kill()
            self.kills += 1

    async def _step(self, call: Callable[..., Awaitable[object]]) -> None:
        # An invoice takes longer than the others' steps between two kills: it may have to wait for the last.
        self.failures += await insist(lambda retry: call(retry=retry), seconds=900)
        self.steps += 1
        self.moved.set()


@pytest.mark.erp
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(1800)
async def test_no_document_is_there_twice_when_tryton_is_killed_twenty_times(servers: Servers[Running]) -> None:
    running = await servers.of("tryton")
    assert isinstance(running.server, TrytonServer)
    stage = Stage(running)
    postings = Postings(stage)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(postings.kill(running.server))
        for _ in range(POSTING):
            tasks.create_task(postings.post())
    print(
        f"\n{postings.kills} kills, {len(postings.posted)} orders, {postings.steps} steps,"
        f" {postings.failures} attempts that failed"
    )
    assert postings.failures, "no kill struck anything: this proves nothing"
    for request in postings.posted:
        documents = await stage.documents(request)
        invoices = documents.of_kind(DocumentKind.INVOICE)
        assert len(documents.of_kind(DocumentKind.SHIPMENT)) == len(invoices) == 3
        amounts = [amount for each in invoices for amount in (each.net, each.seller_tax) if amount is not None]
        assert Money.total(amounts, "EUR") == request.order.receivable
    assert await running.server.doubled("sale.sale", "web_id") == {}
    # A parcel of goods from two warehouses is a shipment of each.
    assert await running.server.doubled("stock.shipment.out", "reference", "warehouse") == {}
    assert await running.server.doubled("account.invoice", "reference") == {}
    await stage.aclose()
