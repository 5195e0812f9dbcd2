"""What is special about each generated order: drawn from the seed, so that a run can be told again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from sandbox.goods import LISTINGS, SOLD, UNMAPPED_SKU, Listing, unmapped_listing
from sandbox.scenario import Chances, Scenario, Special, everyday

COPIES = 3
"""Of a webhook that is sent more than once."""

Items = tuple[tuple[Listing, int], ...]


@dataclass(frozen=True)
class Traits:
    """One order's story. `items` are (listing, quantity)."""

    number: int
    items: Items
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
    asks_to_cancel: bool = False
    """The buyer asks for a cancellation that the seller has to decide."""
    cancels_part: bool = False
    """The channel cancels one unit of the first line before anything is shipped."""
    returns: bool = False
    """The buyer sends one unit back once the order is shipped."""
    short_pick: bool = False
    """The first node that gets it finds one unit fewer on the shelf."""
    rejected: bool = False
    """The first node that gets it refuses the release."""
    silent: bool = False
    """The first node that gets it takes the release, and ships nothing until it is told to forget it."""
    suspect: bool = False
    """The shop's buyer is on the fraud service's watch list."""
    no_address: bool = False
    """The shop's buyer left out where to deliver; the invoice has an address."""


def by_sku(sku: str) -> Listing:
    if sku == UNMAPPED_SKU:
        return unmapped_listing()
    return next(listing for listing in SOLD if listing.sku == sku)


def draw(seed: int, channel: str, number: int, scenario: Scenario | None = None) -> Traits:
    """The traits of the `number`-th order (from 1) of a channel, in the everyday scenario unless another is given."""
    told = scenario or everyday()
    items = _items(random.Random(f"{seed}/{channel}/{number}"))
    if special := told.special(channel, number):
        return specially(special, number, items)
    return Traits(number, items, **_by_chance(told, seed, channel, number))


def _items(chance: random.Random) -> Items:
    return tuple(
        (listing, chance.choice((1, 1, 1, 2, 3))) for listing in chance.sample(LISTINGS, chance.choice((1, 1, 2)))
    )


def specially(special: Special, number: int, drawn: Items = ()) -> Traits:
    """The traits of an order whose story is told."""
    items = tuple((by_sku(sku), units) for sku, units in special.items.items()) if special.items else drawn
    return Traits(number, items, **special.model_dump(exclude={"items"}))


def _by_chance(scenario: Scenario, seed: int, channel: str, number: int) -> dict[str, Any]:
    """Each trait has dice of its own: to make one more likely changes no other."""
    happens = {
        trait: random.Random(f"{seed}/{channel}/{number}/{trait}").random() < scenario.chance(channel, trait)
        for trait in Chances.model_fields
    }
    return {**happens, "duplicates": COPIES if happens["duplicates"] else 1}
