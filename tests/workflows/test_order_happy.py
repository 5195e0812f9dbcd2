"""An order's plain life, and its variants that need nobody's decision."""

from datetime import timedelta

from models.fulfilment import PickLine, Release
from models.messages import ChannelUpdate, OrderState
from models.order import ChannelState, FulfilmentSide, Order, Parcel, Remitter
from tests.workflows.world import PURCHASED, World, an_order, eur, line, taxed
from workflows.order import OrderWorkflow


async def test_a_plain_order_goes_from_received_to_closed(world: World) -> None:
    order = an_order(taxed(line("1", "MAT", 2, "34.50"), "13.11"))
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    ended = await world.end(handle)

    assert ended.state is OrderState.CLOSED
    assert ended.erp_order == f"SO-{order.key.external_id}"
    assert ended.received == order.receivable
    assert [parcel.invoice for parcel in ended.shipments] == [f"INV-{order.key}#BER-1-1"]
    assert await world.states(order) == ["accepted", "allocated", "released", "shipped", "settled", "closed"]
    assert [name for name, _ in world.erp.done] == ["create_order", "post_shipment", "post_invoice"]
    assert world.channel.count("confirm") == world.notifier.count("send") == world.tax.count("commit") == 1
    assert await world.free("MAT-FOAM") == 98


async def test_an_order_of_two_nodes_is_shipped_by_both_and_confirmed_twice(world: World) -> None:
    order = an_order(line("1", "MAT", 1, "34.50"), line("2", "BOTTLE", 2, "17.95"))
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    ended = await world.end(handle)

    assert ended.nodes == ("BER-1", "LEJ-2")
    assert sorted(parcel.node for parcel in ended.shipments) == ["BER-1", "LEJ-2"]
    numbers = [parcel.package_number for name, parcel in world.channel.done if name == "confirm"]
    assert sorted(numbers) == [1, 2]


async def test_a_bundle_that_leaves_in_two_parcels_is_confirmed_when_it_is_whole(world: World) -> None:
    def tent_then_lamps(release: Release) -> list[tuple[PickLine, ...]]:
        by_item = {pick.item: pick for pick in release.picks}
        return [(by_item["TENT"],), (by_item["LAMP"],)]

    world.wms.parcels = tent_then_lamps
    order = an_order(line("1", "SET", 1, "99.99"))
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    ended = await world.end(handle)

    assert [parcel.units for parcel in ended.shipments] == [{}, {"1": 1}]
    assert world.channel.count("confirm") == world.erp.count("post_invoice") == 1
    [posted] = [parcel for name, parcel in world.erp.done if name == "post_shipment"]
    assert [(left.node, left.item, left.quantity) for left in posted.goods] == [
        ("BER-1", "TENT", 1),
        ("BER-1", "LAMP", 2),
    ]


async def test_a_partial_shipment_shows_until_the_rest_has_left(world: World) -> None:
    world.wms.manual = True
    order = an_order(line("1", "MAT", 3, "34.50"))
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    fulfilment = f"{order.key}#BER-1"
    await world.wms.ship(fulfilment, (PickLine(line_id="1", item="MAT-FOAM", quantity=2),))
    partly = await world.until(handle, lambda seen: seen.state is OrderState.PARTIALLY_SHIPPED)
    assert (partly.quantities["1"].shipped, partly.quantities["1"].released) == (2, 1)

    await world.wms.ship(fulfilment, (PickLine(line_id="1", item="MAT-FOAM", quantity=1),))
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    await world.end(handle)
    assert "partially_shipped" in await world.states(order)
    assert [parcel.units for name, parcel in world.channel.done if name == "confirm"] == [{"1": 2}, {"1": 1}]


async def test_the_same_shipment_reported_twice_counts_once(world: World) -> None:
    world.wms.manual = True
    order = an_order(line("1", "MAT", 2, "34.50"))
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    first = await world.wms.ship(f"{order.key}#BER-1", (PickLine(line_id="1", item="MAT-FOAM", quantity=1),))
    await world.wms.report(first)
    await world.wms.ship(f"{order.key}#BER-1", (PickLine(line_id="1", item="MAT-FOAM", quantity=1),))
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    assert len((await world.end(handle)).shipments) == 2
    assert await world.free("MAT-FOAM") == 98


async def test_tax_that_the_channel_remits_is_not_recorded_with_the_tax_engine(world: World) -> None:
    order = an_order(taxed(line("1", "MAT", 1, "34.50"), "6.55", Remitter.CHANNEL))
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert order.receivable == eur("34.50")
    await world.pay(handle, order)
    await world.end(handle)
    assert world.tax.done == []


async def test_an_order_the_channel_fulfils_is_posted_but_never_released(world: World) -> None:
    order = an_order(line("1", "MAT", 2, "34.50"), fulfilled_by=FulfilmentSide.CHANNEL)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.waiting_for == "the channel to ship")
    half = order.model_copy(
        update={
            "version": PURCHASED + timedelta(hours=1),
            "lines": (line("1", "MAT", 2, "34.50", shipped=1),),
            "parcels": (Parcel(parcel_id="P1", carrier="AMZL", quantities={"1": 1}),),
        }
    )
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=half))
    await world.until(handle, lambda seen: len(seen.shipments) == 1)
    whole = half.model_copy(
        update={
            "version": PURCHASED + timedelta(hours=2),
            "state": ChannelState.SHIPPED,
            "lines": (line("1", "MAT", 2, "34.50", shipped=2),),
        }
    )
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=whole))
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    ended = await world.end(handle)
    assert [parcel.units for parcel in ended.shipments] == [{"1": 1}, {"1": 1}]
    assert world.wms.done == []
    assert world.channel.done == []
    assert world.erp.count("post_invoice") == 2


