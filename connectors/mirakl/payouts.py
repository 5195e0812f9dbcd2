"""Billing cycles that are paid out (SBC11), and the transaction lines of one (TL02)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, BinaryIO

import httpx

from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi, document
from connectors.mirakl.polling import written
from connectors.patience import patiently
from connectors.ports import SettlementRef
from connectors.raw import elements, write_pages

PAID = "PAID"
KEPT = timedelta(days=90)
"""How far back cycles are listed."""
MOST_CYCLES, MOST_LINES = 1000, 2000
A_TURN = timedelta(minutes=2)
"""How long a page waits for its turn, which comes every 90 seconds when the first twenty are read: a cycle that began
again would use up its turns for the same pages, and never end."""


class Payouts:
    """Option: `cycles_since` (ISO time; ninety days without)."""

    def __init__(self, api: MiraklApi, options: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._api = api
        self._since = options.get("cycles_since")
        self._clock = clock

    async def ready(self) -> list[SettlementRef]:
        """Cycles in the order of their creation, as Mirakl sorts them. Those not paid yet have no payment to prove."""
        since = datetime.fromisoformat(self._since) if self._since else self._clock() - KEPT
        params = {"start_date": written(since), "pay_out_state": PAID, "limit": str(MOST_CYCLES)}
        found = []
        async for text in self._pages(quotas.BILLING_CYCLES, "/api/seller-billing-cycles", params):
            answer = document(text, "list billing cycles")
            found += [each["id"].identifier() for each in answer["data"].each()]
        return [SettlementRef(settlement_id=cycle, document_id=cycle) for cycle in found]

    async def document(self, ref: SettlementRef, into: BinaryIO) -> None:
        """All lines of the cycle, verbatim, as one answer of TL02."""
        params = {"seller_billing_cycle_id": ref.document_id, "limit": str(MOST_LINES)}
        params["sort"] = "dateCreated,ASC"
        pages = self._pages(quotas.TRANSACTION_LOGS, "/api/sellerpayment/transactions_logs", params)
        await write_pages(into, '{"data":[', (elements(page.text, "data") async for page in pages))

    async def _pages(self, operation: str, path: str, params: dict[str, str]) -> AsyncIterator[httpx.Response]:
        """Answers up to the last one, which names no next page."""
        while True:
            wanted = partial(self._api.get, operation, path, params)
            response = await patiently(wanted, A_TURN)
            yield response
            token = document(response, operation)["next_page_token"].text()
            if not token:
                return
            params = {**params, "page_token": token}
