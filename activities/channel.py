"""Calls to the channels: reading orders, returns and settlements, confirming parcels."""

import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import is_retry, temporal_errors
from connectors.errors import ConnectorError, Declined, SchemaDrift
from connectors.ports import Channel, ChannelFormat, OrderPage, PolledOrder, SettlementRef
from models.base import Model
from models.fulfilment import ConfirmedParcel
from models.order import OrderKey
from store import cursors, documents, health, inbox
from store.database import Database
from store.inbox import NewEvent, Source
from store.tables import ChannelCursor

log = structlog.get_logger(__name__)

LONG_ABSENCE = timedelta(hours=1)
"""A channel that was not read for so long is read from now on first, and what lies between beside it."""
OVERLAP = timedelta(minutes=10)
"""How far before now the reading begins then: what the channel shows late is in it, and twice is once."""


class ChannelAccount(Model):
    channel: str
    account: str


class PolledPage(Model):
    seen: int
    kept: int
    """How many were new; the others had been captured before."""
    more: bool
    backlog: bool = False
    """True when a long absence has left something behind that is still to be read."""


class Reread(Model):
    """An order that is to be read again, and the delivery that says so."""

    order_key: OrderKey
    correlation_id: str


class ChannelActivities:
    def __init__(
        self,
        channels: Mapping[tuple[str, str], Channel],
        formats: Mapping[str, ChannelFormat],
        database: Database,
    ) -> None:
        self._channels = channels
        self._formats = formats
        self._database = database

    @activity.defn
    async def confirm_parcel(self, parcel: ConfirmedParcel) -> None:
        with temporal_errors():
            key = parcel.order_key
            await self._channel(key.channel, key.account).confirm(parcel, retry=is_retry())

    @activity.defn
    async def poll_orders(self, account: ChannelAccount) -> PolledPage:
        """Read one page of changes and keep it; page and cursor are stored together or not at all.

        After a long absence it begins anew, just before now: what lies between becomes the backlog.
        """
        with temporal_errors():
            name = (account.channel, account.account)
            async with self._database.session() as session:
                read = await cursors.get(session, *name)
                backlog = await cursors.get(session, *name, cursors.BACKLOG)
            channel, left_behind = self._channel(*name), _left_behind(read)
            page = await self._read(account, channel, _begin(channel, read, left_behind))
            async with self._database.session() as session:
                kept = await inbox.keep_many(session, _orders(account, page.orders, "poll"))
                if left_behind:
                    await cursors.leave_behind(session, *name, left_behind)
                await cursors.advance(session, *name, page.cursor)
            await self._went_well(account, channel, page.orders)
            more_behind = bool(backlog or left_behind)
            return PolledPage(seen=len(page.orders), kept=len(kept), more=page.more, backlog=more_behind)

    @activity.defn
    async def poll_backlog(self, account: ChannelAccount) -> PolledPage:
        """Read one page of what a long absence left behind; its cursor is forgotten with the last page."""
        with temporal_errors():
            name = (account.channel, account.account)
            async with self._database.session() as session:
                read = await cursors.get(session, *name, cursors.BACKLOG)
            if read is None:
                return PolledPage(seen=0, kept=0, more=False)
            channel = self._channel(*name)
            page = await self._read(account, channel, read.cursor)
            async with self._database.session() as session:
                kept = await inbox.keep_many(session, _orders(account, page.orders, "backlog"))
                if page.more:
                    await cursors.advance(session, *name, page.cursor, cursors.BACKLOG)
                else:
                    await cursors.end(session, *name, cursors.BACKLOG)
            await self._went_well(account, channel, page.orders)
            return PolledPage(seen=len(page.orders), kept=len(kept), more=page.more)

    @activity.defn
    async def poll_returns(self, account: ChannelAccount) -> PolledPage:
        """Read one page of returns that changed and keep it, with its cursor."""
        with temporal_errors():
            name = (account.channel, account.account)
            async with self._database.session() as session:
                read = await cursors.get(session, *name, cursors.RETURNS)
            page = await self._channel(*name).returns(read.cursor if read else None)
            events = [event_of(account, each, "poll", "return", prefix="return:") for each in page.returns]
            async with self._database.session() as session:
                kept = await inbox.keep_many(session, events)
                await cursors.advance(session, *name, page.cursor, cursors.RETURNS)
            return PolledPage(seen=len(events), kept=len(kept), more=page.more)

    @activity.defn
    async def reread_order(self, request: Reread) -> bool:
        """Read one order and keep it as a poll would; True when this version of it is new."""
        with temporal_errors():
            key = request.order_key
            body = await self._channel(key.channel, key.account).order(key.external_id)
            event = NewEvent(
                channel=key.channel,
                account=key.account,
                source="poll",
                topic="order",
                delivery_id=f"{key.external_id}@{self._version(key, body)}",
                external_id=key.external_id,
                correlation_id=UUID(request.correlation_id),
                body=body,
            )
            async with self._database.session() as session:
                return await inbox.keep(session, event) is not None

    def _version(self, key: OrderKey, body: bytes) -> str:
        """Of an order that is not understood, or not yet one, its content: it is kept, and what is wrong is named."""
        parsed = self._formats[key.channel].parse(body, key.account)
        versions = [order.version for order in parsed.orders if order.key == key]
        return max(versions).isoformat() if versions else f"sha256:{sha256(body).hexdigest()}"

    async def _read(self, account: ChannelAccount, channel: Channel, cursor: str | None) -> OrderPage:
        try:
            return await channel.poll(cursor)
        except ConnectorError as error:
            why = f"{type(error).__name__}: {error}"
            await self._note(lambda s: health.failed(s, account.channel, account.account, channel.health(), why))
            raise

    async def _went_well(self, account: ChannelAccount, channel: Channel, orders: Sequence[PolledOrder]) -> None:
        newest = max((order.version for order in orders), default=None)
        await self._note(lambda s: health.succeeded(s, account.channel, account.account, channel.health(), newest))

    async def _note(self, write: Callable[[AsyncSession], Awaitable[None]]) -> None:
        """What is only shown to people never fails the poll."""
        try:
            async with self._database.session() as session:
                await write(session)
        except Exception:
            log.exception("health of the channel not noted")

    @activity.defn
    async def fetch_settlements(self, account: ChannelAccount) -> int:
        """Keep every settlement document that is not known yet; returns how many were new.

        One that the channel will not give is told at the end: it does not hold up the others.
        """
        with temporal_errors():
            new, declined = 0, None
            for ref in await self._channel(account.channel, account.account).settlements():
                try:
                    new += await self._keep_settlement(account, ref)
                except (Declined, SchemaDrift) as error:
                    declined = declined or error
            if declined:
                raise declined
            return new

    async def _keep_settlement(self, account: ChannelAccount, ref: SettlementRef) -> bool:
        """True when it was new. One that is known is not fetched again.

        It comes into a file of this attempt alone, and from there into the store: half a document is nowhere kept.
        """
        delivery_id = f"settlement:{ref.settlement_id}"
        async with self._database.session() as session:
            if await inbox.id_of(session, account.channel, account.account, "poll", delivery_id) is not None:
                return False
        event = NewEvent(
            channel=account.channel,
            account=account.account,
            source="poll",
            topic="settlement",
            delivery_id=delivery_id,
            correlation_id=uuid4(),
            body=b"",
        )
        with tempfile.TemporaryFile() as file:
            await self._channel(account.channel, account.account).settlement(ref, file)
            async with self._database.session() as session:
                return await documents.keep(session, event, file) is not None

    def _channel(self, name: str, account: str) -> Channel:
        try:
            return self._channels[name, account]
        except KeyError:
            raise ApplicationError(
                f"no connection for {name}/{account} in the connections file: add it and restart the worker",
                type="NoConnection",
            ) from None


def _begin(channel: Channel, read: ChannelCursor | None, left_behind: str | None) -> str | None:
    if left_behind:
        return channel.cursor_from(datetime.now(UTC) - OVERLAP)
    return read.cursor if read else None


def _left_behind(read: ChannelCursor | None) -> str | None:
    """The cursor to leave to the backlog, when nobody has read on from it for long."""
    if read is None or read.last_success_at is None:
        return None
    return read.cursor if datetime.now(UTC) - read.last_success_at > LONG_ABSENCE else None


def _orders(account: ChannelAccount, orders: Sequence[PolledOrder], source: Source) -> list[NewEvent]:
    return [event_of(account, order, source, "order") for order in orders]


def event_of(
    account: ChannelAccount, read: PolledOrder, source: Source = "poll", topic: str = "order", prefix: str = ""
) -> NewEvent:
    """What was read of a channel, to be kept; the same version read again is the same delivery."""
    return NewEvent(
        channel=account.channel,
        account=account.account,
        source=source,
        topic=topic,
        delivery_id=f"{prefix}{read.external_id}@{read.version.isoformat()}",
        external_id=read.external_id,
        version=read.version,
        correlation_id=uuid4(),
        body=read.body,
    )
