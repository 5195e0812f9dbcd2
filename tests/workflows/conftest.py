import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from store.database import Database
from tests.workflows.world import World

HISTORIES = Path(__file__).parents[1] / "histories"
KEPT = {
    "test_a_plain_order_goes_from_received_to_closed",
    "test_an_order_of_two_nodes_is_shipped_by_both_and_confirmed_twice",
    "test_a_bundle_that_leaves_in_two_parcels_is_confirmed_when_it_is_whole",
    "test_a_partial_shipment_shows_until_the_rest_has_left",
    "test_an_order_the_channel_fulfils_is_posted_but_never_released",
    "test_what_was_shipped_before_we_knew_the_order_is_invoiced_and_the_rest_is_shipped",
    "test_an_unmapped_sku_parks_the_order_and_mapping_it_resumes_it",
    "test_a_declined_tax_call_resumes_at_the_tax_step_with_the_amended_address",
    "test_a_tax_engine_that_stays_away_is_replaced_by_the_rate_table",
    "test_an_order_without_stock_waits_until_there_is_some",
    "test_a_case_of_a_second_node_is_resolved_in_its_own_process",
    "test_a_refusal_after_the_release_is_retried_where_it_happened",
    "test_a_cancellation_before_the_release_is_confirmed_and_undoes_everything",
    "test_after_the_release_the_warehouse_may_still_stop",
    "test_once_a_parcel_has_left_it_is_too_late",
    "test_a_cancellation_ends_an_open_case",
    "test_a_compensation_that_is_declined_is_kept_as_a_case_until_it_is_done",
    "test_an_order_the_channel_fulfils_can_be_cancelled_by_it",
    "test_an_unpaid_order_waits_and_goes_on_when_it_is_paid",
    "test_a_silent_node_is_asked_and_a_lost_report_is_healed",
    "test_a_node_that_misses_the_ship_by_date_is_a_case_that_a_parcel_ends",
    "test_money_that_does_not_come_is_overdue_and_can_be_written_off",
    "test_an_order_that_is_paid_only_once_it_is_taken_is_taken_before",
    "test_a_cancellation_is_told_to_the_channel_once_everything_else_is_undone",
    "test_taken_is_not_done_the_real_result_is_awaited",
    "test_a_failure_that_shows_late_is_kept_as_a_case_until_it_is_done",
}
"""One test for each kind of path."""
RECORD = os.environ.get("ORDERYARD_RECORD_HISTORIES") == "1"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture
async def world(temporal_client: Client, database: Database, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with World(temporal_client, database) as world:
        yield world
        if RECORD and request.node.originalname in KEPT:
            await record(world, request.node.name)


async def record(world: World, test: str) -> None:
    """Keep the histories of a test's workflows, to be replayed by `test_replay.py` against later code."""
    HISTORIES.mkdir(exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", test.removeprefix("test_").lower()).strip("-")
    for order in world.started:
        key = order.key.workflow_id
        for workflow_id in (key, f"{key}/fulfilment/LEJ-2"):
            if history := await world.history(workflow_id):
                part = "" if workflow_id == key else "-second-node"
                told = json.dumps(_without_traces(json.loads(history)), indent=2)
                (HISTORIES / f"{name}{part}.json").write_text(told + "\n", encoding="utf-8")


def _without_traces(value: Any) -> Any:
    """Stack traces name the paths of the machine they were recorded on; a replay does not look at them."""
    if isinstance(value, dict):
        return {name: "" if name == "stackTrace" else _without_traces(inner) for name, inner in value.items()}
    return [_without_traces(each) for each in value] if isinstance(value, list) else value
