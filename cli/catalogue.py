"""Listing maps and stock levels, as a catalogue system hands them over."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from models.catalogue import Component, ListingMap
from store import catalogue, stock
from store.database import Database

SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Listings of a first load are in force for orders of any age."""


async def load(database: Database, goods: dict[str, Any], channels: list[str]) -> None:
    """Put every listing of the sandbox's catalogue on every channel, and set its stock levels."""
    async with database.session() as session:
        for listing in goods["listings"]:
            for channel in channels:
                parts = tuple(
                    Component(item=item, quantity=quantity, share=Decimal(share))
                    for item, (quantity, share) in listing["components"].items()
                )
                await catalogue.put_listing(session, listing_of(channel, listing["sku"], parts))
        for level in goods["stock"]:
            await stock.set_level(session, level["item"], level["node"], level["on_hand"])


async def map_sku(database: Database, channel: str, sku: str, parts: tuple[Component, ...]) -> ListingMap:
    """Map one SKU; the orders that wait for it go on by themselves."""
    async with database.session() as session:
        return await catalogue.put_listing(session, listing_of(channel, sku, parts))


def listing_of(channel: str, sku: str, parts: tuple[Component, ...]) -> ListingMap:
    return ListingMap(channel=channel, account=catalogue.ANY_ACCOUNT, sku=sku, valid_from=SINCE, components=parts)
