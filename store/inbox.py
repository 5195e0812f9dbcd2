"""The inbox: every raw event, kept once, before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from pydantic import Field
from sqlalchemy import Boolean, ColumnElement, func, literal_column, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model, Moment
from store.bell import ring
from store.tables import InboxEvent
from store.tables.capture import LINE

Source = Literal["webhook", "poll", "backlog", "file", "wms"]
Ending = Literal["delivered", "ignored", "dead"]

LEASE = timedelta(seconds=10)
"""How long a claimed event is its claimer's; one that dies gives it back by its silence."""

_SECRET_WORDS = ("authorization", "cookie", "token", "secret", "api-key", "apikey", "password")


class NewEvent(Model):
    """A raw event as it arrived. `delivery_id` is the same on every repetition of the same delivery."""

    channel: str
    account: str
    source: Source
    topic: str
    delivery_id: str
    external_id: str | None = None
    version: Moment | None = None
    correlation_id: UUID = Field(default_factory=uuid4)
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Headers that carry a secret are not kept."""
    body: bytes
    received_at: Moment = Field(default_factory=lambda: datetime.now(UTC))


async def keep(session: AsyncSession, event: NewEvent) -> int | None:
    """Keep one event; its id, or None when that delivery is known already."""
    kept = await keep_many(session, [event])
    return kept[0] if kept else None


async def keep_many(session: AsyncSession, events: Sequence[NewEvent]) -> list[int]:
    """Keep what is new among the events; the ids of those, in the order of delivery ids."""
    return sorted([event_id for event_id, _ in await _kept(session, events)])


async def keep_each(session: AsyncSession, events: Sequence[NewEvent]) -> list[bool]:
    """Keep what is new among the events; of each, whether it was. Of two copies one is new."""
    new = {correlation_id for _, correlation_id in await _kept(session, events)}
    return [event.correlation_id in new for event in events]


async def _kept(session: AsyncSession, events: Sequence[NewEvent]) -> list[tuple[int, UUID]]:
    """Id and correlation id of what was new."""
    if not events:
        return []
    # In one order everywhere: two callers that keep the same deliveries must not wait for each other.
    rows = [_row(event) for event in sorted(events, key=_identity)]
    statement = insert(InboxEvent).on_conflict_do_nothing(constraint="inbox_event_once")
    returned = statement.returning(col(InboxEvent.id), col(InboxEvent.correlation_id), ring())
    return [(row.id, row.correlation_id) for row in await session.execute(returned, rows)]


_CLAIM = text(f"""
    WITH RECURSIVE line AS (
        (SELECT {LINE} AS name FROM inbox_event WHERE status = 'received' ORDER BY {LINE} LIMIT 1)
        UNION ALL
        SELECT further.name FROM line CROSS JOIN LATERAL (
            SELECT {LINE} AS name FROM inbox_event
            WHERE status = 'received' AND {LINE} > line.name ORDER BY {LINE} LIMIT 1
        ) AS further
    ), turn AS (
        SELECT line.name FROM line CROSS JOIN LATERAL (
            SELECT next_attempt_at, row_number() OVER (ORDER BY next_attempt_at, id) AS place FROM inbox_event
            WHERE status = 'received' AND {LINE} = line.name AND next_attempt_at <= now()
            ORDER BY next_attempt_at, id LIMIT :limit
        ) AS waiting
        ORDER BY place, next_attempt_at LIMIT :limit
    ), share AS (
        SELECT name, count(*) AS places FROM turn GROUP BY name
    ), due AS (
        SELECT taken.id FROM share CROSS JOIN LATERAL (
            SELECT id FROM inbox_event
            WHERE status = 'received' AND {LINE} = share.name AND next_attempt_at <= now()
            ORDER BY next_attempt_at, id LIMIT share.places FOR UPDATE SKIP LOCKED
        ) AS taken
    )
    UPDATE inbox_event SET attempts = attempts + 1, next_attempt_at = now() + :lease
    WHERE id = ANY (ARRAY(SELECT id FROM due))
    RETURNING inbox_event.*
