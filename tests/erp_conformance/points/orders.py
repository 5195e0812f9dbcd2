"""Sales orders: once, complete, changed, taken back."""

from __future__ import annotations

import asyncio

from connectors.ports import ErpOrder
from models.ledger import DocumentKind
from models.order import Order
from tests.erp_conformance.point import point
from tests.erp_conformance.stage import UNKNOWN, Stage
from tests.erp_conformance.transport import Harm


@point()
async def an_order_is_entered_once_however_often_it_is_posted(stage: Stage) -> None:
    request = stage.order()
    number = await stage.erp.create_order(request, retry=False)
    assert await stage.erp.create_order(request, retry=True) == number
    assert (await stage.documents(request)).number == number


@point()
async def an_order_whose_reply_is_lost_at_any_step_is_entered_once(stage: Stage) -> None:
    async def post(request: ErpOrder, retry: bool) -> None:
        await stage.erp.create_order(request, retry=retry)

    for request in await stage.hurt(Harm.LOST_REPLY, stage.unposted, post):
        assert (await stage.documents(request)).units == {"TENT-4P": 3, "STOVE-GAS": 2, "SOCK-WOOL": 6}


@point()
async def an_order_whose_caller_dies_between_any_two_steps_is_completed(stage: Stage) -> None:
    async def post(request: ErpOrder, retry: bool) -> None:
        await stage.erp.create_order(request, retry=retry)
        parcel = stage.parcel(request, 1, {"L1": 3, "L2": 2})
        await stage.erp.post_shipment(parcel, retry=retry)
        await stage.erp.post_invoice(parcel, retry=retry)

    for request in await stage.hurt(Harm.CUT_OFF, stage.unposted, post):
        assert await stage.count(request, DocumentKind.SHIPMENT) == 1
        assert await stage.count(request, DocumentKind.INVOICE) == 1


@point()
async def an_order_that_is_posted_four_times_at_once_is_entered_once(stage: Stage) -> None:
    request = stage.order()
    numbers = await asyncio.gather(*(stage.erp.create_order(request, retry=True) for _ in range(4)))
    assert len(set(numbers)) == 1


@point()
async def an_order_is_taken_back_before_anything_left(stage: Stage) -> None:
    request = await stage.entered()
    await stage.erp.cancel_order(request.order.key, "c-1")
    await stage.erp.cancel_order(request.order.key, "c-1")
    assert (await stage.documents(request)).cancelled


@point()
async def an_order_that_is_not_there_is_taken_back_already(stage: Stage) -> None:
    await stage.erp.cancel_order(stage.order().order.key, "c-1")


@point()
async def an_order_is_taken_back_whatever_reply_is_lost(stage: Stage) -> None:
    async def cancel(request: ErpOrder, retry: bool) -> None:
        await stage.erp.cancel_order(request.order.key, "c-1")

    for request in await stage.hurt(Harm.LOST_REPLY, stage.entered, cancel):
        assert (await stage.documents(request)).cancelled


@point()
async def an_order_of_which_units_left_is_not_taken_back(stage: Stage) -> None:
    request = await stage.entered()
    await stage.booked(stage.parcel(request, 1, {"L1": 1}))
    assert (await stage.refusal(stage.erp.cancel_order(request.order.key, "c-1"))).code == "already_shipped"


@point("changes")
async def cancelled_units_leave_the_order_and_the_rest_is_shipped_and_invoiced(stage: Stage) -> None:
    request = await stage.entered()
    await stage.booked(stage.parcel(request, 1, {"L1": 1}))
    fewer = request.model_copy(update={"order": _with_cancelled(request.order, {"L1": 1, "L2": 1}), "revision": 1})
    await stage.erp.change_order(fewer, retry=False)
    await stage.erp.change_order(fewer, retry=True)
    assert (await stage.documents(request)).units == {"TENT-4P": 2, "STOVE-GAS": 1, "SOCK-WOOL": 3}
    await stage.booked(stage.parcel(request, 2, {"L1": 1, "L2": 1}))
    over = stage.parcel(request, 3, {"L1": 1})
    assert (await stage.refusal(stage.erp.post_shipment(over, retry=False))).code == "over_shipped"


@point("changes")
async def units_that_have_left_cannot_be_cancelled(stage: Stage) -> None:
    request = await stage.entered()
    await stage.booked(stage.parcel(request, 1, {"L1": 2}))
    fewer = request.model_copy(update={"order": _with_cancelled(request.order, {"L1": 2}), "revision": 1})
    assert (await stage.refusal(stage.erp.change_order(fewer, retry=False))).code == "already_shipped"


@point("changes")
async def an_order_that_is_not_there_cannot_be_changed(stage: Stage) -> None:
    assert (await stage.refusal(stage.erp.change_order(stage.order(), retry=False))).code in UNKNOWN


def _with_cancelled(order: Order, cancelled: dict[str, int]) -> Order:
    lines = tuple(line.model_copy(update={"cancelled": cancelled.get(line.line_id, 0)}) for line in order.lines)
    return order.model_copy(update={"lines": lines})
