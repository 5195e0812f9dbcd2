"""Stock files (STO01), their status (STO02) and what was wrong with them (STO03): read later, line by line."""

from __future__ import annotations

import asyncio
import csv
import io
import uuid
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.goods import SOLD, UNMAPPED_SKU
from sandbox.mirakl_answers import Payload, Refused, invalid, now, written
from sandbox.mirakl_shelf import MiraklShelf

SKUS = frozenset({*(listing.sku for listing in SOLD), UNMAPPED_SKU})
NEEDED = ("offer-sku", "quantity")
SHOP_ID = 2001


class MiraklStock:
    def __init__(self, shelf: MiraklShelf) -> None:
        self._shelf = shelf
        self._imports = shelf.sandbox.shelf.collection("mirakl_imports")
        self.quantities = shelf.sandbox.shelf.collection("mirakl_stock")
        """Offer's SKU -> what may be sold."""

    async def upload(self, request: Request) -> Response:
        """STO01: a file named `file`; what is in it is looked at later."""
        text = _file(request.headers.get("content-type", ""), await request.body())
        import_id = str(uuid.uuid4())
        job: Payload = {
            "import_id": import_id,
            "status": "WAITING",
            "date_created": written(now()),
            "has_error_report": False,
            "shop_id": SHOP_ID,
        }
        self._imports.put(import_id, {"job": job, "text": text, "errors": []})
        self._shelf.sandbox.spawn(self._process(import_id))
        location = f"/api/offers/stock/imports/{import_id}/status"
        return JSONResponse({"import_id": import_id}, status_code=201, headers={"Location": location})

    def resume(self) -> None:
        """Go on with files that were not looked at when the sandbox stopped."""
        for entry in self._imports.values():
            if entry["job"]["status"] == "WAITING":
                self._shelf.sandbox.spawn(self._process(entry["job"]["import_id"]))

    async def status(self, request: Request) -> Response:
        return JSONResponse(self._import(request)["job"])

    async def errors(self, request: Request) -> Response:
        """STO03: number of the line, reason, and the line as it was sent."""
        entry = self._import(request)
        if not entry["job"]["has_error_report"]:
            raise Refused(404, "There is no error report for this import")
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(("error-line", "error-message", *entry["header"]))
        writer.writerows(entry["errors"])
        return Response(text.getvalue(), media_type="text/csv")

    def _import(self, request: Request) -> Payload:
        entry: Payload | None = self._imports.get(request.path_params["import_id"])
        if entry is None:
            raise Refused(404, "Import not found")
        return entry

    async def _process(self, import_id: str) -> None:
        await asyncio.sleep(self._shelf.sandbox.options.job_delay)
        entry = self._imports.get(import_id)
        assert entry is not None
        rows = list(csv.reader(io.StringIO(entry["text"]), delimiter=";"))
        header = [name.strip().lower() for name in rows[0]] if rows else []
        if not set(NEEDED) <= set(header):
            entry["job"]["status"] = "FAILED"
        else:
            entry["header"], entry["errors"] = header, list(self._read(header, rows[1:]))
            wrong = len(entry["errors"])
            entry["job"].update(status="COMPLETE", lines_in_error=wrong, lines_in_success=len(rows) - 1 - wrong)
            entry["job"]["has_error_report"] = bool(wrong)
        self._imports.put(import_id, entry)

    def _read(self, header: list[str], rows: list[list[str]]) -> Iterator[list[str]]:
        """Set the quantities of the good lines; yields the others as the error report has them."""
        for line_number, row in enumerate(rows, start=2):
            cells = dict(zip(header, row, strict=False))
            sku, quantity = (cells.get(name, "") for name in NEEDED)
            if sku not in SKUS:
                yield [str(line_number), f"The offer with SKU '{sku}' does not exist", *row]
            elif not (quantity.isascii() and quantity.isdigit()):
                yield [str(line_number), f"The quantity '{quantity}' is not a whole number", *row]
            else:
                self.quantities.put(sku, int(quantity))
                self._shelf.record("stock_set", sku, quantity=int(quantity))


def _file(content_type: str, body: bytes) -> str:
    """The part named `file` of a `multipart/form-data` request. Raises `Refused` when there is none."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file" and part.get_filename():
            content = part.get_payload(decode=True)
            return content.decode("utf-8-sig", "replace") if isinstance(content, bytes) else ""
    raise invalid("file: a multipart file is needed")
