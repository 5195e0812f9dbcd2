"""Recorded histories of orders replay against today's code; a change that would break running orders fails here."""

from pathlib import Path

import pytest
from temporalio import workflow

from models.order import Order
from tests.recorded import FOLDER, recorded, replay
from workflows import policy
from workflows.order import OrderWorkflow

with workflow.unsafe.imports_passed_through():
    from activities.fraud import FraudActivities

HISTORIES = sorted(FOLDER.glob("*.json"))


PATHS = (
    *("plain", "two-nodes", "bundle", "partial", "channel-fulfils", "by-hand", "cancel", "silent-node", "side-by-side"),
    *("in-doubt", "cancel-window", "floor", "hold", "sku", "pre-order", "promised-date", "rate", "refunds", "next-run"),
)
BEFORE, AFTER = "before-estimates-were-healed", "what-was-estimated-is-recorded"
"""Recorded before and after the one change that is gated by `patched`."""


def test_there_is_a_history_of_every_kind_of_path() -> None:
    names = " ".join(path.stem for path in HISTORIES)
    assert [path for path in PATHS if path not in names] == []


def test_the_patch_is_in_the_history_that_was_recorded_after_it_and_not_in_the_one_before() -> None:
    patched = {path.stem for path in HISTORIES if '"core_patch"' in path.read_text(encoding="utf-8")}
    assert any(AFTER in name for name in patched)
    assert any(BEFORE in path.stem for path in HISTORIES)
    assert not any(BEFORE in name for name in patched)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_still_replays(path: Path) -> None:
    await replay(recorded(path), [OrderWorkflow])


async def test_a_change_that_would_break_running_orders_is_caught() -> None:
    plain = next(path for path in HISTORIES if "plain" in path.stem)
    with pytest.raises(workflow.NondeterminismError, match="TMPRL1100"):
        await replay(recorded(plain), [HastyOrderWorkflow])


@workflow.defn(name="OrderWorkflow")
class HastyOrderWorkflow:
    """What a careless change looks like: it reserves nothing and asks the fraud service twice."""

    @workflow.run
    async def run(self, order: Order) -> None:
        for _ in range(2):
            await workflow.execute_activity_method(
                FraudActivities.screen, order, **policy.outside(policy.FRAUD_QUEUE, "Screen")
            )
