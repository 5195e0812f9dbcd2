"""What serves a channel moves on to the current build: a repaired build takes over what the old one tries in vain."""

from __future__ import annotations

from uuid import uuid4

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ApplicationError

from activities.channel import ChannelAccount, PolledPage
from connectors.errors import Unavailable
from tests.versioning.fleet import NEW, OLD, Fleet, builds_in, contradictions, until
from tests.workflows.world import World
from workflows import policy
from workflows.channel_sync import ChannelSync, SyncResult
from workflows.order import OrderWorkflow

Walk = WorkflowHandle[ChannelSync, SyncResult]
ACCOUNT = ChannelAccount(channel="shopify", account="main")


@activity.defn(name="poll_orders")
async def poll_orders_with_a_bug(account: ChannelAccount) -> PolledPage:
    raise ApplicationError("the page is not understood")


async def test_a_poll_that_the_old_build_tries_in_vain_is_taken_over_by_the_repaired_one(fleet: Fleet) -> None:
    world = fleet.world
    world.channel.offer()
    await fleet.start(OLD, poll_orders=poll_orders_with_a_bug)
    await fleet.rollout.set_current(OLD)
    walk = await begin(world)
    await until(lambda: attempts(walk), lambda count: count > 1)
    await fleet.start(NEW)
    await fleet.rollout.set_current(NEW)

    result = await walk.result()

    assert (result.pages, result.seen) == (1, 0)
    assert await builds_in(walk) == [OLD, NEW]
    assert await contradictions(walk) == []


async def test_a_walk_of_several_pages_goes_on_with_the_next_page_on_the_current_build(fleet: Fleet) -> None:
    world = fleet.world
    for _ in range(3):
        world.channel.offer()
    world.channel.will_fail("poll", *[Unavailable("closed for maintenance")] * 2)
    held = world.channel.hold("poll")
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    walk = await begin(world)
    await world.wait_for(lambda: bool(world.channel.entered))
    await fleet.start(NEW)
    await fleet.rollout.set_current(NEW)
    held.set()
    assert (await walk.result()).pages == 3
    assert await builds_in(walk) == [OLD, NEW]
    assert world.channel.count("poll") == 3


async def test_orders_stay_and_what_serves_a_channel_moves_on(world: World) -> None:
    def behaviour(queue: str) -> VersioningBehavior:
        config = world.queues.worker(world.client, queue, NEW).config()["deployment_config"]
        assert config is not None
        return config.default_versioning_behavior

    moving = [queue for queue in world.queues.workflows if queue != policy.ORDERS_QUEUE]
    assert {policy.SETTLEMENT_QUEUE, policy.channel_queue("shopify")} <= set(moving)
    assert {behaviour(queue) for queue in moving} == {VersioningBehavior.AUTO_UPGRADE}
    assert behaviour(policy.ORDERS_QUEUE) is VersioningBehavior.PINNED
    assert OrderWorkflow in world.queues.workflows[policy.ORDERS_QUEUE]


async def begin(world: World) -> Walk:
    return await world.client.start_workflow(
        ChannelSync.run, ACCOUNT, id=f"sync-orders/{uuid4()}", task_queue=policy.channel_queue("shopify")
    )


async def attempts(walk: Walk) -> int:
    pending = (await walk.describe()).raw_description.pending_activities
    return max((each.attempt for each in pending), default=0)
