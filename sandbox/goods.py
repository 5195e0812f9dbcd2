"""What the sandbox's retailer sells: items in three warehouses, and the listings of them on each channel."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

GERMANY = ("BER-1", "LEJ-2")
EVERYWHERE = (*GERMANY, "RNO-1")
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
    "TENT-4P": EVERYWHERE,
    "STOVE-GAS": EVERYWHERE,
    "MAT-FOAM": ("BER-1",),
    "LAMP-HEAD": EVERYWHERE,
    "LAMP-DESK": GERMANY,
    "BOTTLE-1L": ("LEJ-2",),
    "SOCK-WOOL": EVERYWHERE,
    "BAG-40L": ("LEJ-2",),
    "KAYAK": EVERYWHERE,
    "TENT-2027": EVERYWHERE,
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

RARE = (
    Listing(sku="KAYAK-2", title="Folding kayak for two", price=Decimal("389.00"), components={"KAYAK": (1, 1)}),
    Listing(sku="TENT-NEXT", title="Tent of next season", price=Decimal("199.00"), components={"TENT-2027": (1, 1)}),
)
"""On sale, but bought only when a story asks for it."""
SOLD = (*LISTINGS, *RARE)

RATES = {("USD", "EUR"): Decimal("0.8631"), ("JPY", "EUR"): Decimal("0.0056")}
"""Into the books of the legal entity that sells in a foreign currency."""
STOCK_PER_NODE = 100_000
NOT_THERE_YET = frozenset({"KAYAK"})
"""No warehouse has any; a delivery is awaited."""


def unmapped_listing() -> Listing:
    return Listing(
        sku=UNMAPPED_SKU, title="Desk lamp (new)", price=Decimal("44.00"), components={UNMAPPED_ITEM: (1, 1)}
    )


def catalogue() -> dict[str, object]:
    """Listing maps and stock as a catalogue system would hand them over; the new arrival is not in it."""
    return {
        "listings": [listing.model_dump(mode="json") for listing in SOLD],
        "stock": [
            {"item": item, "node": node, "on_hand": 0 if item in NOT_THERE_YET else STOCK_PER_NODE}
            for item, nodes in ITEMS.items()
            for node in nodes
        ],
        "rates": [{"currency": pair[0], "books": pair[1], "rate": str(rate)} for pair, rate in RATES.items()],
    }
