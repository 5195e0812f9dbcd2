"""Calls to the channels: reading orders and settlements, confirming parcels."""

from collections.abc import Mapping
from uuid import uuid4

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import is_retry, temporal_errors
from connectors.errors import Declined, SchemaDrift
from connectors.ports import Channel, SettlementRef
from models.base import Model
from models.fulfilment import ConfirmedParcel
from store import cursors, inbox
from store.database import Database
from store.inbox import NewEvent


class ChannelAccount(Model):
    channel: str
    account: str


class PolledPage(Model):
    seen: int
    kept: int
    """How many were new; the others had been captured before."""
    more: bool


class ChannelActivities:
    def __init__(self, channels: Mapping[tuple[str, str], Channel], database: Database) -> None:
        self._channels = channels
        self._database = database

    @activity.defn
    async def confirm_parcel(self, parcel: ConfirmedParcel) -> None:
        with temporal_errors():
            key = parcel.order_key
            await self._channel(key.channel, key.account).confirm(parcel, retry=is_retry())

    @activity.defn
    async def poll_orders(self, account: ChannelAccount) -> PolledPage:
        """Read one page and keep it; page and cursor are stored together or not at all."""
        with temporal_errors():
            async with self._database.session() as session:
                read = await cursors.get(session, account.channel, account.account)
            page = await self._channel(account.channel, account.account).poll(read.cursor if read else None)
            events = [
                NewEvent(
                    channel=account.channel,
                    account=account.account,
                    source="poll",
                    topic="order",
                    delivery_id=f"{order.external_id}@{order.version.isoformat()}",
                    external_id=order.external_id,
                    version=order.version,
                    correlation_id=uuid4(),
                    body=order.body,
                )
                for order in page.orders
            ]
            async with self._database.session() as session:
                kept = await inbox.keep_many(session, events)
                await cursors.advance(session, account.channel, account.account, page.cursor)
            return PolledPage(seen=len(events), kept=len(kept), more=page.more)

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
        """True when it was new. One that is known is not fetched again."""
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
            body=await self._channel(account.channel, account.account).settlement(ref),
        )
        async with self._database.session() as session:
            return await inbox.keep(session, event) is not None

    def _channel(self, name: str, account: str) -> Channel:
        try:
            return self._channels[name, account]
        except KeyError:
            raise ApplicationError(
                f"no connection for {name}/{account} in the connections file: add it and restart the worker",
                type="NoConnection",
            ) from None
