"""Histories of workflows, kept under `tests/histories/` to be replayed against later code.

Record anew, with the change that explains why: `ORDERYARD_RECORD_HISTORIES=1 pytest <the test that tells the story>`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

FOLDER = Path(__file__).parent / "histories"
RECORDING = os.environ.get("ORDERYARD_RECORD_HISTORIES") == "1"


async def keep(handle: WorkflowHandle[Any, Any], path: Path) -> None:
    """Write the history of its newest run, when histories are being recorded."""
    if not RECORDING:
        return
    _write(path, json.loads((await handle.fetch_history()).to_json()))


def _write(path: Path, history: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_without_traces(history), indent=2) + "\n", encoding="utf-8")


def recorded(path: Path) -> WorkflowHistory:
    """The workflow's own id goes with it: ids of its cases are made from it."""
    history = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(_started(history)["workflowId"], history)


def workflow_type(path: Path) -> str:
    name: str = _started(json.loads(path.read_text(encoding="utf-8")))["workflowType"]["name"]
    return name


async def replay(history: WorkflowHistory, workflows: Sequence[type]) -> None:
    """Raises `workflow.NondeterminismError` when the code would not do again what it did."""
    await Replayer(workflows=workflows, data_converter=pydantic_data_converter).replay_workflow(history)


def _started(history: dict[str, Any]) -> dict[str, Any]:
    started: dict[str, Any] = history["events"][0]["workflowExecutionStartedEventAttributes"]
    return started


def _without_traces(value: Any) -> Any:
    """Stack traces name the paths of the machine they were recorded on; a replay does not look at them."""
    if isinstance(value, dict):
        return {name: "" if name == "stackTrace" else _without_traces(inner) for name, inner in value.items()}
    return [_without_traces(each) for each in value] if isinstance(value, list) else value
