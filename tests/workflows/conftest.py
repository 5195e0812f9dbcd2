import re
from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from store.database import Database
from tests.recorded import FOLDER, keep
from tests.workflows.world import World

KEPT = {
    "test_a_plain_order_goes_from_received_to_closed",
    "test_an_order_of_two_nodes_is_shipped_by_both_and_confirmed_twice",
    "test_a_bundle_that_leaves_in_two_parcels_is_confirmed_when_it_is_whole",
    "test_a_partial_shipment_shows_until_the_rest_has_left",
    "test_an_order_the_channel_fulfils_is_posted_but_never_released",
    "test_what_was_shipped_before_we_knew_the_order_is_invoiced_and_the_rest_is_shipped",
    "test_what_somebody_ships_by_hand_on_the_channel_does_not_leave_twice",
    "test_an_unmapped_sku_parks_the_order_and_mapping_it_resumes_it",
    "test_a_declined_tax_call_resumes_at_the_tax_step_with_the_amended_address",
    "test_a_tax_engine_that_stays_away_is_replaced_by_the_rate_table",
    "test_an_order_without_stock_waits_until_there_is_some",
    "test_cases_of_two_nodes_are_open_side_by_side_and_resolved_in_any_order",
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
    "test_units_that_are_still_open_are_cancelled_at_once",
    "test_reserved_units_go_back_to_stock_and_every_system_is_told_how_the_order_stands",
    "test_a_warehouse_that_stops_gets_the_rest_anew",
    "test_of_a_partly_shipped_order_the_rest_is_cancelled",
    "test_units_that_the_channel_cancels_are_cancelled_and_it_is_not_told",
    "test_while_the_warehouse_is_away_the_answer_is_in_doubt_and_it_is_asked_until_it_says",
    "test_address_and_service_are_changed_and_everything_is_planned_anew",
    "test_another_sku_is_shipped_instead_and_the_erp_gets_its_items",
    "test_a_price_below_its_floor_is_a_persons_decision",
    "test_a_hold_that_nobody_decides_on_ends_as_was_agreed",
    "test_nothing_is_released_before_the_cancel_window_ends",
    "test_an_order_that_may_ship_in_parts_ships_what_is_there_and_the_rest_when_it_comes",
    "test_when_the_promised_date_passes_a_person_decides",
    "test_a_pre_order_is_not_reserved_before_its_day_and_then_goes_by_itself",
    "test_what_a_node_does_not_ship_goes_to_another_one",
    "test_a_node_that_refuses_the_release_is_passed_over",
    "test_a_silent_node_loses_the_goods_to_one_that_has_them",
    "test_a_warehouse_that_reports_nothing_is_asked_what_it_shipped_and_what_it_will_not",
    "test_a_set_of_which_a_part_has_left_is_too_late_and_the_untouched_one_is_not",
    "test_without_a_rate_the_order_waits_and_entering_it_resumes_all_that_wait",
    "test_a_parcel_that_the_channel_has_not_heard_of_in_time_is_a_case",
    "test_goods_that_leave_after_a_confirmed_stop_are_a_case_and_nothing_is_lost",
    "test_refunds_and_returns_are_counted_once_and_never_beyond_what_can_be",
    "test_a_hold_and_its_case_go_on_in_the_next_run",
    "test_a_deadline_that_has_acted_keeps_its_case_and_acts_no_second_time",
    "test_what_was_estimated_is_recorded_and_committed_when_the_engine_is_back",
    "test_an_order_that_is_cancelled_while_the_engine_is_away_leaves_no_document",
    "test_a_fraud_service_that_is_back_before_the_release_is_believed",
}
"""One test for each kind of path."""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture
async def world(temporal_client: Client, database: Database, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with World(temporal_client, database) as world:
        yield world
        if request.node.originalname in KEPT:
            await record(world, request.node.name)


async def record(world: World, test: str) -> None:
    """Keep the histories of a test's workflows, to be replayed by `test_replay.py` against later code."""
    name = re.sub(r"[^a-z0-9]+", "-", test.removeprefix("test_").lower()).strip("-")
    for order in world.started:
        if await world.history(order.key.workflow_id):
            await keep(world.client.get_workflow_handle(order.key.workflow_id), FOLDER / f"{name}.json")
