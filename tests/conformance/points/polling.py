"""Reading: walks that lose nothing, whatever happens meanwhile."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from connectors.ports import OrderPage
from models.order import ChannelState
from sandbox.faults import FaultKind
from tests.conformance.point import point
from tests.conformance.stage import Stage, is_shipped, now, refusal_of

SKEW = timedelta(minutes=5)


def ids(pages: list[OrderPage]) -> list[str]:
    return [polled.external_id for page in pages for polled in page.orders]


@point()
async def an_account_without_orders_is_an_empty_page_and_keeps_its_place(stage: Stage) -> None:
    page = await stage.channel.poll(None)
    assert (page.orders, page.more) == ((), False)
    again = await stage.channel.poll(page.cursor)
    assert (again.orders, again.more) == ((), False)
    sold = stage.sell()
    assert sold in ids((await stage.walk(stage.channel, again.cursor))[0])


@point()
async def a_walk_in_pages_sees_every_order(stage: Stage) -> None:
    sold = stage.sell_pages()
    pages, _ = await stage.walk(stage.channel)
    assert len(pages) > 1, "give small pages in `Subject.small_pages`, or more in `Subject.fills_pages`"
    assert sorted(ids(pages)) == sorted(sold)


@point()
async def an_order_added_in_mid_walk_is_not_lost(stage: Stage) -> None:
    sold = stage.sell_pages()
    first = await stage.channel.poll(None)
    assert first.more
    sold.append(stage.sell())
    rest, cursor = await stage.walk(stage.channel, first.cursor)
    following, _ = await stage.walk(stage.channel, cursor)
    assert set(ids([first, *rest, *following])) == set(sold)


@point()
async def an_order_updated_in_mid_walk_is_read_again_and_none_is_skipped(stage: Stage) -> None:
    orders = [await stage.shippable() for _ in range(2)]
    sold = {*(order.key.external_id for order in orders), *stage.sell_pages()}
    first = await stage.channel.poll(None)
    assert first.more
    (changed, *_) = [order for order in orders if order.key.external_id in ids([first])] or orders
    await stage.channel.confirm(stage.parcel(changed), retry=False)
    rest, cursor = await stage.walk(stage.channel, first.cursor)
    following, _ = await stage.walk(stage.channel, cursor)
    seen = [polled for page in [first, *rest, *following] for polled in page.orders]
    assert {polled.external_id for polled in seen} == sold
    versions = [stage.parsed(polled.body) for polled in seen if polled.external_id == changed.key.external_id]
    assert versions[-1].state is ChannelState.SHIPPED, "the change in mid-walk never came"


@point()
async def an_order_updated_after_a_walk_comes_with_the_next(stage: Stage) -> None:
    order = await stage.shippable()
    _, cursor = await stage.walk(stage.channel)
    await stage.channel.confirm(stage.parcel(order), retry=False)
    pages, _ = await stage.walk(stage.channel, cursor)
    found = [stage.parsed(polled.body) for page in pages for polled in page.orders]
    assert any(read.key == order.key and read.state is ChannelState.SHIPPED for read in found)


@point()
async def a_new_process_goes_on_where_the_old_one_stopped(stage: Stage) -> None:
    sold = stage.sell_pages()
    pages = [await stage.channel.poll(None)]
    while pages[-1].more:
        pages.append(await stage.connect().poll(pages[-1].cursor))
    assert sorted(ids(pages)) == sorted(sold)


@point()
async def a_cursor_can_be_made_from_a_moment(stage: Stage) -> None:
    external_id = stage.sell()
    pages, _ = await stage.walk(stage.channel, stage.channel.cursor_from(now() - timedelta(hours=1)))
    assert ids(pages) == [external_id]


@point()
async def a_polled_order_is_the_order_as_it_is_read_alone(stage: Stage) -> None:
    external_id = stage.sell()
    (polled,) = (await stage.channel.poll(None)).orders
    order = stage.parsed(polled.body)
    assert polled.external_id == external_id == order.key.external_id
    assert polled.version == order.version
    assert await stage.order(external_id) == order


@point()
async def an_order_that_the_channel_does_not_know_is_declined(stage: Stage) -> None:
    known = stage.sell()
    declined = await refusal_of(stage.channel.order(known.translate(str.maketrans("0123456789", "9876543210"))))
    assert declined.code == "not_found", declined.code


@point()
async def only_a_newer_version_is_news(stage: Stage) -> None:
    order = await stage.shippable()
    await stage.channel.confirm(stage.parcel(order), retry=False)
    external_id = order.key.external_id
    newer = await stage.until(external_id, is_shipped, "being shipped")
    assert newer.is_news_to(order), "a change that would be taken for an old one"
    assert not order.is_news_to(newer), "an old version that would undo a new one"
    assert not (await stage.order(external_id)).is_news_to(newer), "a duplicate that would count as news"


@point()
async def a_clock_that_is_wrong_by_five_minutes_loses_nothing(stage: Stage) -> None:
    for skew in (-SKEW, SKEW):
        channel = stage.connect(clock=lambda skew=skew: now() + skew)  # type: ignore[misc]
        _, cursor = await stage.walk(channel, channel.cursor_from(now() - timedelta(hours=1)))
        sold = stage.sell()
        pages, _ = await stage.walk(channel, cursor)
        assert sold in ids(pages), f"lost with a clock that is wrong by {skew}"


@point()
async def a_poll_that_fails_is_read_again_from_the_same_cursor(stage: Stage) -> None:
    sold = stage.sell_pages()
    first = await stage.channel.poll(None)
    await stage.fails_once(stage.subject.operations.poll, FaultKind.ERROR, partial(stage.channel.poll, first.cursor))
    rest, _ = await stage.walk(stage.channel, first.cursor)
    assert set(ids([first, *rest])) == set(sold)
