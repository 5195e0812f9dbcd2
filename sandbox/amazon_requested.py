"""Reports API 2021-06-30: reports that are asked for, and made in a while. (Settlements cannot be asked for.)"""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.amazon_answers import Payload, invalid, json_body, not_found, now, read_moment, written
from sandbox.amazon_returns import AmazonReturns
from sandbox.core import Sandbox

RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
FIRST_REPORT = 60_000_000_000
LONGEST = timedelta(days=60)
DEFAULT = timedelta(days=30)
FINAL = ("DONE", "CANCELLED", "FATAL")


class RequestedReports:
    """Beside the settlement reports in one collection, so that all are listed and downloaded alike."""

    def __init__(self, sandbox: Sandbox, returns: AmazonReturns) -> None:
        self._sandbox = sandbox
        self._returns = returns
        self._reports = sandbox.shelf.collection("amazon_reports")

    def resume(self) -> None:
        """Go on with the reports that were not made when the sandbox stopped."""
        for report_id in self._reports:
            if self._entry(report_id)["report"]["processingStatus"] not in FINAL:
                self._sandbox.spawn(self._make(report_id))

    async def create(self, request: Request) -> Response:
        """`POST /reports/2021-06-30/reports`."""
        body = await json_body(request)
        if body.get("reportType") != RETURNS:
            raise invalid(f"The report type {body.get('reportType')!r} cannot be requested.")
        if not isinstance(body.get("marketplaceIds"), list) or not body["marketplaceIds"]:
            raise invalid("marketplaceIds is required.")
        end = read_moment(body["dataEndTime"], "dataEndTime") if body.get("dataEndTime") else now()
        start = read_moment(body["dataStartTime"], "dataStartTime") if body.get("dataStartTime") else end - DEFAULT
        if not timedelta(0) <= end - start <= LONGEST + timedelta(minutes=5):
            raise invalid("dataStartTime must be before dataEndTime, by 60 days at most.")
        report_id = str(FIRST_REPORT + len(self._reports) + 1)
        report = {
            "reportId": report_id,
            "reportType": RETURNS,
            "dataStartTime": written(start),
            "dataEndTime": written(end),
            "createdTime": written(now()),
            "processingStatus": "IN_QUEUE",
            "marketplaceIds": [str(each) for each in body["marketplaceIds"]],
        }
        self._reports.put(report_id, {"report": report, "text": ""})
        self._sandbox.spawn(self._make(report_id))
        return JSONResponse({"reportId": report_id}, status_code=202)

    async def get(self, request: Request) -> Response:
        """`GET /reports/2021-06-30/reports/{reportId}`."""
        wanted = request.path_params["report_id"]
        found = (entry["report"] for entry in self._reports.values() if entry["report"]["reportId"] == wanted)
        report = next(found, None)
        if report is None:
            raise not_found("The report")
        return JSONResponse(report)

    async def _make(self, report_id: str) -> None:
        pause = self._sandbox.options.job_delay / 2
        await asyncio.sleep(pause)
        self._put(report_id, processingStatus="IN_PROGRESS", processingStartTime=written(now()))
        await asyncio.sleep(pause)
        report = self._entry(report_id)["report"]
        # A report whose end was left open is of all that is there when it is made.
        text = self._returns.report(datetime.fromisoformat(report["dataStartTime"]), now())
        self._reports.put(report_id, {**self._entry(report_id), "text": text})
        document_id = f"amzn1.spdoc.1.4.na.{uuid.uuid4()}"
        self._put(report_id, processingStatus="DONE", processingEndTime=written(now()), reportDocumentId=document_id)

    def _entry(self, report_id: str) -> Payload:
        entry: Payload | None = self._reports.get(report_id)
        assert entry is not None
        return entry

    def _put(self, report_id: str, **changes: str) -> None:
        entry = self._entry(report_id)
        self._reports.put(report_id, {**entry, "report": {**entry["report"], **changes}})
