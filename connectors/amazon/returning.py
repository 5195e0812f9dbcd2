"""Reads returns by a report, which Amazon makes in its own time: asked for, waited for, and cut into returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import structlog

from connectors.amazon import quotas
from connectors.amazon.answers import document
from connectors.amazon.parse_returns import parse_returns
from connectors.amazon.polling import NO_VERSION, written
from connectors.amazon.reports import SettlementReports, document_text
from connectors.amazon.return_file import groups
from connectors.amazon.seller import Seller
from connectors.amazon.storage import Storage
from connectors.http import VendorClient
from connectors.ports import PolledOrder, ReturnPage
from models.base import Model

log = structlog.get_logger(__name__)

REPORT_TYPE = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
DAYS = 60
"""How far back each report goes: it is made by the day of the request, and says later what became of it. No report may
be of more days."""
LONGEST_WAIT = 10.0
"""Seconds that one page waits for its report."""
Sleep = Callable[[float], Awaitable[None]]


class Cursor(Model):
    """Where a walk stands: a report that was asked for, or none."""

    report_id: str | None = None


class ReturnWalk:
    def __init__(
        self,
        client: VendorClient,
        storage: Storage,
        seller: Seller,
        options: Mapping[str, Any],
        clock: Callable[[], datetime],
        sleep: Sleep,
    ) -> None:
        self._client = client
        self._storage = storage
        self._seller = seller
        self._clock = clock
        self._sleep = sleep
        self._days = timedelta(days=float(options.get("returns_days", DAYS)))
        self._marketplaces = [str(each) for each in options.get("marketplace_ids", ())]

    async def page(self, cursor: str | None, account: str) -> ReturnPage:
        at = Cursor.model_validate_json(cursor) if cursor else Cursor()
        if at.report_id is None:
            return _page(Cursor(report_id=await self._ask()), more=True)
        path = f"{SettlementReports.path}/reports/{quote(at.report_id, safe='')}"
        report = document(await self._client.send(quotas.GET_REPORT, "GET", path), f"get report {at.report_id}")
        status = report["processingStatus"].text()
        if status in ("IN_QUEUE", "IN_PROGRESS"):
            await self._sleep(min(self._seller.look_again.total_seconds(), LONGEST_WAIT))
            return _page(at, more=True)
        if status != "DONE":
            # CANCELLED is how Amazon says that there is nothing to report; the next walk asks again after FATAL.
            log.warning("no returns report", report_id=at.report_id, status=status)
            return _page(Cursor(), more=False)
        what = f"returns report {at.report_id}"
        text = await document_text(self._client, self._storage, report["reportDocumentId"].identifier(), what)
        return _page(Cursor(), *returns_of(text, account), more=False)

    async def _ask(self) -> str:
        """Asking twice makes two reports, which does no harm."""
        body = {
            "reportType": REPORT_TYPE,
            "dataStartTime": written(self._clock() - self._days),
            "marketplaceIds": self._marketplaces or [self._seller.marketplace()],
        }
        path = f"{SettlementReports.path}/reports"
        response = await self._client.send(quotas.CREATE_REPORT, "POST", path, json=body)
        return document(response, "create returns report")["reportId"].identifier()


def returns_of(text: bytes, account: str) -> list[PolledOrder]:
    """One document a return, each with the header and its own rows as they stand."""
    header, found = groups(text)
    polled = []
    for group in found:
        body = "\n".join([header, *group.lines, ""]).encode()
        versions = [each.version for each in parse_returns(body, account).returns]
        polled.append(PolledOrder(external_id=group.return_id, version=max(versions, default=NO_VERSION), body=body))
    return polled


def _page(cursor: Cursor, *returns: PolledOrder, more: bool) -> ReturnPage:
    return ReturnPage(returns=returns, cursor=cursor.model_dump_json(), more=more)