""")  # noqa: S608 - put together of constants


async def claim(session: AsyncSession, limit: int, lease: timedelta = LEASE) -> list[InboxEvent]:
    """Take due events. No other caller gets them until the lease has passed.

    Every source of every account (a line) gives one in turn, that which waits longest: whatever one of them has piled
    up, the others do not wait behind it. How many each gives is found without locks, and then what nobody else holds is
    taken: callers that come at once take different events.
    """
    claimed = select(InboxEvent).from_statement(_CLAIM)
    found = await session.scalars(
        claimed, {"limit": limit, "lease": lease}, execution_options={"populate_existing": True}
    )
    return sorted(found, key=lambda event: event.id)


async def finish(
    session: AsyncSession, event_id: int, status: Ending, outcome: str, refusals: Iterable[Model] = ()
) -> None:
    """End an event. `refusals` say what of it was not understood (reason, path, value, remedy, external_id)."""
    refused = [refusal.model_dump(mode="json") for refusal in refusals]
    done = update(InboxEvent).where(col(InboxEvent.id) == event_id)
    await session.execute(
        done.values(status=status, outcome=outcome, refusals=refused, finished_at=func.now()),
        execution_options={"synchronize_session": False},
    )


async def postpone(session: AsyncSession, event_id: int, error: str, delay: timedelta) -> None:
    """Try again after `delay`; `error` is what the operator reads meanwhile."""
    later = update(InboxEvent).where(col(InboxEvent.id) == event_id, col(InboxEvent.status) == "received")
    await session.execute(
        later.values(outcome=error, next_attempt_at=func.now() + delay),
        execution_options={"synchronize_session": False},
    )


async def replay(session: AsyncSession, event_ids: int | Sequence[int]) -> int:
    """Put finished events back to be handled again, with their attempts counted on; how many there were."""
    ids = [event_ids] if isinstance(event_ids, int) else list(event_ids)
    back = (
        update(InboxEvent)
        .where(col(InboxEvent.id).in_(ids), col(InboxEvent.status) != "received")
        .values(status="received", next_attempt_at=func.now(), finished_at=None, outcome=None, refusals=[])
        .returning(col(InboxEvent.id), ring())
    )
    return len((await session.execute(back, execution_options={"synchronize_session": False})).all())


async def get(session: AsyncSession, event_id: int) -> InboxEvent | None:
    return await session.get(InboxEvent, event_id, populate_existing=True)


async def source_of(session: AsyncSession, event_id: int) -> tuple[str, str] | None:
    """Channel and account of an event, whose payload is not read, however long it is."""
    found = select(col(InboxEvent.channel), col(InboxEvent.account)).where(col(InboxEvent.id) == event_id)
    row = (await session.execute(found)).first()
    return (row[0], row[1]) if row else None


async def id_of(session: AsyncSession, channel: str, account: str, source: Source, delivery_id: str) -> int | None:
    """The event that a delivery was kept as; None when it is not known."""
    same = {"channel": channel, "account": account, "source": source, "delivery_id": delivery_id}
    return await session.scalar(select(col(InboxEvent.id)).filter_by(**same))


async def known(
    session: AsyncSession, channel: str, account: str, source: Source, delivery_ids: Sequence[str]
) -> set[str]:
    """Which of these deliveries were kept before, whatever became of them."""
    same = {"channel": channel, "account": account, "source": source}
    found = select(col(InboxEvent.delivery_id)).filter_by(**same).where(col(InboxEvent.delivery_id).in_(delivery_ids))
    return set(await session.scalars(found))


async def is_not_alone(session: AsyncSession, event: InboxEvent) -> bool:
    """True when the inbox holds another event that tells of the same order."""
    if event.external_id is None:
        return True
    same = {"channel": event.channel, "account": event.account, "external_id": event.external_id}
    others = select(col(InboxEvent.id)).filter_by(**same).where(col(InboxEvent.id) != event.id, _tells_of_an_order())
    return await session.scalar(others.limit(1)) is not None


async def dead_letters(
    session: AsyncSession,
    *,
    channel: str | None = None,
    account: str | None = None,
    external_id: str | None = None,
    reason: str | None = None,
    since: datetime | None = None,
    discarded: bool = False,
    limit: int = 200,
) -> list[InboxEvent]:
    """Events of which something was refused, newest first: dead ones, and files of which single orders were.

    `discarded`: those that an operator has discarded, instead of those that wait for a decision.
    """
    found = select(InboxEvent).where(*refused(channel, account, external_id, reason, since, discarded))
    return list(await session.scalars(found.order_by(col(InboxEvent.id).desc()).limit(limit)))


def refused(
    channel: str | None = None,
    account: str | None = None,
    external_id: str | None = None,
    reason: str | None = None,
    since: datetime | None = None,
    discarded: bool = False,
) -> list[ColumnElement[bool]]:
    """SQL conditions of the dead letters that are meant; `since` is about their receipt."""
    status = col(InboxEvent.status)
    exact = {InboxEvent.channel: channel, InboxEvent.account: account, InboxEvent.external_id: external_id}
    conditions = [col(column) == value for column, value in exact.items() if value is not None]
    if discarded:
        conditions.append(status == "discarded")
    else:
        # In the words of its index.
        conditions += [literal_column("(status = 'dead' OR refusals <> '[]'::jsonb)", Boolean), status != "discarded"]
    if reason is not None:
        conditions.append(col(InboxEvent.refusals).contains([{"reason": reason}]))
    if since is not None:
        conditions.append(col(InboxEvent.received_at) >= since)
    return conditions


async def captured(session: AsyncSession) -> int:
    """Number of orders of which a channel's event was captured and dealt with, whatever came of it."""
    order = select(InboxEvent.channel, InboxEvent.account, InboxEvent.external_id).distinct()  # type: ignore[call-overload]
    of_channels = order.where(
        col(InboxEvent.external_id).is_not(None), col(InboxEvent.source) != "wms", _tells_of_an_order()
    )
    dealt_with = of_channels.where(col(InboxEvent.status) != "received")
    return await session.scalar(select(func.count()).select_from(dealt_with.subquery())) or 0


async def counts(session: AsyncSession) -> dict[str, int]:
    """Status -> number of events."""
    found = await session.execute(select(col(InboxEvent.status), func.count()).group_by(col(InboxEvent.status)))
    return dict(found.all())


def _tells_of_an_order() -> ColumnElement[bool]:
    """Topics of orders: hints only name one, and what comes back has an id of its own."""
    return or_(col(InboxEvent.topic) == "order", col(InboxEvent.topic).startswith("orders/"))


def _identity(event: NewEvent) -> tuple[str, str, str, str]:
    return event.channel, event.account, event.source, event.delivery_id


def _row(event: NewEvent) -> dict[str, Any]:
    return {**event.model_dump(exclude={"headers"}), "headers": _without_secrets(event.headers)}


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lowered.items() if not any(word in name for word in _SECRET_WORDS)}
