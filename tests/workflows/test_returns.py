"""A return from the buyer's wish to money and stock, and everything that can come in between."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from temporalio.client import WorkflowUpdateFailedError

from connectors.errors import Declined
from models.case import Action, CaseKind
from models.messages import OrderState
from models.order import Order, OrderKey, OrderRefund
from models.refunds import RefundState
from models.return_process import Inspection, Ruling, opened_by, opened_by_goods
from models.returns import RETURN_TRANSITIONS, ReturnLine, ReturnProcessState, ReturnState
from models.systems import Condition, ReturnedItem
from store import cases, return_processes
from tests.workflows.returns_world import (
    ReturnHandle,
    a_sale,
    asked,
    heard_by_the_order,
    ledger,
    parcel,
    reaches,
    resolve,
    return_case,
    shipped,
    start_return,
    states,
)
from tests.workflows.world import PURCHASED, World, an_order, eur, line, refused
from workflows import policy
from workflows.returns import ReturnWorkflow

S = ReturnProcessState


async def requested(world: World, order: Order, units: int = 1) -> ReturnHandle:
    return await start_return(world, opened_by(asked(order, units), "c"))


def actions(world: World) -> list[str]:
    return [told.action.value for name, told in world.channel.done if name == "decide_return"]


async def test_a_return_goes_from_the_buyers_wish_to_stock_books_and_money(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order)
    approved = await reaches(handle, S.APPROVED)
    assert (approved.rma, approved.ruling and approved.ruling.reason) == ("RMA-1", "within the return policy")
    await handle.signal(ReturnWorkflow.goods_received, parcel(MAT_FOAM__resell=1))
    done = await handle.result()
    assert states(done) == ["approved", "partly_received", "received", "refunding", "closed"]
    assert actions(world) == ["accept", "receive", "refund"]
    assert [told.units for _, told in world.channel.done] == [{"a": 1}] * 3
    assert [name for name, _ in world.erp.done] == ["receive_return", "post_credit_note"]
    [refund] = await ledger(world, order)
    assert (refund.state, refund.total, done.refunds) == (RefundState.DONE, eur("31.90"), (refund,))
    assert await world.free("MAT-FOAM") == 101
    assert sorted(await heard_by_the_order(world, order, 2)) == ["back {'1': 1}", "refunded 31.90 EUR for {'1': 1}"]


async def test_a_channel_that_decides_itself_is_left_to_it_and_paid_by_a_plain_refund(world: World) -> None:
    unsupported = Declined("left to the channel", code="unsupported", field="action")
    world.channel.will_fail("decide_return", unsupported, unsupported, unsupported)
    order = await shipped(world, a_sale())
    handle = await requested(world, order)
    await handle.signal(ReturnWorkflow.goods_received, parcel(MAT_FOAM__resell=1))
    assert (await handle.result()).state is S.CLOSED
    assert [name for name, _ in world.channel.done] == ["refund"]


async def test_rejected_units_are_neither_refunded_nor_restocked_and_scrap_is_refunded_only(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order, 3)
    came = parcel(MAT_FOAM__resell=1, MAT_FOAM__scrap=1, MAT_FOAM__reject=1)
    await handle.signal(ReturnWorkflow.goods_received, came)
    done = await handle.result()
    assert [refund.claim.units for refund in done.refunds] == [{"1": 2}]
    assert await world.free("MAT-FOAM") == 101


async def test_more_units_than_were_announced_are_paid_by_a_plain_refund_of_all_of_them(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order, 1)
    await handle.signal(ReturnWorkflow.goods_received, parcel(MAT_FOAM__resell=3))
    done = await handle.result()
    assert [refund.total for refund in done.refunds] == [order.total]
    assert [name for name, _ in world.channel.done] == ["decide_return", "decide_return", "refund"]
    assert actions(world) == ["accept", "receive"]


async def test_parcels_come_one_by_one_and_one_refund_pays_for_all(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order, 3)
    for number in (1, 2, 2, 3):
        await handle.signal(ReturnWorkflow.goods_received, parcel(f"B{number}", MAT_FOAM__resell=1))
    done = await handle.result()
    assert [each.receipt.receipt_id for each in done.parcels] == [f"{order.key}#receipt:B{n}" for n in (1, 2, 3)]
    assert ([refund.total for refund in done.refunds], await world.free("MAT-FOAM")) == ([order.total], 103)


async def test_fewer_units_than_announced_are_paid_when_the_deadline_has_passed(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order, 3)
    await handle.signal(ReturnWorkflow.goods_received, parcel(MAT_FOAM__resell=2))
    await reaches(handle, S.PARTLY_RECEIVED)
    await world.fast_forward(handle, policy.GOODS_BACK + timedelta(minutes=1))
    done = await handle.result()
    assert [refund.claim.units for refund in done.refunds] == [{"1": 2}]


async def test_goods_that_never_come_end_the_return_and_goods_that_come_after_all_are_paid(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order)
    await reaches(handle, S.APPROVED)
    await world.fast_forward(handle, policy.GOODS_BACK + timedelta(minutes=1))
    assert (await handle.result()).state is S.LAPSED
    assert await ledger(world, order) == []
    late = await start_return(world, opened_by(asked(order), "c"), ("goods_received", parcel(MAT_FOAM__resell=1)))
    done = await late.result()
    assert states(done) == ["approved", "lapsed", "partly_received", "received", "refunding", "closed"]
    assert [refund.total for refund in await ledger(world, order)] == [eur("31.90")]


async def test_the_deadline_acts_at_its_time_and_not_before(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order)
    file = await reaches(handle, S.APPROVED)
    assert file.due is not None
    assert file.due - file.history[-1].at == policy.GOODS_BACK
    await world.fast_forward(handle, policy.GOODS_BACK - timedelta(minutes=1))
    assert (await handle.query(ReturnWorkflow.snapshot)).state is S.APPROVED
    await world.fast_forward(handle, timedelta(minutes=2))
    assert (await handle.result()).state is S.LAPSED


async def test_a_second_parcel_after_the_end_is_paid_beside_the_first_and_the_first_again_is_not(world: World) -> None:
    order = await shipped(world, a_sale(), OrderState.CLOSED)
    handle = await requested(world, order)
    await handle.signal(ReturnWorkflow.goods_received, parcel("B1", MAT_FOAM__resell=1))
    await handle.result()
    file = opened_by(asked(order), "c")
    again = await start_return(world, file, ("goods_received", parcel("B1", MAT_FOAM__resell=1)))
    assert len((await again.result()).refunds) == 1
    more = await start_return(world, file, ("goods_received", parcel("B2", MAT_FOAM__resell=1)))
    assert [refund.total for refund in (await more.result()).refunds] == [eur("31.90")] * 2
    assert await world.free("MAT-FOAM") == 102
    assert [name for name, _ in world.channel.done] == ["decide_return"] * 3 + ["refund"]


@pytest.mark.parametrize(
    ("days", "units", "words"),
    [(40, 1, "the return window of 30 days is over"), (6, 4, "4 units are to come back, 3 were sent")],
)
async def test_what_the_policy_does_not_accept_is_put_to_a_person(
    world: World, days: int, units: int, words: str
) -> None:
    order = await shipped(world, a_sale())
    told = asked(order, units, requested_at=PURCHASED + timedelta(days=days))
    handle = await start_return(world, opened_by(told, "c"))
    case = await return_case(handle)
    assert (case.kind, case.owner, case.on_expiry) == (CaseKind.RETURN_REVIEW, "customer service", Action.CANCEL)
    assert words in case.reason
    assert case.expires_at is not None
    assert case.expires_at - case.opened_at == policy.RETURN_DECISION
    await resolve(handle, case, Action.CANCEL)
    assert (await handle.result()).state is S.REFUSED
    assert actions(world) == ["refuse"]


async def test_a_review_that_nobody_decides_refuses_when_it_expires(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, 4), "c"))
    await return_case(handle)
    await world.fast_forward(handle, policy.RETURN_DECISION + timedelta(minutes=1))
    done = await handle.result()
    assert done.state is S.REFUSED
    assert done.history[-1].cause.startswith("nobody decided by ")
    async with world.database.session() as session:
        assert await cases.find(session) == []


async def test_a_person_or_the_channel_may_decide_during_the_review(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, 4), "c"))
    await return_case(handle)
    await handle.execute_update(ReturnWorkflow.decide, Ruling(accepted=True, actor="anna", units={"1": 2}))
    assert (await reaches(handle, S.APPROVED)).wanted == {"1": 2}
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(ReturnWorkflow.decide, Ruling(accepted=False, actor="bert"))
    other = await start_return(world, opened_by(asked(order, 4, return_id=f"other-{order.key.external_id}"), "c"))
    await return_case(other)
    later = PURCHASED + timedelta(days=7)
    told = asked(order, 4, ReturnState.CANCELLED, return_id=f"other-{order.key.external_id}", version=later)
    await other.signal(ReturnWorkflow.channel_told, told)
    assert (await other.result()).state is S.CANCELLED


async def test_the_channels_own_approval_needs_no_decision_of_ours(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, state=ReturnState.APPROVED), "c"))
    await reaches(handle, S.APPROVED)
    assert actions(world) == []


async def test_a_return_that_the_channel_has_paid_itself_goes_to_the_books_alone(world: World) -> None:
    paid = OrderRefund(refund_id="9", amount=eur("31.90"), quantities={"1": 1})
    order = await shipped(world, a_sale(refunds=(paid,)))
    told = asked(order, state=ReturnState.CLOSED, refunded=eur("31.90"))
    done = await (await start_return(world, opened_by(told, "c"))).result()
    assert (done.state, [refund.total for refund in done.refunds]) == (S.CLOSED, [eur("31.90")])
    assert world.channel.done == []
    assert [name for name, _ in world.erp.done] == ["post_credit_note"]


async def test_what_the_channel_pays_against_our_refusal_goes_to_the_books(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, 4), "c"))
    await resolve(handle, await return_case(handle), Action.CANCEL)
    await handle.result()
    later = PURCHASED + timedelta(days=20)
    told = asked(order, 4, ReturnState.CLOSED, version=later, refunded=eur("31.90"))
    done = await (await start_return(world, opened_by(told, "c"), ("channel_told", told))).result()
    assert (done.state, [refund.paid for refund in done.refunds]) == (S.CLOSED, [eur("31.90")])
    assert [name for name, _ in world.erp.done] == ["post_credit_note"]
    assert actions(world) == ["refuse"]


async def test_a_blind_return_waits_for_its_order_and_is_paid_then(world: World) -> None:
    order = await shipped(world, a_sale())
    came = parcel(MAT_FOAM__resell=2)
    handle = await start_return(world, opened_by_goods(came, f"RMA-{order.key.external_id}"), ("goods_received", came))
    case = await return_case(handle)
    assert (case.order_key, "no order is known" in case.reason) == (
        OrderKey(channel="blind", account="BER-1", external_id=f"RMA-{order.key.external_id}"),
        True,
    )
    await handle.execute_update(ReturnWorkflow.decide, Ruling(accepted=True, actor="anna", order_key=order.key))
    done = await handle.result()
    assert [refund.total for refund in done.refunds] == [eur("63.80")]
    assert await world.free("MAT-FOAM") == 102


async def test_goods_of_no_order_can_be_taken_in_without_one(world: World) -> None:
    came = parcel(str(uuid4()), MAT_FOAM__resell=2)
    handle = await start_return(world, opened_by_goods(came, ""), ("goods_received", came))
    await resolve(handle, await return_case(handle), Action.SKIP)
    assert (await handle.result()).state is S.CLOSED
    assert await world.free("MAT-FOAM") == 102
    [(_, receipt)] = world.erp.done
    assert receipt.order_key is None


async def test_goods_that_come_back_for_a_refused_return_are_put_to_a_person(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, 4), "c"))
    await resolve(handle, await return_case(handle), Action.CANCEL)
    await handle.result()
    again = await start_return(world, opened_by(asked(order, 4), "c"), ("goods_received", parcel(MAT_FOAM__resell=1)))
    case = await return_case(again)
    assert "goods came back for a return that is refused" in case.reason
    await resolve(again, case, Action.CANCEL)
    done = await again.result()
    assert (done.state, await world.free("MAT-FOAM"), done.refunds) == (S.REFUSED, 100, ())
    [item] = done.parcels[0].receipt.items
    assert item.condition is Condition.REJECT


async def test_a_parcel_with_something_strange_is_inspected_again(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order)
    await handle.signal(ReturnWorkflow.goods_received, parcel(BOTTLE_1L__resell=1))
    case = await return_case(handle)
    assert "1 × BOTTLE-1L, which nobody expects of this order" in case.reason
    mat = ReturnedItem(item="MAT-FOAM", quantity=1, condition=Condition.SCRAP)
    await handle.execute_update(ReturnWorkflow.inspect, Inspection(receipt_id="B1", actor="anna", items=(mat,)))
    done = await handle.result()
    assert [refund.claim.units for refund in done.refunds] == [{"1": 1}]
    assert (await world.free("MAT-FOAM"), await world.free("BOTTLE-1L")) == (100, 100)


async def test_a_parcel_may_be_reported_by_hand_once(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order, 2)
    await reaches(handle, S.APPROVED)
    mat = ReturnedItem(item="MAT-FOAM", quantity=1, condition=Condition.RESELL)
    found = Inspection(receipt_id="hand-1", actor="anna", node="LEJ-2", items=(mat,))
    await handle.execute_update(ReturnWorkflow.inspect, found)
    await reaches(handle, S.PARTLY_RECEIVED)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(ReturnWorkflow.inspect, found)
    assert await world.free("MAT-FOAM") == 101


async def test_a_bundle_is_paid_when_it_is_whole_and_its_pieces_by_their_share(world: World) -> None:
    order = await shipped(world, an_order(line("1", "SET", 2, "80.00")))
    handle = await requested(world, order, 2)
    await handle.signal(ReturnWorkflow.goods_received, parcel("B1", TENT__resell=1))
    await handle.signal(ReturnWorkflow.goods_received, parcel("B2", LAMP__resell=2, TENT__scrap=1))
    await reaches(handle, S.PARTLY_RECEIVED)
    await world.fast_forward(handle, policy.GOODS_BACK + timedelta(minutes=1))
    done = await handle.result()
    # A set is a tent at 7 of 8 parts of the price and two lamps at 1: whole 80.00, and a tent alone 70.00.
    assert [(refund.claim.units, refund.total) for refund in done.refunds] == [({"1": 1}, eur("150.00"))]
    assert sum(told.lines[0].goods.amount for _, told in world.channel.done[-1:]) == Decimal("150.00")


async def test_a_refund_that_the_channel_declines_is_a_case_and_the_return_waits_for_it(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order)
    await reaches(handle, S.APPROVED)
    no = refused("units")
    world.channel.will_fail("decide_return", Declined("x", code="unsupported"), no)
    await handle.signal(ReturnWorkflow.goods_received, parcel(MAT_FOAM__resell=1))

    async def open_case() -> str:
        async with world.database.session() as session:
            return next((each.case_id for each in await cases.find(session)), "")

    while not (case_id := await open_case()):
        continue
    async with world.database.session() as session:
        case = await cases.get(session, case_id)
    assert case is not None
    assert (case.kind, case.step) == (CaseKind.REFUND_DECLINED, "refund_on_channel")
    await resolve(world.client.get_workflow_handle(case.workflow_id), case, Action.RETRY)
    assert (await handle.result()).state is S.CLOSED
    assert [refund.state for refund in await ledger(world, order)] == [RefundState.DONE]


async def test_the_projection_shows_where_each_return_stands(world: World) -> None:
    order = await shipped(world, a_sale())
    handle = await requested(world, order)
    await reaches(handle, S.APPROVED)
    async with world.database.session() as session:
        [found] = await return_processes.by_number(session, "RMA-1")
        assert await return_processes.find(session, order_key=order.key) == [found]
    return_id = f"RT-{order.key.external_id}"
    assert (found.state, found.workflow_id) == (S.APPROVED, f"return/shopify/main/{return_id}")


def test_a_transition_that_is_not_declared_is_refused() -> None:
    told = asked(a_sale(), lines=(ReturnLine(return_line_id="a", line_id="1", quantity=1),))
    file = opened_by(told, "c")
    for state in S:
        if state in RETURN_TRANSITIONS[file.state]:
            assert file.entered(state, PURCHASED, "test").history[-1].state is state
        else:
            with pytest.raises(ValueError, match=f"cannot go from requested to {state}"):
                file.entered(state, PURCHASED, "test")
