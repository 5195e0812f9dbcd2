"""How a document that is not understood is refused."""

from __future__ import annotations

from pydantic import ValidationError

from connectors.errors import SchemaDrift
from connectors.ports import Refusal


def refusal(drift: SchemaDrift, external_id: str | None) -> Refusal:
    return Refusal(
        reason=drift.reason,
        path=drift.path,
        value=drift.value,
        remedy=drift.remedy.encode("utf-8", "backslashreplace").decode().replace("\x00", ""),
        external_id=external_id,
    )


def first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])} {first['msg']}".strip()
    return str(error)
