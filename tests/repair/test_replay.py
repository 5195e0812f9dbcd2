"""Recorded histories of repairs and breakers replay against today's code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recorded import FOLDER, recorded, replay
from workflows.breaker import BreakerWorkflow
from workflows.repair import RepairWorkflow

HISTORIES = sorted((FOLDER / "repair").glob("*.json"))


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
    await replay(recorded(path), [RepairWorkflow, BreakerWorkflow])
