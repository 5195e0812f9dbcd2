"""One decision for many cases: shown first, applied at a steady pace, once each, and kept as evidence."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from temporalio.client import Client

from cli.repairing import DryRun
from models.case import Action, Amendment, CaseKind, ExceptionCase, Resolution
from models.order import Address, Order
from models.repair import Outcome, RepairKind, RepairRun, RepairState, StopRepair
from store import cases, orders, repairs
from store.database import Database
from tests.recorded import FOLDER, keep
from tests.repair.parked import STEPS, ParkedInput, ParkedOrder
from tests.repair.scene import Scene, until
from tests.store.examples import a_key, an_order
from tests.store.test_cases import a_case
from workflows import policy
from workflows.repair import RepairWorkflow

STOPPED, APPLIED = (FOLDER / "repair" / f"repair-{how}.json" for how in ("stopped", "applied"))
BERLIN = Address(lines=("Main Street 1",), city="Berlin", postal_code="10115", country="DE")


async def test_a_hundred_orders_of_five_causes_go_on_where_they_stopped_and_do_no_step_twice(scene: Scene) -> None:
    keys = {step: await scene.park(step, 20) for step in STEPS}
    await scene.until_open(100)
    async with scene.repairer():
        for step, kind in STEPS.items():
            dry_run = await scene.plan(f'case={kind} and step="{step}" and since=1h')
            assert (len(dry_run.cases), dry_run.possible) == (20, 20)
            assert {str(case.order_key) for case in dry_run.cases} == set(keys[step])
            scene.agree(keys[step])
            assert await scene.apply(dry_run) == {Outcome.APPLIED: 20}
            assert await scene.results(keys[step]) == ["done"] * 20
    everybody = [key for parked in keys.values() for key in parked]
    assert Counter(scene.systems.done) == Counter({(key, step): 1 for key in everybody for step in STEPS})
    # The refused attempt and the one after the repair; every other step was tried once.
    refused = {(key, step): 2 for step, parked in keys.items() for key in parked}
    assert Counter(scene.systems.tried) == Counter({(key, step): 1 for key in everybody for step in STEPS} | refused)
    assert await scene.open_cases() == []
    twice = sum(number > 1 for number in Counter(scene.systems.done).values())
    print(f"100 parked orders of 5 causes: {len(scene.systems.done)} steps done, {twice} of them twice, 0 cases left")


async def test_cases_that_open_after_the_dry_run_are_not_touched(scene: Scene) -> None:
    early = await scene.park("tax", 2)
    await scene.until_open(2)
    dry_run = await scene.plan("case=tax_declined")
    late = await scene.park("tax", 1)
    await scene.until_open(3)
    scene.agree(early + late)
    async with scene.repairer():
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 2}
    assert [str(case.order_key) for case in await scene.open_cases()] == late


async def test_what_somebody_else_resolved_meanwhile_is_no_error(scene: Scene) -> None:
    keys = await scene.park("release", 3)
    first, second, _ = await scene.until_open(3)
    dry_run = await scene.plan("case=wms_declined")
    scene.agree(keys)
    theirs = Resolution(case_id=first.case_id, action=Action.RETRY, actor="bob")
    await scene.handles[str(first.order_key)].execute_update("resolve", theirs)
    await scene.handles[str(second.order_key)].terminate("given up by hand")
    async with scene.repairer():
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 1, Outcome.ALREADY_RESOLVED: 2}
    assert dry_run.repair is not None
    told = {item.target: item for item in await scene.items(dry_run.repair.repair_id)}
    assert "has ended" in told[second.case_id].reason


async def test_a_case_that_does_not_allow_the_action_is_counted_with_the_reason_and_left(
    temporal_client: Client, database: Database
) -> None:
    async with Scene(temporal_client, database, skippable=False) as scene:
        await scene.park("confirm", 2)
        await scene.until_open(2)
        dry_run = await scene.plan("owner=operations", Action.SKIP)
        assert dry_run.possible == 0
        reason = "skip is not possible for channel_declined: use one of retry, amend, cancel"
        assert dry_run.obstacles() == [(reason, 2)]
        async with scene.repairer():
            assert await scene.apply(dry_run) == {Outcome.REFUSED: 2}
        assert len(await scene.open_cases()) == 2


async def test_an_amendment_is_kept_with_what_was_there_before(scene: Scene) -> None:
    (key,) = await scene.park("tax")
    (case,) = await scene.until_open(1)
    order = an_order(key=case.order_key, ship_to=BERLIN.model_copy(update={"postal_code": "00000"}))
    await _registered(scene.database, order)
    dry_run = await scene.plan(f"order={key}", Action.AMEND, Amendment(ship_to=BERLIN), note="asked the buyer")
    scene.agree([key])
    async with scene.repairer():
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 1}
    assert await scene.results([key]) == ["done"]
    assert scene.systems.delivered_to[key] == "10115"
    assert dry_run.repair is not None
    (item,) = await scene.items(dry_run.repair.repair_id)
    assert (item.before or {})["ship_to"]["postal_code"] == "00000"
    assert (item.after or {})["ship_to"]["postal_code"] == "10115"


async def test_an_amendment_of_a_line_that_the_order_does_not_have_is_refused_in_the_dry_run(scene: Scene) -> None:
    (key,) = await scene.park("allocate")
    (case,) = await scene.until_open(1)
    await _registered(scene.database, an_order(key=case.order_key))
    dry_run = await scene.plan(f"order={key}", Action.AMEND, Amendment(sku={"L7": "TENT"}))
    assert dry_run.obstacles() == [("amendment.sku: L7: no such line in this order; it has L1", 1)]


async def test_a_repair_survives_its_worker_and_resolves_nothing_twice(scene: Scene) -> None:
    keys = await scene.park("erp order", 12)
    await scene.until_open(12)
    scene.agree(keys)
    dry_run = await scene.plan("case=erp_declined", pace=3)
    assert dry_run.repair is not None
    repair_id = dry_run.repair.repair_id

    async def begun() -> bool:
        return (await scene.outcomes(repair_id)).get(Outcome.APPLIED, 0) >= 3

    async with scene.repairer():
        await scene.apply(dry_run, wait=False)
        await until(begun)
    assert (await scene.outcomes(repair_id)).get("left", 0) > 0
    async with scene.repairer():
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 12}
    assert await scene.results(keys) == ["done"] * 12
    assert max(Counter(scene.systems.done).values()) == 1


async def test_a_resolution_whose_answer_was_lost_counts_as_applied(scene: Scene) -> None:
    """A worker that died after the update and before it wrote the outcome."""
    case, dry_run, decided = await _one_decided(scene)
    assert dry_run.repair is not None
    update_id = f"{dry_run.repair.workflow_id}/{case.case_id}"
    await scene.handles[str(case.order_key)].execute_update("resolve", decided, id=update_id)
    assert await scene.results([str(case.order_key)]) == ["done"]
    async with scene.repairer():
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 1}


async def test_a_decision_that_was_written_down_and_that_its_workflow_forgot_is_told_again(scene: Scene) -> None:
    """A starved worker wrote the decision, and exceeded the time of the task that took it."""
    case, dry_run, decided = await _one_decided(scene)
    closed = {"resolved_at": case.opened_at + timedelta(seconds=1), "resolution": decided}
    async with scene.database.session() as session:
        await cases.upsert(session, case.model_copy(update=closed))
    async with scene.repairer():
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 1}
    assert await scene.results([str(case.order_key)]) == ["done"]


async def _one_decided(scene: Scene) -> tuple[ExceptionCase, DryRun, Resolution]:
    """A parked order that would go on now, the repair of it, and what that would tell it."""
    (key,) = await scene.park("confirm")
    (case,) = await scene.until_open(1)
    scene.agree([key])
    dry_run = await scene.plan(f"order={key}")
    assert dry_run.repair is not None
    note = f"{dry_run.repair.note} (repair {dry_run.repair.repair_id})"
    return case, dry_run, Resolution(case_id=case.case_id, action=Action.RETRY, actor="ada", note=note)


async def test_a_repair_keeps_its_pace_can_be_stopped_and_taken_up_again(scene: Scene) -> None:
    keys = await scene.park("tax", 6)
    await scene.until_open(6)
    scene.agree(keys)
    dry_run = await scene.plan("case=tax_declined", pace=1)
    assert dry_run.repair is not None
    repair_id = dry_run.repair.repair_id

    async def begun() -> bool:
        return (await scene.outcomes(repair_id)).get(Outcome.APPLIED, 0) >= 1

    async def stopped() -> bool:
        async with scene.database.session() as session:
            repair = await repairs.get(session, repair_id)
        return repair is not None and repair.state is RepairState.STOPPED and repair.ended_by == "bob"

    async with scene.repairer():
        await scene.apply(dry_run, wait=False)
        await until(begun)
        handle = scene.client.get_workflow_handle(dry_run.repair.workflow_id)
        await handle.signal(RepairWorkflow.stop, StopRepair(actor="bob"))
        await until(stopped)
        assert (await scene.outcomes(repair_id))["left"] >= 3
        await keep(
            scene.client.get_workflow_handle(dry_run.repair.workflow_id), FOLDER / "repair" / "repair-stopped.json"
        )
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 6}
    items = await scene.items(repair_id)
    await keep(scene.client.get_workflow_handle(dry_run.repair.workflow_id), APPLIED)
    moments = sorted(item.done_at for item in items if item.done_at)
    assert (moments[-1] - moments[0]).total_seconds() >= 3


async def test_a_long_repair_begins_its_history_anew_and_goes_on(scene: Scene) -> None:
    keys = await scene.park("confirm", 7)
    await scene.until_open(7)
    scene.agree(keys)
    dry_run = await scene.plan("case=channel_declined")
    assert dry_run.repair is not None
    run = RepairRun(repair_id=dry_run.repair.repair_id, kind=RepairKind.CASES, per_second=2, batches_a_run=2)
    async with scene.repairer():
        handle = await scene.client.start_workflow(
            RepairWorkflow.run, run, id=dry_run.repair.workflow_id, task_queue=policy.REPAIR_QUEUE
        )
        assert (await handle.result()).outcomes == {Outcome.APPLIED: 7}
        assert handle.first_execution_run_id != (await handle.describe()).run_id
    assert await scene.results(keys) == ["done"] * 7


async def test_an_order_that_does_not_answer_holds_up_no_other_and_is_named(scene: Scene) -> None:
    """Its workflow is there, but no worker takes its tasks."""
    (key,) = await scene.park("tax")
    (case,) = await scene.until_open(1)
    silent = a_case(workflow_id="order/amazon/EU/silent", order_key=a_key("silent"), kind=CaseKind.TAX_DECLINED)
    order = ParkedInput(order_key=silent.order_key)
    await scene.client.start_workflow(ParkedOrder.run, order, id=silent.workflow_id, task_queue="nobody")
    async with scene.database.session() as session:
        await cases.upsert(session, silent)
    scene.agree([key])
    dry_run = await scene.plan("case=tax_declined")
    async with scene.repairer(patience=timedelta(seconds=1)):
        assert await scene.apply(dry_run) == {Outcome.APPLIED: 1, Outcome.NO_ANSWER: 1}
    assert await scene.results([key]) == ["done"]
    assert dry_run.repair is not None
    told = {item.target: item for item in await scene.items(dry_run.repair.repair_id)}
    assert "did not answer" in told[silent.case_id].reason
    assert told[case.case_id].outcome is Outcome.APPLIED
    await scene.client.get_workflow_handle(silent.workflow_id).terminate("the test is over")


async def _registered(database: Database, order: Order) -> None:
    async with database.session() as session:
        await orders.register(session, order, 1)
