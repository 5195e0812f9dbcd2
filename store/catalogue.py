"""Listing maps, and the orders that wait for one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import ListingMap
from models.messages import MappingAdded
from models.order import OrderKey
from store import locks, outbox
from store.tables import ListingRow, SkuWait

ANY_ACCOUNT = "*"
"""A listing of this account is in force for every account of the channel that has none of its own."""

MAPPING_ADDED = "mapping_added"


async def put_listing(session: AsyncSession, listing: ListingMap) -> ListingMap:
    """Add the next version of a listing (the given version is not looked at), and wake the orders that wait for it."""
    await locks.hold(session, [_lock(listing.channel, listing.sku)])
    same = {"channel": listing.channel, "account": listing.account, "sku": listing.sku}
    newest = await session.scalar(select(func.max(ListingRow.version)).filter_by(**same))
    added = listing.model_copy(update={"version": (newest or 0) + 1})
    floor = added.floor.model_dump(mode="json") if added.floor else None
    kept = added.model_dump(exclude={"components", "floor"})
    session.add(ListingRow(**kept, floor=floor, components=_components(added)))
    await session.flush()
    await _wake_waiting(session, added)
    return added


async def listings(
    session: AsyncSession, channel: str, account: str, skus: Collection[str], at: datetime
) -> dict[str, ListingMap]:
    """SKU -> the listing in force at a time: the newest `valid_from` that is not later, the account's own first.

    A SKU that was first mapped after that time gets its first mapping that is in force by now: the orders that had to
    wait for a mapping are older than it. A SKU that has none is absent from the answer.
    """
    in_time = col(ListingRow.valid_from) <= at
    found = (
        select(ListingRow)
        .where(*_of(channel, account, skus), or_(in_time, col(ListingRow.valid_from) <= func.now()))
        .ext(distinct_on(col(ListingRow.sku)))
        .order_by(
            col(ListingRow.sku),
            in_time.desc(),
            (col(ListingRow.account) == account).desc(),
            case((in_time, col(ListingRow.valid_from))).desc().nulls_last(),
            col(ListingRow.valid_from),
            col(ListingRow.version).desc(),
        )
    )
    return {row.sku: row.listing() for row in await session.scalars(found)}


async def wait_for_sku(
    session: AsyncSession, channel: str, account: str, skus: Collection[str], order_key: OrderKey, workflow_id: str
) -> None:
    """Have the workflow told `mapping_added` once for each SKU: when it is mapped, or at once if that just happened."""
    if not skus:
        return
    await locks.hold(session, [_lock(channel, sku) for sku in skus])
    waiting = {"channel": channel, "account": account, "order_key": str(order_key), "workflow_id": workflow_id}
    rows = [{**waiting, "sku": sku} for sku in sorted(set(skus))]
    await session.execute(insert(SkuWait).on_conflict_do_nothing(), rows)
    mapped = select(ListingRow).where(*_of(channel, account, skus)).order_by(col(ListingRow.valid_from).desc())
    for listing in {row.sku: row.listing() for row in await session.scalars(mapped)}.values():
        await _wake_waiting(session, listing)


async def _wake_waiting(session: AsyncSession, listing: ListingMap) -> None:
    """Tell the orders that wait for this listing, no earlier than it is in force."""
    ended = delete(SkuWait).where(col(SkuWait.channel) == listing.channel, col(SkuWait.sku) == listing.sku)
    if listing.account != ANY_ACCOUNT:
        ended = ended.where(col(SkuWait.account) == listing.account)
    woken = await session.scalars(ended.returning(col(SkuWait.workflow_id)))
    payload = MappingAdded(sku=listing.sku).model_dump(mode="json")
    await outbox.add_all(
        session,
        [
            outbox.Message(
                workflow_id=workflow_id, message=MAPPING_ADDED, payload=payload, not_before=listing.valid_from
            )
            for workflow_id in woken
        ],
    )


def _of(channel: str, account: str, skus: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(ListingRow.channel) == channel,
        col(ListingRow.account).in_((account, ANY_ACCOUNT)),
        col(ListingRow.sku).in_(skus),
    )


def _components(listing: ListingMap) -> list[dict[str, Any]]:
    return [component.model_dump(mode="json") for component in listing.components]


def _lock(channel: str, sku: str) -> str:
    """Mapping a SKU and beginning to wait for it exclude each other, or an order could wait for ever."""
    return f"sku/{channel}/{sku}"
