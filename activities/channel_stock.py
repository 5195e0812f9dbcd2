"""What a channel may sell, against what it was told."""

from collections.abc import Mapping
from typing import Protocol

from temporalio import activity

from activities.channel import ChannelAccount
from activities.failures import temporal_errors
from models.base import Model
from models.channel import Rejected, StockQuantity
from store import channel_stock
from store.database import Database

BATCH = 500
"""SKUs in one request; what is left over is sent with the next."""


class StockPolicy(Protocol):
    @property
    def publish_stock(self) -> bool: ...

    @property
    def safety_buffer(self) -> int: ...


class StockTold(Model):
    account: ChannelAccount
    quantities: tuple[StockQuantity, ...]
    rejected: tuple[Rejected, ...]


class ChannelStockActivities:
    def __init__(self, policies: Mapping[tuple[str, str], StockPolicy], database: Database) -> None:
        self._policies = policies
        self._database = database

    @activity.defn
    async def stock_news(self, account: ChannelAccount) -> list[StockQuantity]:
        """What the channel is to be told: nothing when it knows, or is not to be told at all."""
        policy = self._policies.get((account.channel, account.account))
        if policy is None or not policy.publish_stock:
            return []
        with temporal_errors():
            async with self._database.session() as session:
                return await channel_stock.news(session, account.channel, account.account, policy.safety_buffer, BATCH)

    @activity.defn
    async def stock_told(self, told: StockTold) -> None:
        with temporal_errors():
            async with self._database.session() as session:
                await channel_stock.told(
                    session, told.account.channel, told.account.account, told.quantities, told.rejected
                )
