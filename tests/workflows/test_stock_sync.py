"""What a channel is told to sell: what is available less the buffer, once for many changes, and to the real end."""

from datetime import timedelta
from uuid import uuid4

from activities.channel import ChannelAccount
from models.catalogue import Component
from models.channel import Progress, Rejected, StockUpdate
from store import channel_stock, stock
from tests.workflows.world import World, an_order, line
from workflows import policy
from workflows.stock_sync import StockSync, StockSyncResult

ACCOUNT = ChannelAccount(channel="shopify", account="main")
BUFFER = 2
"""As `World` has it."""


async def sync(world: World) -> StockSyncResult:
    return await world.client.execute_workflow(
        StockSync.run, ACCOUNT, id=f"stock/{uuid4()}", task_queue=policy.channel_queue("shopify")
    )


def told(world: World) -> list[dict[str, int]]:
    updates = [subject for name, subject in world.channel.done if name == "set_stock"]
    assert all(isinstance(update, StockUpdate) for update in updates)
    return [{each.sku: each.quantity for each in update.quantities} for update in updates]


async def test_a_channel_is_told_what_is_available_less_the_buffer(world: World) -> None:
    assert await sync(world) == StockSyncResult(told=3)
    # Two lamps make a set: the scarcest component counts.
    assert told(world) == [{"MAT": 100 - BUFFER, "BOTTLE": 100 - BUFFER, "SET": 50 - BUFFER}]


async def test_what_it_knows_is_not_told_again_and_many_changes_are_told_once(world: World) -> None:
    await sync(world)
    assert await sync(world) == StockSyncResult(told=0)
    for on_hand in (90, 80, 70):
        async with world.database.session() as session:
            await stock.set_level(session, "MAT-FOAM", "BER-1", on_hand)
    await sync(world)
    assert told(world)[1:] == [{"MAT": 70 - BUFFER}]


async def test_what_orders_have_reserved_is_not_sold_again(world: World) -> None:
    world.wms.manual = True
    await world.start(an_order(line("1", "MAT", 99, "34.50")))
    await world.wait_for(lambda: bool(world.wms.releases))
    await sync(world)
    assert told(world)[0]["MAT"] == 0


async def test_a_bundle_never_sells_more_than_its_components_allow(world: World) -> None:
    await world.map_sku("FOUR-MATS", Component(item="MAT-FOAM", quantity=4), Component(item="NOT-STOCKED"))
    await sync(world)
    assert told(world)[0]["FOUR-MATS"] == 0


async def test_a_refused_sku_is_kept_with_its_reason_and_not_sent_before_it_changes(world: World) -> None:
    world.channel.takes_its_time = True
    world.channel.results = [
        Progress(operation="feed", look_again=timedelta()),
        Progress(rejected=(Rejected(key="SET", code="unknown_sku", message="no such listing"),)),
    ]
    assert await sync(world) == StockSyncResult(told=2, rejected=("SET",))
    assert await sync(world) == StockSyncResult(told=0)
    async with world.database.session() as session:
        [problem] = await channel_stock.find(session, problems_only=True)
    assert (problem.sku, problem.problem) == ("SET", "unknown_sku: no such listing")


async def test_an_account_that_is_not_to_be_told_is_left_alone(world: World) -> None:
    other = ChannelAccount(channel="shopify", account="outlet")
    result = await world.client.execute_workflow(
        StockSync.run, other, id=f"stock/{uuid4()}", task_queue=policy.channel_queue("shopify")
    )
    assert result == StockSyncResult(told=0)
    assert told(world) == []
