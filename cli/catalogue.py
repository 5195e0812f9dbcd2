"""Listing maps and stock levels: as a catalogue system hands them over, and one by one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from cli import options
from cli.deployment import find
from cli.options import ChannelName
from cli.output import console, fail
from models.catalogue import Component, ListingMap
from models.money import Money
from store import catalogue, rates, stock
from store.database import Database

app = typer.Typer(no_args_is_help=True, help="Which items a channel's SKU is made of.")

SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Listings of a first load are in force for orders of any age."""


@app.command("map")
def map_listing(
    channel: ChannelName,
    sku: Annotated[str, typer.Argument(help="The channel's SKU.")],
    items: Annotated[list[str], typer.Argument(help="ITEM or ITEM=QUANTITY or ITEM=QUANTITY:SHARE")],
    floor: Annotated[
        str | None, typer.Option(help="Lowest price of a unit that is sold without asking, e.g. 12.50EUR.")
    ] = None,
    available_from: Annotated[
        str | None, typer.Option(help="Pre-order: the day before which it is not shipped, YYYY-MM-DD.")
    ] = None,
) -> None:
    """Map a channel's SKU to items; orders that wait for it go on by themselves."""
    parts = tuple(_component(text) for text in items)
    lowest, day = options.price(floor, "--floor"), options.day(available_from, "--available-from")

    async def work() -> int:
        async with find().database() as database:
            return (await map_sku(database, channel.value, sku, parts, floor=lowest, available_from=day)).version

    console.print(f"{channel.value} {sku}: version {asyncio.run(work())}")


async def load(database: Database, goods: dict[str, Any], channels: list[str]) -> None:
    """Put every listing of the sandbox's catalogue on every channel; set stock levels, and the day's rates."""
    async with database.session() as session:
        for listing in goods["listings"]:
            for channel in channels:
                parts = tuple(
                    Component(item=item, quantity=quantity, share=Decimal(share))
                    for item, (quantity, share) in listing["components"].items()
                )
                await catalogue.put_listing(session, listing_of(channel, listing["sku"], parts))
        await stock.set_levels(session, [stock.Level.model_validate(level) for level in goods["stock"]])
        for each in goods["rates"]:
            today = datetime.now(UTC).date()
            await rates.put(session, each["currency"], each["books"], Decimal(each["rate"]), today, "the demo's bank")


async def map_sku(
    database: Database,
    channel: str,
    sku: str,
    parts: tuple[Component, ...],
    *,
    floor: Money | None = None,
    available_from: datetime | None = None,
) -> ListingMap:
    """Map one SKU; the orders that wait for it go on by themselves."""
    listing = listing_of(channel, sku, parts).model_copy(update={"floor": floor, "available_from": available_from})
    async with database.session() as session:
        return await catalogue.put_listing(session, listing)


def listing_of(channel: str, sku: str, parts: tuple[Component, ...]) -> ListingMap:
    return ListingMap(channel=channel, account=catalogue.ANY_ACCOUNT, sku=sku, valid_from=SINCE, components=parts)


def _component(text: str) -> Component:
    item, _, rest = text.partition("=")
    quantity, _, share = rest.partition(":")
    try:
        return Component.model_validate({"item": item, "quantity": quantity or 1, "share": share or 1})
    except ValueError as error:
        fail(f"{text!r} is not ITEM=QUANTITY:SHARE: {error}", 2)
