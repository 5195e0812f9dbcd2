"""Business problems: a case opens at the step, and each way to resolve it."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from connectors.errors import InDoubt, SchemaDrift, Unavailable
from models.case import Action, Amendment, CaseKind, Resolution
from models.catalogue import Component
from models.messages import MappingAdded, OrderSnapshot, OrderState
from models.order import Address
from store import cases, stock
from tests.workflows.world import ADDRESS, Handle, World, an_order, eur, line, refused, taxed
from workflows.order import OrderWorkflow


async def resolve(handle: Handle, snapshot: OrderSnapshot, action: Action, amendment: Amendment | None = None) -> None:
    assert snapshot.case is not None
    resolution = Resolution(
        case_id=snapshot.case.case_id, action=action, actor="test", note="as tested", amendment=amendment or Amendment()
    )
    await handle.execute_update(OrderWorkflow.resolve, resolution)


async def finish(world: World, handle: Handle, order: object) -> OrderSnapshot:
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)  # type: ignore[arg-type]
    return await world.end(handle)


async def test_an_unmapped_sku_parks_the_order_and_mapping_it_resumes_it(world: World) -> None:
    order = an_order(line("1", "NEW", 1, "44.00"))
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert parked.state is OrderState.EXCEPTION
    assert parked.case is not None
    assert (parked.case.kind, parked.case.detail) == (CaseKind.UNMAPPED_SKU, {"skus": ["NEW"]})

    await world.map_sku("NEW", Component(item="MAT-FOAM"))
    await handle.signal(OrderWorkflow.mapping_added, MappingAdded(sku="NEW"))
    assert (await finish(world, handle, order)).state is OrderState.CLOSED
    async with world.database.session() as session:
        kept = await cases.get(session, parked.case.case_id)
    assert kept is not None
    assert kept.resolution is not None
    assert kept.resolution.actor == "orderyard"


async def test_an_unmapped_sku_can_be_amended_to_a_mapped_one(world: World) -> None:
    order = an_order(line("1", "TYPO", 1, "44.00"))
    handle = await world.start(order)
    await resolve(handle, await world.until_case(handle), Action.AMEND, Amendment(sku={"1": "MAT"}))
    await finish(world, handle, order)
    assert await world.free("MAT-FOAM") == 99


async def test_a_declined_tax_call_resumes_at_the_tax_step_with_the_amended_address(world: World) -> None:
    world.tax.will_fail("quote", refused("postal_code"))
    order = an_order(taxed(line("1", "MAT", 1, "34.50"), "6.55"))
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.detail == {"code": "refused", "field": "postal_code"}
    moved = ADDRESS.model_copy(update={"postal_code": "10117"})
    await resolve(handle, parked, Action.AMEND, Amendment(ship_to=moved, service_level="express"))
    await finish(world, handle, order)
    released = next(iter(world.wms.releases.values()))
    assert (released.ship_to.postal_code, released.service_level) == ("10117", "express")
    assert world.fraud.count("assess") == 1


async def test_a_skipped_tax_call_marks_the_order_as_degraded(world: World) -> None:
    world.tax.will_fail("quote", refused())
    order = an_order(taxed(line("1", "MAT", 1, "34.50"), "6.55"))
    handle = await world.start(order)
    await resolve(handle, await world.until_case(handle), Action.SKIP)
    assert "tax" in (await finish(world, handle, order)).degraded
    assert world.tax.count("commit") == 0


async def test_a_tax_engine_that_stays_away_is_replaced_by_the_rate_table(world: World) -> None:
    away = (Unavailable("away", timedelta(milliseconds=10)) for _ in range(3))
    world.tax.will_fail("quote", *away, refused("code"))  # It is back at once, and then declines what was estimated.
    order = an_order(taxed(line("1", "MAT", 1, "34.50"), "6.55"))
    handle = await world.start(order)
    assert "rate table" in (await finish(world, handle, order)).degraded["tax"]
    assert world.tax.count("commit") == 0


async def test_a_fraud_service_that_stays_away_is_replaced_by_rules(world: World) -> None:
    away = (Unavailable("away", timedelta(milliseconds=10)) for _ in range(3))
    world.fraud.will_fail("assess", *away, refused("email"))  # It is back at once, and then refuses to judge.
    order = an_order()
    handle = await world.start(order)
    assert "rules" in (await finish(world, handle, order)).degraded["screen"]


@pytest.mark.parametrize("action", [Action.SKIP, Action.CANCEL])
async def test_a_suspicious_order_is_reviewed_by_a_person(world: World, action: Action) -> None:
    world.fraud.decision = "review"
    order = an_order()
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is CaseKind.FRAUD_REVIEW
    await resolve(handle, parked, action)
    if action is Action.SKIP:
        assert (await finish(world, handle, order)).state is OrderState.CLOSED
    else:
        assert (await world.end(handle)).state is OrderState.CANCELLED
        assert world.erp.done == []


@pytest.mark.parametrize("action", [Action.SKIP, Action.CANCEL])
async def test_a_buyer_who_asks_to_cancel_gets_an_answer(world: World, action: Action) -> None:
    order = an_order(cancel_requested="changed my mind")
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is CaseKind.CANCEL_REQUESTED
    await resolve(handle, parked, action)
    ended = await (finish(world, handle, order) if action is Action.SKIP else world.end(handle))
    assert ended.state is (OrderState.CLOSED if action is Action.SKIP else OrderState.CANCELLED)


async def test_an_order_without_stock_waits_until_there_is_some(world: World) -> None:
    order = an_order(line("1", "MAT", 101, "1.00"))
    handle = await world.start(order)
    waiting = await world.until(handle, lambda seen: "stock of 1 × MAT-FOAM" in (seen.waiting_for or ""))
    assert (waiting.state, waiting.case) == (OrderState.BACK_ORDERED, None)
    async with world.database.session() as session:
        await stock.set_level(session, "MAT-FOAM", "BER-1", 101)
    await world.tell_waiting_orders()
    await finish(world, handle, order)
    assert await world.free("MAT-FOAM") == 0


async def test_an_order_without_an_address_is_amended(world: World) -> None:
    order = an_order(ship_to=Address(name="A. Buyer", city="Berlin"))
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.detail == {"missing": ["lines", "country"]}
    await resolve(handle, parked, Action.AMEND, Amendment(ship_to=ADDRESS))
    assert (await finish(world, handle, order)).state is OrderState.CLOSED


async def test_an_erp_that_declines_gives_the_reservation_back_when_the_order_is_given_up(world: World) -> None:
    world.erp.will_fail("create_order", refused("currency"))
    order = an_order()
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert await world.free("MAT-FOAM") == 99
    await resolve(handle, parked, Action.CANCEL)
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert await world.free("MAT-FOAM") == 100


async def test_a_retried_step_runs_again_and_the_others_do_not(world: World) -> None:
    world.erp.will_fail("create_order", refused())
    order = an_order()
    handle = await world.start(order)
    await resolve(handle, await world.until_case(handle), Action.RETRY)
    await finish(world, handle, order)
    assert (world.fraud.count("assess"), world.erp.count("create_order")) == (1, 1)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("release", CaseKind.WMS_DECLINED),
        ("confirm", CaseKind.CHANNEL_DECLINED),
        ("post_invoice", CaseKind.ERP_DECLINED),
    ],
)
async def test_a_refusal_after_the_release_is_retried_where_it_happened(
    world: World, operation: str, kind: CaseKind
) -> None:
    system = {"release": world.wms, "confirm": world.channel, "post_invoice": world.erp}[operation]
    system.will_fail(operation, refused())
    order = an_order()
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is kind
    assert Action.CANCEL not in parked.case.allowed
    await resolve(handle, parked, Action.RETRY)
    await finish(world, handle, order)
    assert system.count(operation) == 1


async def test_a_confirmation_can_be_skipped_when_it_was_done_by_hand(world: World) -> None:
    world.channel.will_fail("confirm", SchemaDrift("wrong_type", "reply", "html", "ask the channel"))
    order = an_order()
    handle = await world.start(order)
    await resolve(handle, await world.until_case(handle), Action.SKIP)
    assert (await finish(world, handle, order)).state is OrderState.CLOSED


async def test_cases_of_two_nodes_are_open_side_by_side_and_resolved_in_any_order(world: World) -> None:
    order = an_order(line("1", "MAT", 1, "34.50"), line("2", "BOTTLE", 1, "17.95"))
    gate = world.wms.hold("release")
    handle = await world.start(order)
    world.wms.will_fail("release", refused(), refused())
    gate.set()
    parked = await world.until(handle, lambda seen: len(seen.cases) == 2)
    for case in reversed(parked.cases):
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await handle.execute_update(
                OrderWorkflow.resolve, Resolution(case_id=case.case_id, action=Action.CANCEL, actor="test")
            )
        assert "not possible" in str(refusal.value.cause)
        await handle.execute_update(
            OrderWorkflow.resolve, Resolution(case_id=case.case_id, action=Action.RETRY, actor="test")
        )
    assert len((await finish(world, handle, order)).shipments) == 2


async def test_a_resolution_that_does_not_fit_is_refused_with_the_reason(world: World) -> None:
    world.fraud.decision = "review"
    handle = await world.start(an_order())
    parked = await world.until_case(handle)
    assert parked.case is not None
    wrong = {
        "not open": Resolution(case_id="other", action=Action.SKIP, actor="test"),
        "not possible": Resolution(case_id=parked.case.case_id, action=Action.RETRY, actor="test"),
        "says what to change": Resolution(
            case_id=parked.case.case_id,
            action=Action.SKIP,
            actor="test",
            amendment=Amendment(service_level="express"),
        ),
    }
    for reason, resolution in wrong.items():
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await handle.execute_update(OrderWorkflow.resolve, resolution)
        assert reason in str(refusal.value.cause)


async def test_a_resolution_without_an_open_case_is_refused(world: World) -> None:
    world.wms.manual = True
    handle = await world.start(an_order())
    await world.wait_for(lambda: bool(world.wms.releases))
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await handle.execute_update(OrderWorkflow.resolve, Resolution(case_id="x", action=Action.SKIP, actor="test"))
    assert "open: none" in str(refusal.value.cause)


async def test_a_reply_that_was_lost_is_tried_again(world: World) -> None:
    world.erp.will_fail("create_order", InDoubt("sent, no reply"))
    world.channel.will_fail("confirm", Unavailable("throttled", timedelta(milliseconds=50)))
    order = an_order()
    handle = await world.start(order)
    assert (await finish(world, handle, order)).state is OrderState.CLOSED


async def test_a_buyer_who_cannot_be_told_does_not_stop_the_order(world: World) -> None:
    world.notifier.will_fail("send", refused("email"))
    order = an_order()
    handle = await world.start(order)
    assert (await finish(world, handle, order)).state is OrderState.CLOSED


async def test_too_much_money_is_a_case_at_once(world: World) -> None:
    order = an_order()
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order, eur("40.00"))
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is CaseKind.SETTLEMENT_DIFFERS
    await resolve(handle, parked, Action.SKIP)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_a_fraud_service_that_declines_can_be_skipped(world: World) -> None:
    world.fraud.will_fail("assess", refused("email"))
    order = an_order()
    handle = await world.start(order)
    parked = await world.until_case(handle)
    assert parked.waiting_for == "a decision: fraud review"
    await resolve(handle, parked, Action.SKIP)
    ended = await finish(world, handle, order)
    assert "operator" in ended.degraded["screen"]


async def test_a_tax_document_that_cannot_be_committed_is_a_case(world: World) -> None:
    world.tax.will_fail("commit", refused("code"))
    order = an_order(taxed(line("1", "MAT", 1, "34.50"), "6.55"))
    handle = await world.start(order)
    await resolve(handle, await world.until_case(handle), Action.RETRY)
    assert (await finish(world, handle, order)).state is OrderState.CLOSED
    assert world.tax.count("commit") == 1
