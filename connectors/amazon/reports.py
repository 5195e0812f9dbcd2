"""Settlement reports, which Amazon makes on its own: listed, and their documents downloaded (Reports 2021-06-30)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import quote

from connectors.amazon import quotas
from connectors.amazon.answers import document
from connectors.amazon.node import Node
from connectors.amazon.storage import Storage
from connectors.http import VendorClient
from connectors.ports import SettlementRef

REPORT_TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
PAGE_SIZE = 100
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class SettlementReports:
    path = "/reports/2021-06-30"

    def __init__(self, client: VendorClient, storage: Storage) -> None:
        self._client = client
        self._storage = storage

    async def ready(self) -> list[SettlementRef]:
        """Finished reports, oldest first; Amazon keeps them for 90 days."""
        found: list[Node] = []
        params = {"reportTypes": REPORT_TYPE, "processingStatuses": "DONE", "pageSize": str(PAGE_SIZE)}
        while True:
            response = await self._client.send(quotas.GET_REPORTS, "GET", f"{self.path}/reports", params=params)
            answer = document(response, "get reports")
            found += [report for report in answer["reports"].each() if _finished(report)]
            if not answer["nextToken"]:
                break
            # The next token must be the only parameter of its request.
            params = {"nextToken": answer["nextToken"].text()}
        found.sort(
            key=lambda report: (report["createdTime"].moment_if_readable() or _LONG_AGO, report["reportId"].text())
        )
        return [
            SettlementRef(
                settlement_id=report["reportId"].identifier(), document_id=report["reportDocumentId"].identifier()
            )
            for report in found
        ]

    async def download(self, ref: SettlementRef, into: BinaryIO) -> None:
        url, compression = await _address(self._client, ref.document_id)
        await self._storage.download(url, f"settlement report {ref.settlement_id}", compression, into)


async def document_text(client: VendorClient, storage: Storage, document_id: str, what: str) -> bytes:
    """The content of a report's document, in memory."""
    url, compression = await _address(client, document_id)
    return await storage.read(url, what, compression)


async def _address(client: VendorClient, document_id: str) -> tuple[str, str]:
    """Where a report's document is for the next minutes, and how it is packed."""
    path = f"{SettlementReports.path}/documents/{quote(document_id, safe='')}"
    answer = document(await client.send(quotas.GET_REPORT_DOCUMENT, "GET", path), "get report document")
    return answer["url"].identifier(), answer["compressionAlgorithm"].text()


def _finished(report: Node) -> bool:
    """Filtered again here: the filter of the request is lost on the pages after the first."""
    return (
        report["reportType"].text() == REPORT_TYPE
        and report["processingStatus"].text() == "DONE"
        and bool(report["reportDocumentId"])
    )
