"""Histories of repairs and breakers, kept to be replayed against later code.

Record anew, with the change that explains why: `ORDERYARD_RECORD_HISTORIES=1 pytest tests/repair`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from temporalio.client import Client

FOLDER = Path(__file__).parents[1] / "histories" / "repair"
RECORD = os.environ.get("ORDERYARD_RECORD_HISTORIES") == "1"


async def keep(client: Client, workflow_id: str, name: str) -> None:
    """Write the history of the newest run under this name, when histories are being recorded."""
    if not RECORD:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    history = json.loads((await client.get_workflow_handle(workflow_id).fetch_history()).to_json())
    (FOLDER / f"{name}.json").write_text(json.dumps(_without_traces(history), indent=2) + "\n", encoding="utf-8")


def _without_traces(value: Any) -> Any:
    """Stack traces name the paths of the machine they were recorded on; a replay does not look at them."""
    if isinstance(value, dict):
        return {name: "" if name == "stackTrace" else _without_traces(inner) for name, inner in value.items()}
    return [_without_traces(each) for each in value] if isinstance(value, list) else value
