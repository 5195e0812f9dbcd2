"""Reconciliation reports v1: one a settlement period, as JSON in pages and as a zipped CSV."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Sandbox
from sandbox.walmart_answers import Payload, Refused, now, number_of
from sandbox.walmart_book import OrderBook, node_type
from sandbox.walmart_payout import COMMISSION, Row, refund_charges, refund_rows, sale_rows
from sandbox.walmart_units import SHIPPED, lines, units_in

COLUMNS = (
    "Period Start Date", "Period End Date", "Total Payable", "Currency", "Transaction Key",
    "Transaction Posted Timestamp", "Transaction Type", "Transaction Description", "Customer Order #",
    "Customer Order line #", "Purchase Order #", "Purchase Order line #", "Amount", "Amount Type", "Ship Qty",
    "Commission Rate", "Transaction Reason Description", "Partner Item Id", "Partner GTIN", "Partner Item Name",
    "Product Tax Code", "Ship to State", "Ship to City", "Ship to Zipcode", "Contract Category", "Product Type",
    "Commission Rule", "Shipping Method", "Fulfillment Type", "Fulfillment Details", "Original Commission",
)  # fmt: skip
LARGEST_PAGE = 1000
PERIOD = timedelta(days=14)
BYTES_A_ROW = 512
"""`offset` counts bytes of Walmart's file; here each row has so many."""


class WalmartRecon:
    def __init__(self, sandbox: Sandbox, book: OrderBook) -> None:
        self._book = book
        self._ledger = sandbox.ledger
        self._reports = sandbox.shelf.collection("walmart_recon")

    def close_period(self) -> list[str]:
        """Pay what was shipped and not paid yet; returns the date of the report. Nothing to pay: no report."""
        rows: list[Row] = []
        for record in self._book.records():
            order = record["order"]
            found = [*sale_rows(order, record.get("settled", {})), *refund_rows(order, record.get("refunds", {}))]
            if found:
                rows += found
                shipped = {str(line["lineNumber"]): units_in(line, SHIPPED) for line in lines(order)}
                refunds = {str(line["lineNumber"]): len(refund_charges(line)) for line in lines(order)}
                self._book.noted(record, settled=shipped, refunds=refunds)
        if not rows:
            return []
        start, end = self._period()
        total = sum((row.amount for row in rows), Decimal(0))
        date = f"{end:%m%d%Y}"
        told = [_summary(start, end, total), *(_told(row, end, number) for number, row in enumerate(rows, start=1))]
        self._reports.put(date, {"end": end.isoformat(), "rows": told})
        self._ledger.record("walmart", "paid_out", f"walmart/recon/{date}", amount=str(total), rows=len(rows))
        return [date]

    def _period(self) -> tuple[datetime, datetime]:
        """From the end of the last one until today; a second one of a day ends on the next, for each has its date."""
        today = now().replace(hour=0, minute=0, second=0, microsecond=0)
        ends = [datetime.fromisoformat(report["end"]) for report in self._reports.values()]
        if not ends:
            return today - PERIOD, today
        return max(ends), max(today, max(ends) + timedelta(days=1))

    async def dates(self, _: Request) -> Response:
        return JSONResponse({"availableApReportDates": list(self._reports)})

    async def json(self, request: Request) -> Response:
        """`reconFileJson`: `noOfRecords` rows from `offset`; `nextOffset` is where the next page begins."""
        rows = self._rows(request)
        given = request.query_params
        offset = number_of(given.get("offset"), "offset", 0, 10**12)
        count = number_of(given.get("noOfRecords"), "noOfRecords", LARGEST_PAGE, LARGEST_PAGE)
        first = offset // BYTES_A_ROW
        page = rows[first : first + count]
        return JSONResponse(
            {
                "reportData": page,
                "nextOffset": (first + len(page)) * BYTES_A_ROW,
                "totalRecords": len(page),
                "description": f"Number of Lines in file {len(rows)}             ",
            }
        )

    async def csv(self, request: Request) -> Response:
        """`reconFile`: a zip archive with the CSV file."""
        rows = self._rows(request)
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="")
        writer.writeheader()
        text.write(f"Number of Lines in file {len(rows)}\r\n")
        writer.writerows(rows)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(f"ReconReport_{request.query_params['reportDate']}.csv", text.getvalue())
        return Response(archive.getvalue(), media_type="application/octet-stream")

    def _rows(self, request: Request) -> list[Payload]:
        report = self._reports.get(request.query_params.get("reportDate", ""))
        if report is None:
            message = "There is no report of this date."
            raise Refused(404, "CONTENT_NOT_FOUND.GMP_REPORT_API", message, "reportDate")
        rows: list[Payload] = report["rows"]
        return rows


def _summary(start: datetime, end: datetime, total: Decimal) -> Payload:
    return {
        "Period Start Date": _day(start),
        "Period End Date": _day(end),
        "Total Payable": str(total),
        "Currency": "USD",
        "Transaction Posted Timestamp": _day(end),
        "Transaction Type": "PaymentSummary",
        "Transaction Description": "Deposited in account",
    }


def _told(row: Row, posted: datetime, number: int) -> Payload:
    order, line, place = row.order, row.line, row.order["shippingInfo"]["postalAddress"]
    cells = {
        "Period Start Date": '""',
        "Transaction Key": f"{posted:%Y_%m_%d}_{number}",
        "Transaction Posted Timestamp": _day(posted),
        "Transaction Type": row.kind,
        "Transaction Description": row.description,
        "Customer Order #": str(order.get("customerOrderId", "")),
        "Customer Order line #": str(line["lineNumber"]),
        "Purchase Order #": str(order["purchaseOrderId"]),
        "Purchase Order line #": str(line["lineNumber"]),
        "Amount": str(row.amount),
        "Amount Type": row.amount_type,
        "Ship Qty": str(row.quantity),
        "Partner Item Id": str(line["item"].get("sku", "")),
        "Partner Item Name": str(line["item"].get("productName", "")),
        "Ship to State": str(place.get("state", "")),
        "Ship to City": str(place.get("city", "")),
        "Ship to Zipcode": str(place.get("postalCode", "")),
        "Shipping Method": str(order["shippingInfo"].get("methodCode", "")),
        "Fulfillment Type": node_type(order),
    }
    return {**cells, "Commission Rate": str(COMMISSION)} if "Commission" in row.amount_type else cells


def _day(moment: datetime) -> str:
    """Month first, in UTC."""
    return f"{moment.astimezone(UTC):%m/%d/%Y}"
