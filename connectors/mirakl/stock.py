"""Stock of offers by file (STO01), followed to its end (STO02, STO03).

Not by OF24, which replaces the whole offer and would reset its price; a stock file sets quantities alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.api import CSV, MiraklApi, document
from models.channel import Progress, Rejected, StockUpdate

COLUMNS = ("offer-sku", "quantity", "warehouse-code", "update-delete")
POLL_SECONDS = 15.0
"""Mirakl's least pause between two looks at an import."""
UNDER_WAY = frozenset({"WAITING", "RUNNING"})
_SKU_AT = 2
"""Column of the SKU in an error report without a header: after the line's number and the reason."""


class Stock:
    """Options: `warehouse_code` (else the quantities are global), `import_poll_seconds`."""

    def __init__(self, api: MiraklApi, options: Mapping[str, Any]) -> None:
        self._api = api
        self._warehouse = str(options.get("warehouse_code", ""))
        self._look_again = timedelta(seconds=float(options.get("import_poll_seconds", POLL_SECONDS)))

    async def set(self, update: StockUpdate) -> Progress:
        """Quantities are absolute: a file that is sent again changes nothing, so that a retry needs no look."""
        content = _file(update, self._warehouse)
        response = await self._api.upload(quotas.IMPORT_STOCK, "/api/offers/stock/imports", "stock.csv", content)
        import_id = document(response, "import stock")["import_id"].identifier()
        return Progress(operation=import_id, look_again=self._look_again)

    async def follow(self, import_id: str) -> Progress:
        """Raises `Declined` when Mirakl gave the whole import up."""
        path = f"/api/offers/stock/imports/{quote(import_id, safe='')}"
        status = document(await self._api.get(quotas.STOCK_STATUS, f"{path}/status"), "stock status")
        word = status["status"].text()
        if word in UNDER_WAY:
            return Progress(operation=import_id, look_again=self._look_again)
        if word != "COMPLETE":
            raise Declined(f"import stock: import {import_id} is {word or 'in no known state'}", code="import_failed")
        if not status["has_error_report"].flag():
            return Progress()
        report = await self._api.get(quotas.STOCK_ERRORS, f"{path}/error_report", accept=CSV)
        return Progress(rejected=tuple(_rejected(report.content)))


def _file(update: StockUpdate, warehouse: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((each.sku, each.quantity, warehouse, "") for each in update.quantities)
    return text.getvalue().encode()


def _rejected(report: bytes) -> Iterator[Rejected]:
    """First column the line's number, second the reason, then the line as it was sent (STO03)."""
    rows = list(csv.reader(io.StringIO(report.decode("utf-8-sig", "replace")), delimiter=";"))
    header = [name.strip().lower() for name in rows[0]] if rows else []
    sku_at = header.index(COLUMNS[0]) if COLUMNS[0] in header else _SKU_AT
    for row in rows[1:] if COLUMNS[0] in header else rows:
        if len(row) > sku_at:
            yield Rejected(key=row[sku_at], code="stock_refused", message=row[1])
