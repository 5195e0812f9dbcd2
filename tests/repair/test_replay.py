"""Recorded histories of repairs and breakers replay against today's code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.repair.histories import FOLDER
from workflows.breaker import BreakerWorkflow
from workflows.repair import RepairWorkflow

HISTORIES = sorted(FOLDER.glob("*.json"))


def test_there_is_a_history_of_every_kind_of_path() -> None:
    assert {path.stem for path in HISTORIES} == {
        "repair-applied",
        "repair-stopped",
        "breaker-by-failures",
        "breaker-by-hand",
        "breaker-fails-again",
        "breaker-false-alarm",
    }


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_still_replays(path: Path) -> None:
    replayer = Replayer(workflows=[RepairWorkflow, BreakerWorkflow], data_converter=pydantic_data_converter)
    await replayer.replay_workflow(recorded(path))


def recorded(path: Path) -> WorkflowHistory:
    history = json.loads(path.read_text(encoding="utf-8"))
    started = history["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], history)
