"""A sheet for a spreadsheet program (Office Open XML), written row by row: memory does not grow with the sheet.

Amounts are written as numbers with their decimals; texts are inline, so that ids like 1803550130406 stay as they are.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FILES = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Lines" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
}
MOST_ROWS = 1_048_576
"""Of a sheet, by the format."""


class Sheet:
    """`with Sheet(path) as sheet: sheet.row((…))`."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._sheet: IO[bytes] | None = None
        self._rows = 0

    def __enter__(self) -> Self:
        for name, content in _FILES.items():
            self._archive.writestr(name, _HEAD + content)
        self._sheet = self._archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True)
        self._write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("</sheetData></worksheet>")
        if self._sheet:
            self._sheet.close()
        self._archive.close()

    def row(self, cells: Sequence[object]) -> None:
        """Raises `ValueError` beyond what a sheet can hold."""
        self._rows += 1
        if self._rows > MOST_ROWS:
            raise ValueError(f"a sheet holds {MOST_ROWS} rows: export it as CSV")
        self._write(f"<row>{''.join(_cell(cell) for cell in cells)}</row>")

    def _write(self, text: str) -> None:
        if self._sheet:
            self._sheet.write(text.encode())


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"<c><v>{value}</v></c>"
    shown = value.isoformat() if isinstance(value, datetime) else str(value)
    clean = "".join(each for each in shown if each >= " " or each in "\t\n")
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(clean)}</t></is></c>'
