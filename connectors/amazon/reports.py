"""Settlement reports, which Amazon makes on its own: listed, and their documents downloaded (Reports 2021-06-30)."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime
from urllib.parse import quote

from connectors.amazon import quotas
from connectors.amazon.answers import document
from connectors.amazon.node import Node
from connectors.errors import SchemaDrift, Unavailable
from connectors.http import VendorClient
from connectors.ports import SettlementRef

REPORT_TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
PAGE_SIZE = 100
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class SettlementReports:
    path = "/reports/2021-06-30"

    def __init__(self, client: VendorClient, documents: VendorClient) -> None:
        self._client = client
        self._documents = documents

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

    async def download(self, ref: SettlementRef) -> bytes:
        """The document behind a signed address that lives for five minutes."""
        path = f"{self.path}/documents/{quote(ref.document_id, safe='')}"
        answer = document(await self._client.send(quotas.GET_REPORT_DOCUMENT, "GET", path), "get report document")
        response = await self._documents.send(quotas.DOWNLOAD, "GET", answer["url"].identifier())
        if response.status_code >= 400:
            raise Unavailable(f"amazon report {ref.settlement_id}: HTTP {response.status_code} for its document")
        if answer["compressionAlgorithm"].text() != "GZIP":
            return response.content
        try:
            return gzip.decompress(response.content)
        except (OSError, EOFError, zlib.error):
            remedy = "The document is said to be GZIP, and is not: download it again."
            raise SchemaDrift("wrong_type", f"report {ref.settlement_id}", response.content[:40], remedy) from None


def _finished(report: Node) -> bool:
    """Filtered again here: the filter of the request is lost on the pages after the first."""
    return (
        report["reportType"].text() == REPORT_TYPE
        and report["processingStatus"].text() == "DONE"
        and bool(report["reportDocumentId"])
    )
