"""What is special about each generated order: drawn from the seed, so that a run can be told again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sandbox.goods import LISTINGS, Listing, unmapped_listing


@dataclass(frozen=True)
class Traits:
    """One order's story. `items` are (listing, quantity)."""

    number: int
    items: tuple[tuple[Listing, int], ...]
    channel_fulfilled: bool = False
    channel_tax: bool = False
    cancel: bool = False
    """The buyer cancels at once (the order reaches us as cancelled, or is cancelled soon after)."""
    duplicates: int = 1
    """How many copies of its webhook are sent."""
    lose_webhook: bool = False
    """The webhook never arrives; the poll has to find the order."""
    tax_trouble: bool = False
    """The tax engine declines the ship-to address as it is."""
    discount: bool = False
    gift: bool = False


def by_sku(sku: str) -> Listing:
    return next(listing for listing in LISTINGS if listing.sku == sku)


def draw(seed: int, channel: str, number: int) -> Traits:
    """The traits of the `number`-th order (from 1) of a channel. The first few are one of each special kind."""
    chance = random.Random(f"{seed}/{channel}/{number}")
    items = tuple(
        (listing, chance.choice((1, 1, 1, 2, 3))) for listing in chance.sample(LISTINGS, chance.choice((1, 1, 2)))
    )
    special: dict[int, Traits] = {
        1: Traits(number, ((by_sku("CAMP-STARTER"), 1),), duplicates=3),
        2: Traits(number, ((by_sku("MAT-01"), 2), (by_sku("BOTTLE-1"), 1))),
        3: Traits(number, ((by_sku("TENT-4P-GRN"), 3),)),
        4: Traits(number, items, channel_fulfilled=channel == "amazon", channel_tax=True),
        5: Traits(number, ((unmapped_listing(), 1),)) if channel == "shopify" else Traits(number, items),
        6: Traits(number, items, cancel=True),
        7: Traits(number, items, tax_trouble=channel == "shopify"),
        8: Traits(number, items, lose_webhook=True),
    }
    if number in special:
        return special[number]
    return Traits(
        number,
        items,
        channel_fulfilled=channel == "amazon" and chance.random() < 0.1,
        channel_tax=chance.random() < (0.6 if channel == "amazon" else 0.15),
        cancel=chance.random() < 0.04,
        duplicates=3 if chance.random() < 0.1 else 1,
        lose_webhook=chance.random() < 0.03,
        discount=chance.random() < 0.2,
        gift=chance.random() < 0.05,
    )
