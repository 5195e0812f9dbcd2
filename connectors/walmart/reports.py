"""Reconciliation reports v1, which Walmart makes after each settlement period (JSON, in pages)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import BinaryIO

from connectors.errors import SchemaDrift
from connectors.http import VendorClient
from connectors.patience import patiently
from connectors.ports import SettlementRef
from connectors.raw import elements, write_pages
from connectors.walmart import quotas
from connectors.walmart.answers import document, nothing_there

VERSION = {"reportVersion": "v1"}
PAGE_SIZE = 1000
"""Rows of a page, at most."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class ReconReports:
    path = "/v3/report/reconreport"

    def __init__(self, client: VendorClient) -> None:
        self._client = client

    async def ready(self) -> list[SettlementRef]:
        """Oldest first. The dates are handed back as Walmart wrote them: its own documents disagree on the form."""
        path = f"{self.path}/availableReconFiles"
        response = await self._client.send(quotas.RECON_DATES, "GET", path, params=VERSION)
        if nothing_there(response):
            return []
        answer = document(response, "available reconciliation files")
        dates = [node.identifier() for node in answer["availableApReportDates"].each()]
        return [SettlementRef(settlement_id=date, document_id=date) for date in sorted(dates, key=_day)]

    async def download(self, ref: SettlementRef, into: BinaryIO) -> None:
        """All pages as one report."""
        if not await write_pages(into, '{"reportData":[', self._pages(ref.document_id)):
            remedy = "The report is listed, and has no rows: ask for it again later."
            raise SchemaDrift("not_a_settlement", f"report {ref.document_id}", "no rows", remedy)

    async def _pages(self, date: str) -> AsyncIterator[list[str]]:
        """`nextOffset` counts Walmart's own way, so it is only handed back."""
        offset = -1
        following = 0
        while following > offset:
            offset = following
            rows, following = await patiently(partial(self._page, date, offset))
            yield rows

    async def _page(self, date: str, offset: int) -> tuple[list[str], int]:
        """Rows, verbatim, and where the next page begins: not further on, when this was the last."""
        params = {**VERSION, "reportDate": date, "offset": str(offset), "noOfRecords": str(PAGE_SIZE)}
        response = await self._client.send(quotas.RECON_FILE, "GET", f"{self.path}/reconFileJson", params=params)
        if nothing_there(response) and offset:
            return [], offset
        answer = document(response, f"reconciliation report {date}")
        rows = elements(response.text, "reportData")
        following = answer["nextOffset"]
        return rows, int(following.decimal()) if rows and following else offset


def _day(date: str) -> tuple[datetime, str]:
    """MMDDYYYY or YYYYMMDD; what is neither comes first, by its text."""
    for shape in ("%m%d%Y", "%Y%m%d", "%Y-%m-%d"):
        try:
            return datetime.strptime(date, shape).replace(tzinfo=UTC), date
        except ValueError:
            continue
    return _LONG_AGO, date
