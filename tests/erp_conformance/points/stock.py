"""Stock: every unit leaves the place that it really left, and what never stood on our shelves leaves none of them."""

from __future__ import annotations

from connectors.ports import ErpOrder
from models.fulfilment import ConfirmedParcel, GoodsOut
from models.ledger import DocumentKind
from models.money import Money
from models.order import FulfilmentSide
from tests.erp_conformance.point import point
from tests.erp_conformance.stage import Stage
from tests.erp_conformance.transport import Harm, Line

Levels = dict[tuple[str, str], int]
"""(node, item) -> units."""
HERE, THERE = "BER-1", "LEJ-2"
TENT, STOVE, SOCK = "TENT-4P", "STOVE-GAS", "SOCK-WOOL"


@point()
async def each_unit_leaves_the_node_that_it_really_left(stage: Stage) -> None:
    request = await stage.entered()
    before = await _levels(stage)
    parcel = _from_two_nodes(stage, request)
    numbers = await stage.erp.post_shipment(parcel, retry=False)
    assert await stage.erp.post_shipment(parcel, retry=True) == numbers
    assert await _left_since(before, stage) == LEFT
    shipments = (await stage.documents(request)).of_kind(DocumentKind.SHIPMENT)
    assert len({shipment.reference for shipment in shipments}) == 1


@point()
async def goods_of_two_nodes_leave_once_whatever_reply_is_lost(stage: Stage) -> None:
    await _ship_hurt(stage, Harm.LOST_REPLY)


@point()
async def goods_of_two_nodes_leave_once_although_the_caller_dies_between_any_two_steps(stage: Stage) -> None:
    await _ship_hurt(stage, Harm.CUT_OFF)


@point()
async def a_bundles_part_that_left_ahead_leaves_once_and_the_rest_follows(stage: Stage) -> None:
    """Both stoves were in the first parcel; its socks completed one set, and those of the second parcel the other."""
    request = await stage.entered()
    before = await _levels(stage)
    ahead = _goods({(HERE, STOVE): 2, (THERE, SOCK): 3})
    await stage.booked(
        stage.parcel(request, 1, {"L2": 1}, node=THERE, goods=ahead),
        stage.parcel(request, 2, {"L2": 1}, node=THERE, goods=_goods({(THERE, SOCK): 3})),
        stage.parcel(request, 3, {"L1": 3}, goods=_goods({(HERE, TENT): 3})),
    )
    assert await _left_since(before, stage) == {(HERE, STOVE): 2, (THERE, SOCK): 6, (HERE, TENT): 3}
    await _require_invoiced(stage, request)


@point("surplus")
async def what_a_warehouse_ships_beyond_the_order_leaves_the_books_as_well(stage: Stage) -> None:
    """A node had shipped the tents when it was told to stop, and another one shipped them again."""
    request = await stage.entered()
    before = await _levels(stage)
    await stage.booked(stage.parcel(request, 1, {"L1": 3}, goods=_goods({(HERE, TENT): 3})))
    twice = _goods({(THERE, TENT): 1, (THERE, STOVE): 2, (THERE, SOCK): 6})
    await stage.booked(stage.parcel(request, 2, {"L2": 2}, node=THERE, goods=twice))
    left = {(HERE, TENT): 3, (THERE, TENT): 1, (THERE, STOVE): 2, (THERE, SOCK): 6}
    assert await _left_since(before, stage) == left
    await _require_invoiced(stage, request)


@point()
async def goods_that_the_channel_ships_are_invoiced_and_leave_no_shelf_of_ours(stage: Stage) -> None:
    before = await _levels(stage)

    async def ship(request: ErpOrder, retry: bool) -> None:
        await stage.erp.post_shipment(_by_channel(stage, request), retry=retry)
        await stage.erp.post_invoice(_by_channel(stage, request), retry=retry)

    async def fulfilled_there() -> ErpOrder:
        return await stage.entered(fulfilled_by=FulfilmentSide.CHANNEL)

    for request in await stage.hurt(Harm.LOST_REPLY, fulfilled_there, ship):
        assert await stage.count(request, DocumentKind.SHIPMENT) == 1
        await _require_invoiced(stage, request)
    assert not await _left_since(before, stage)


@point()
async def goods_that_somebody_shipped_by_hand_leave_no_shelf_of_ours(stage: Stage) -> None:
    request = await stage.entered()
    before = await _levels(stage)
    await stage.booked(_by_channel(stage, request))
    assert not await _left_since(before, stage)
    await _require_invoiced(stage, request)


@point()
async def books_without_a_warehouse_for_the_channel_invoice_what_it_ships_all_the_same(stage: Stage) -> None:
    erp = stage.running.provider(Line(read_paths=stage.running.subject.read_paths), without="channel_warehouses")
    try:
        request = stage.order(fulfilled_by=FulfilmentSide.CHANNEL)
        await erp.create_order(request, retry=False)
        before = await _levels(stage)
        parcel = _by_channel(stage, request)
        assert await erp.post_shipment(parcel, retry=False) == await erp.post_shipment(parcel, retry=True)
        await erp.post_invoice(parcel, retry=False)
    finally:
        await erp.aclose()
    assert not await _left_since(before, stage)
    await _require_invoiced(stage, request)


async def _ship_hurt(stage: Stage, harm: Harm) -> None:
    before = await _levels(stage)

    async def ship(request: ErpOrder, retry: bool) -> None:
        await stage.erp.post_shipment(_from_two_nodes(stage, request), retry=retry)

    requests = await stage.hurt(harm, stage.entered, ship)
    assert await _left_since(before, stage) == {place: units * len(requests) for place, units in LEFT.items()}


LEFT = {(HERE, TENT): 2, (THERE, TENT): 1, (THERE, STOVE): 1, (HERE, SOCK): 1, (THERE, SOCK): 2}


def _from_two_nodes(stage: Stage, request: ErpOrder) -> ConfirmedParcel:
    return stage.parcel(request, 1, {"L1": 3, "L2": 1}, node=THERE, goods=_goods(LEFT))


def _by_channel(stage: Stage, request: ErpOrder) -> ConfirmedParcel:
    return stage.parcel(request, 1, {"L1": 3, "L2": 2}, node="")


def _goods(left: dict[tuple[str, str], int]) -> tuple[GoodsOut, ...]:
    return tuple(GoodsOut(node=node, item=item, quantity=units) for (node, item), units in left.items())


async def _levels(stage: Stage) -> Levels:
    levels = await stage.erp.stock_levels()
    assert levels
    return {(level.node, level.item): level.on_hand for level in levels}


async def _left_since(before: Levels, stage: Stage) -> Levels:
    """What became less; negative where something became more."""
    now = await _levels(stage)
    changes = {place: before.get(place, 0) - now.get(place, 0) for place in before.keys() | now.keys()}
    return {place: units for place, units in changes.items() if units}


async def _require_invoiced(stage: Stage, request: ErpOrder) -> None:
    """To the cent, although the first parcels of an order may be told before its last."""
    invoices = (await stage.documents(request)).of_kind(DocumentKind.INVOICE)
    amounts = [amount for each in invoices for amount in (each.net, each.seller_tax) if amount is not None]
    assert Money.total(amounts, request.order.currency) == request.order.receivable