async def test_what_was_shipped_before_we_knew_the_order_is_invoiced_and_the_rest_is_shipped(world: World) -> None:
    known = Parcel(parcel_id="OLD", carrier="UPS", tracking="1Z", quantities={"1": 1})
    order = an_order(
        line("1", "MAT", 3, "34.50", shipped=1, cancelled=1), state=ChannelState.PARTIALLY_SHIPPED, parcels=(known,)
    )
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    ended = await world.end(handle)
    assert [parcel.shipment_id for parcel in ended.shipments] == ["OLD", f"{order.key}#BER-1-1"]
    assert world.channel.count("confirm") == 1
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (2, 1)


async def test_an_order_that_is_shipped_already_only_waits_for_its_money(world: World) -> None:
    order = an_order(line("1", "MAT", 1, "34.50", shipped=1), state=ChannelState.SHIPPED)
    handle = await world.start(order)
    seen = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert [parcel.shipment_id for parcel in seen.shipments] == [f"{order.key.external_id}-unseen-1"]
    await world.pay(handle, order)
    await world.end(handle)
    assert world.wms.done == []
    assert world.erp.count("post_invoice") == 1


async def test_a_gift_card_is_delivered_by_its_sale(world: World) -> None:
    order = an_order(line("1", "MAT", 1, "25.00", needs_shipping=False), ship_to=None)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    assert (await world.end(handle)).quantities["1"].shipped == 1
    assert world.wms.done == []


async def test_money_may_come_in_parts_and_doubled(world: World) -> None:
    order = an_order()
    handle = await world.start(order)
    await world.pay(handle, order, eur("30.00"), "S1")
    await world.pay(handle, order, eur("30.00"), "S1")
    await world.pay(handle, order, eur("4.50"), "S2")
    ended = await world.end(handle)
    assert ended.state is OrderState.CLOSED
    assert ended.received == eur("34.50")


async def test_a_buyer_without_an_email_address_is_not_told(world: World) -> None:
    order = an_order()
    order = order.model_copy(update={"buyer": order.buyer.model_copy(update={"email": ""})})
    handle = await world.start(order)
    await world.pay(handle, order)
    await world.end(handle)
    assert world.notifier.done == []


def fulfilled_by_hand(order: Order) -> ChannelUpdate:
    parcel = Parcel(parcel_id="F-1", carrier="DHL", tracking="BY-HAND", quantities={"1": 2}, shipped_at=PURCHASED)
    lines = tuple(each.model_copy(update={"shipped": each.quantity}) for each in order.lines)
    news = {"version": PURCHASED + timedelta(hours=1), "state": ChannelState.SHIPPED, "lines": lines}
    return ChannelUpdate(order=order.model_copy(update={**news, "parcels": (parcel,)}))


async def test_what_somebody_ships_by_hand_on_the_channel_does_not_leave_twice(world: World) -> None:
    world.wms.manual = True
    order = an_order(line("1", "MAT", 2, "34.50"))
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    await handle.signal(OrderWorkflow.channel_changed, fulfilled_by_hand(order))
    shipped = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert world.wms.count("cancel") == 1
    assert [(parcel.shipment_id, parcel.units) for parcel in shipped.shipments] == [("F-1", {"1": 2})]
    assert world.channel.count("confirm") == 0
    assert world.erp.count("post_invoice") == 1
    assert await world.free("MAT-FOAM") == 100


async def test_of_two_nodes_the_one_that_stops_leaves_its_goods_to_who_shipped_by_hand(world: World) -> None:
    world.wms.manual = True
    order = an_order(line("1", "MAT", 1, "34.50"), line("2", "BOTTLE", 2, "17.95"))
    ships_nevertheless = f"{order.key}#LEJ-2"
    world.wms.does_not_stop.add(ships_nevertheless)
    handle = await world.start(order)
    await world.wait_for(lambda: len(world.wms.releases) == 2)
    await handle.signal(OrderWorkflow.channel_changed, fulfilled_by_hand(order))
    await world.wait_for(lambda: world.wms.count("cancel") == 2)
    await world.wms.ship(ships_nevertheless)
    shipped = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert sorted((parcel.node, parcel.units) for parcel in shipped.shipments) == [
        ("LEJ-2", {"2": 2}),
        ("channel", {"1": 1}),
    ]
    assert len(world.wms.releases) == 2
    assert (await world.free("MAT-FOAM"), await world.free("BOTTLE-1L")) == (100, 98)


async def test_a_warehouse_that_cannot_stop_ships_and_is_believed(world: World) -> None:
    world.wms.manual = world.wms.says_no_to_cancel = True
    order = an_order(line("1", "MAT", 2, "34.50"))
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    await handle.signal(OrderWorkflow.channel_changed, fulfilled_by_hand(order))
    await world.wait_for(lambda: world.wms.count("cancel") == 1)
    await world.wms.ship(f"{order.key}#BER-1")
    shipped = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert [parcel.tracking for parcel in shipped.shipments] == ["TR1"]
