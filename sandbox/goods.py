"""What the sandbox's retailer sells: items in two warehouses, and the listings of them on each channel."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

NODES = ("BER-1", "LEJ-2")
UNMAPPED_SKU = "NEW-ARRIVAL-2026"
"""Sold on the channels, but in no listing map: somebody has to map it."""
UNMAPPED_ITEM = "LAMP-DESK"


class Listing(BaseModel):
    sku: str
    title: str
    price: Decimal
    components: dict[str, tuple[int, int]]
    """Item -> (quantity in one unit, share of the price)."""


ITEMS: dict[str, tuple[str, ...]] = {
    "TENT-4P": NODES,
    "STOVE-GAS": NODES,
    "MAT-FOAM": ("BER-1",),
    "LAMP-HEAD": NODES,
    "LAMP-DESK": NODES,
    "BOTTLE-1L": ("LEJ-2",),
    "SOCK-WOOL": NODES,
    "BAG-40L": ("LEJ-2",),
}
"""Item -> nodes that stock it. Orders that need MAT-FOAM and BOTTLE-1L are shipped from two nodes."""

LISTINGS = (
    Listing(sku="TENT-4P-GRN", title="Tent for four, green", price=Decimal("249.00"), components={"TENT-4P": (1, 1)}),
    Listing(sku="STOVE-01", title="Gas stove", price=Decimal("59.90"), components={"STOVE-GAS": (1, 1)}),
    Listing(sku="MAT-01", title="Sleeping mat", price=Decimal("34.50"), components={"MAT-FOAM": (1, 1)}),
    Listing(sku="HEADLAMP", title="Head lamp", price=Decimal("24.99"), components={"LAMP-HEAD": (1, 1)}),
    Listing(sku="BOTTLE-1", title="Bottle, 1 litre", price=Decimal("17.95"), components={"BOTTLE-1L": (1, 1)}),
    Listing(sku="SOCKS-3PACK", title="Wool socks, 3 pairs", price=Decimal("29.99"), components={"SOCK-WOOL": (3, 1)}),
    Listing(sku="BAG-40", title="Rucksack, 40 litres", price=Decimal("119.00"), components={"BAG-40L": (1, 1)}),
    Listing(
        sku="CAMP-STARTER",
        title="Camping starter set: tent, stove and head lamp",
        price=Decimal("299.99"),
        components={"TENT-4P": (1, 70), "STOVE-GAS": (1, 20), "LAMP-HEAD": (1, 10)},
    ),
    Listing(
        sku="SLEEP-WELL",
        title="Mat and two pairs of socks",
        price=Decimal("49.99"),
        components={"MAT-FOAM": (1, 3), "SOCK-WOOL": (2, 2)},
    ),
)

STOCK_PER_NODE = 100_000


def unmapped_listing() -> Listing:
    return Listing(
        sku=UNMAPPED_SKU, title="Desk lamp (new)", price=Decimal("44.00"), components={UNMAPPED_ITEM: (1, 1)}
    )


def catalogue() -> dict[str, object]:
    """Listing maps and stock as a catalogue system would hand them over; the new arrival is not in it."""
    return {
        "listings": [listing.model_dump(mode="json") for listing in LISTINGS],
        "stock": [
            {"item": item, "node": node, "on_hand": STOCK_PER_NODE} for item, nodes in ITEMS.items() for node in nodes
        ],
    }
