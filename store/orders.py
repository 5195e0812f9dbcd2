"""The registry of orders, and the projection of what their workflows say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Integer, bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.messages import FINAL_STATES, OrderSnapshot, OrderState, Transition
from models.order import Order, OrderKey
from store import locks
from store.tables import InboxEvent, OrderRow, OrderTransition


class UnknownOrder(LookupError):
    """The registry has no such order; whoever asks has to register it first."""

    def __init__(self, key: OrderKey) -> None:
        super().__init__(f"no order {key} in the registry: register it before recording anything of it")


async def register(session: AsyncSession, order: Order, mapping_version: int) -> OrderRow:
    """The order's row, made when it is new, and locked until the transaction ends."""
    # Before the insert: two of one order at once may meet in the second unique constraint, which no ON CONFLICT names.
    await locks.hold(session, [f"order/{order.key}"])
    received = func.coalesce(_received_at(order.raw_event_id), func.now())
    new = insert(OrderRow).values(
        **_identity(order), **_content(order), mapping_version=mapping_version, received_at=received
    )
    earliest = func.least(OrderRow.received_at, new.excluded.received_at)
    row = new.on_conflict_do_update(index_elements=["order_key"], set_={"received_at": earliest}).returning(OrderRow)
    return (await session.scalars(row, execution_options={"populate_existing": True})).one()


async def delivered(session: AsyncSession, key: OrderKey, order: Order, mapping_version: int | None = None) -> bool:
    """Note that the workflow was told this version; False when it was told a newer one before.

    `mapping_version` is the parser's, where it differs from the one the order was registered with.
    """
    newer = or_(col(OrderRow.delivered_version).is_(None), col(OrderRow.delivered_version) <= order.version)
    content = {**_content(order), "delivered_version": order.version, "updated_at": func.now()}
    if mapping_version is not None:
        content["mapping_version"] = mapping_version
    told = update(OrderRow).where(col(OrderRow.order_key) == str(key), newer).values(**content)
    found = await session.execute(
        told.returning(col(OrderRow.order_key)), execution_options={"synchronize_session": False}
    )
    return found.first() is not None


_RECORD = text("""
    WITH reported AS (
        SELECT * FROM jsonb_to_recordset(:transitions)
            AS t (number int, at timestamptz, state text, cause text, actor text, authority text)
    ), appended AS (
        INSERT INTO order_transition (order_key, number, at, state, cause, actor, authority)
        SELECT orders.order_key, reported.* FROM orders, reported WHERE orders.order_key = :key
        ON CONFLICT DO NOTHING
    ), projected AS (
        UPDATE orders
        SET state = :state, snapshot = :snapshot, updated_at = now(),
            last_transition = greatest(last_transition, :last),
            released_at = coalesce(:released_at, released_at), closed_at = coalesce(:closed_at, closed_at)
        WHERE order_key = :key AND last_transition <= coalesce(:last, last_transition)
    )
    SELECT order_key FROM orders WHERE order_key = :key
""").bindparams(
    bindparam("transitions", type_=JSONB),
    bindparam("snapshot", type_=JSONB),
    bindparam("last", type_=Integer),
)


async def record(session: AsyncSession, snapshot: OrderSnapshot, transitions: Sequence[tuple[int, Transition]]) -> None:
    """Project what the workflow says: one statement. Transitions are kept once by number.

    A report whose last transition is older than what is projected already adds its transitions and nothing else.
    Raises `UnknownOrder`.
    """
    last = max(transitions, key=lambda numbered: numbered[0], default=None)
    closed_at = last[1].at if last and snapshot.state in FINAL_STATES else None
    reported = [{"number": number, **transition.model_dump(mode="json")} for number, transition in transitions]
    found = await session.execute(
        _RECORD,
        {
            "key": str(snapshot.key),
            "transitions": reported,
            "state": snapshot.state.value,
            "snapshot": snapshot.model_dump(mode="json"),
            "last": last[0] if last else None,
            "released_at": snapshot.released_at,
            "closed_at": closed_at,
        },
    )
    if found.first() is None:
        raise UnknownOrder(snapshot.key)


async def get(session: AsyncSession, key: OrderKey) -> OrderRow | None:
    return await session.get(OrderRow, str(key), populate_existing=True)


async def next_replacement(session: AsyncSession, key: OrderKey) -> int:
    """The number of the next order that replaces goods of this one (`<external id>-X<number>`)."""
    number = 1
    while await get(session, key.model_copy(update={"external_id": f"{key.external_id}-X{number}"})):
        number += 1
    return number


async def find(
    session: AsyncSession, *, state: OrderState | None = None, channel: str | None = None, limit: int = 200
) -> list[OrderRow]:
    """Orders, newest first."""
    found = select(OrderRow).order_by(col(OrderRow.created_at).desc(), col(OrderRow.order_key)).limit(limit)
    if state is not None:
        found = found.where(col(OrderRow.state) == state)
    if channel is not None:
        found = found.where(col(OrderRow.channel) == channel)
    return list(await session.scalars(found))


async def transitions(session: AsyncSession, key: OrderKey) -> list[tuple[int, Transition]]:
    """The order's history, from its first transition."""
    found = select(OrderTransition).where(col(OrderTransition.order_key) == str(key))
    rows = await session.scalars(found.order_by(col(OrderTransition.number)))
    return [(row.number, row.transition()) for row in rows]


async def states(session: AsyncSession) -> dict[str, str]:
    """Order key -> state, of every order."""
    found = await session.execute(select(col(OrderRow.order_key), col(OrderRow.state)))
    return dict(row for row in found)


async def counts_by_state(session: AsyncSession) -> dict[str, int]:
    found = await session.execute(select(col(OrderRow.state), func.count()).group_by(col(OrderRow.state)))
    return dict(found.all())


async def counts_by_channel_and_state(session: AsyncSession) -> dict[tuple[str, str], int]:
    by = (col(OrderRow.channel), col(OrderRow.state))
    found = await session.execute(select(*by, func.count()).group_by(*by))
    return {(channel, state): number for channel, state, number in found}


async def release_latencies(session: AsyncSession, since: datetime | None = None) -> list[float]:
    """Seconds from the receipt of an order's earliest raw event to its release, for orders released after `since`."""
    found = (
        select(col(OrderRow.received_at), col(OrderRow.released_at))
        .where(col(OrderRow.released_at) >= (since or datetime.min.replace(tzinfo=UTC)))
        .order_by(col(OrderRow.released_at))
    )
    rows = await session.execute(found)
    return [(released - received).total_seconds() for received, released in rows if released]


def _received_at(event_id: int | None) -> Any:
    return select(col(InboxEvent.received_at)).where(col(InboxEvent.id) == event_id).scalar_subquery()


def _identity(order: Order) -> dict[str, Any]:
    return {
        "order_key": str(order.key),
        "channel": order.key.channel,
        "account": order.key.account,
        "external_id": order.key.external_id,
        "workflow_id": order.key.workflow_id,
        "correlation_id": order.correlation_id or uuid4(),
    }


def _content(order: Order) -> dict[str, Any]:
    return {
        "raw_event_id": order.raw_event_id,
        "currency": order.currency,
        "total": order.total.amount,
        "payload": order.model_dump(mode="json"),
        "purchased_at": order.purchased_at,
        "ship_by": order.ship_by,
    }
