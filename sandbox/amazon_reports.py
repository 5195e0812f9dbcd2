"""Reports API 2021-06-30: settlement reports that Amazon makes on its own, and their documents."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models.money import Money
from sandbox.amazon_answers import Payload, invalid, not_found, now, read_moment, written
from sandbox.amazon_payout import Row, flat_file, order_rows, refund_rows
from sandbox.amazon_refunds import AmazonRefunds
from sandbox.amazon_shelf import AmazonShelf
from sandbox.amazon_storage import AmazonStorage, denied
from sandbox.core import Sandbox

REPORT_TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
SUBSCRIPTION = Decimal("39.99")


@dataclass
class Period:
    """What is settled in a currency: records and refunds, each with its rows."""

    orders: list[tuple[Payload, list[Row]]] = field(default_factory=list)
    refunds: list[tuple[Payload, list[Row]]] = field(default_factory=list)


class AmazonReports:
    def __init__(self, sandbox: Sandbox, shelf: AmazonShelf, storage: AmazonStorage, refunds: AmazonRefunds) -> None:
        self._ledger = sandbox.ledger
        self._shelf = shelf
        self._storage = storage
        self._refunds = refunds
        self._reports = sandbox.shelf.collection("amazon_reports")

    def close_period(self) -> list[str]:
        """Settle every shipped order, and every refund, that is not settled yet: a report for each currency.

        Returns their ids.
        """
        by_currency: dict[str, Period] = {}
        for record in self._shelf.records():
            if not record.get("settled") and _shipped(record["order"]) and (rows := _rows(record["order"])):
                by_currency.setdefault(rows[0].amount.currency, Period()).orders.append((record, rows))
        for refund in self._refunds.unsettled():
            order = self._shelf.get(refund["order_id"])
            assert order is not None
            rows = refund_rows(order["order"], refund)
            by_currency.setdefault(rows[0].amount.currency, Period()).refunds.append((refund, rows))
        return [self._close(currency, period) for currency, period in by_currency.items()]

    def _close(self, currency: str, period: Period) -> str:
        number = sum(entry["report"]["reportType"] == REPORT_TYPE for entry in self._reports.values()) + 1
        settlement_id = str(28_000_000_000 + number)
        rows = [row for _, rows in (*period.orders, *period.refunds) for row in rows]
        rows += _account_rows(number, currency)
        end = now()
        text, total = flat_file(settlement_id, rows, currency, end - timedelta(days=14), end)
        report = {
            "reportId": str(50_000_000_000 + number),
            "reportType": REPORT_TYPE,
            "dataStartTime": written(end - timedelta(days=14)),
            "dataEndTime": written(end),
            "createdTime": written(end),
            "processingStatus": "DONE",
            "processingStartTime": written(end),
            "processingEndTime": written(end),
            "reportDocumentId": f"amzn1.spdoc.1.4.na.{hashlib.sha256(text.encode()).hexdigest()[:32]}.{number}",
            "marketplaceIds": sorted({_marketplace(record["order"]) for record, _ in period.orders}),
        }
        self._reports.put(settlement_id, {"report": report, "text": text})
        for record, _ in period.orders:
            self._shelf.settled(record, settlement_id)
        for refund, _ in period.refunds:
            self._refunds.settled(refund, settlement_id)
        self._ledger.record(
            "amazon", "settlement_closed", settlement_id, total=str(total), orders=len(period.orders), rows=len(rows)
        )
        return settlement_id

    async def reports(self, request: Request) -> Response:
        """`GET /reports/2021-06-30/reports`. `nextToken` has to be the only parameter of its request."""
        query = dict(request.query_params)
        if token := query.pop("nextToken", None):
            if query:
                raise invalid("nextToken must be the only parameter.")
            query = _opened(token)
        elif not query.get("reportTypes"):
            raise invalid("Either reportTypes or nextToken is required.")
        size = query.get("pageSize", "10")
        if not (size.isascii() and size.isdigit() and 1 <= int(size) <= 100):
            raise invalid("pageSize must be between 1 and 100.")
        start = int(query.get("start", "0"))
        found = [entry["report"] for entry in reversed(self._reports.values()) if _wanted(entry["report"], query)]
        body: Payload = {"reports": found[start : start + int(size)]}
        if len(found) > start + int(size):
            body["nextToken"] = _sealed({**query, "start": str(start + int(size))})
        return JSONResponse(body)

    async def document(self, request: Request) -> Response:
        """`GET /reports/2021-06-30/documents/{id}`: an address that is good for five minutes."""
        document_id = request.path_params["document_id"]
        if self._text(document_id) is None:
            raise not_found("The report document")
        url = self._storage.address(f"/amazon-documents/{document_id}")
        return JSONResponse({"reportDocumentId": document_id, "url": url, "compressionAlgorithm": "GZIP"})

    async def download(self, request: Request) -> Response:
        """The file itself, from storage that knows signatures, not tokens."""
        text = self._text(request.path_params["document_id"])
        if refusal := self._storage.refusal(request):
            return refusal
        if text is None:
            return denied()
        return Response(gzip.compress(text.encode()), media_type="text/plain")

    def _text(self, document_id: str) -> str | None:
        entries = (e for e in self._reports.values() if e["report"].get("reportDocumentId") == document_id)
        return next((str(entry["text"]) for entry in entries), None)


def _shipped(order: Payload) -> bool:
    fulfilment = order.get("fulfillment")
    return isinstance(fulfilment, dict) and fulfilment.get("fulfillmentStatus") == "SHIPPED"


def _rows(order: Payload) -> list[Row]:
    """None for a loaded order whose amounts make no sense: Amazon pays nothing for it here."""
    try:
        return order_rows(order)
    except (KeyError, TypeError, AttributeError, ValueError):
        return []


def _marketplace(order: Payload) -> str:
    return str((order.get("salesChannel") or {}).get("marketplaceId") or "")


def _account_rows(number: int, currency: str) -> list[Row]:
    """What belongs to no order: the subscription, and now and then a label that nobody has seen before."""
    rows = [Row("ServiceFee", "other-transaction", "Subscription Fee", -Money.rounded(SUBSCRIPTION, currency), {}, {})]
    if number % 2 == 0:
        odd = Money.rounded(Decimal("-1.37"), currency)
        rows.append(Row("other-transaction", "other-transaction", f"Seasonal Rebalancing {number}", odd, {}, {}))
    return rows


def _wanted(report: Payload, query: dict[str, str]) -> bool:
    """The last 90 days, of the wanted types and statuses."""
    statuses = query.get("processingStatuses")
    created = datetime.fromisoformat(report["createdTime"])
    since = read_moment(query.get("createdSince") or written(now() - timedelta(days=90)), "createdSince")
    until = read_moment(query.get("createdUntil") or now().isoformat(), "createdUntil")
    return (
        report["reportType"] in query["reportTypes"].split(",")
        and (not statuses or report["processingStatus"] in statuses.split(","))
        and since <= created <= until
    )


def _sealed(query: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(query).encode()).decode()


def _opened(token: str) -> dict[str, str]:
    try:
        query = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise invalid("Invalid nextToken.") from None
    if not isinstance(query, dict) or not {"reportTypes", "start"} <= set(query):
        raise invalid("Invalid nextToken.")
    return {str(name): str(value) for name, value in query.items()}
