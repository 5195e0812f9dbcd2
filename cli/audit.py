"""What really happened, counted from the sandbox's ledger: doubled effects, and missing ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

Entry = dict[str, Any]

IDENTITIES: dict[str, Callable[[Entry], str]] = {
    "erp/order_created": lambda entry: entry["key"],
    "erp/shipment_posted": lambda entry: entry["detail"]["external_reference"],
    "erp/invoice_posted": lambda entry: entry["detail"]["external_reference"],
    "wms/released": lambda entry: entry["detail"]["fulfilment_id"],
    "amazon/shipment_confirmed": lambda entry: f"{entry['key']}|{entry['detail']['package']}",
    "shopify/fulfillment_created": lambda entry: f"{entry['key']}|{entry['detail']['tracking']}",
    **{
        f"{channel}/shipped": lambda entry: f"{entry['key']}|{entry['detail']['tracking']}"
        for channel in ("walmart", "mirakl", "storefront")
    },
    **{
        f"{channel}/{effect}": lambda entry: entry["key"]
        for channel, effect in (("walmart", "acknowledged"), ("mirakl", "accepted"), ("storefront", "acknowledged"))
    },
    "tax/transaction_recorded": lambda entry: entry["key"],
    "notify/message_sent": lambda entry: entry["detail"]["message_key"],
}
"""Effect -> what it may happen only once for."""


def duplicates(entries: Iterable[Entry]) -> dict[str, int]:
    """Effect -> how many too many there are; only effects that were doubled are in it."""
    counted = Counter(
        (effect, IDENTITIES[effect](entry)) for entry in entries if (effect := _effect(entry)) in IDENTITIES
    )
    surplus: Counter[str] = Counter()
    for (effect, _), count in counted.items():
        if count > 1:
            surplus[effect] += count - 1
    return dict(surplus)


def by_key(entries: Iterable[Entry], effect: str) -> Counter[str]:
    """Order key -> number of such effects."""
    return Counter(entry["key"] for entry in entries if _effect(entry) == effect)


def unequal(entries: list[Entry], expected: dict[str, int]) -> dict[str, str]:
    """Order key -> what its ledger lacks or has too much of; `expected` is order key -> parcels it was shipped in.

    Each shipped order has one ERP order, and one ERP shipment and one invoice for each parcel; no other order has any
    shipment or invoice.
    """
    created = by_key(entries, "erp/order_created")
    invoiced, posted = by_key(entries, "erp/invoice_posted"), by_key(entries, "erp/shipment_posted")
    wrong = {}
    for key, parcels in expected.items():
        seen = (created[key], posted[key], invoiced[key])
        if seen != (1, parcels, parcels):
            wrong[key] = f"ERP orders, shipments, invoices are {seen}, expected (1, {parcels}, {parcels})"
    for key in sorted((posted.keys() | invoiced.keys()) - expected.keys()):
        wrong[key] = f"ERP shipments, invoices are {(posted[key], invoiced[key])}, expected none: it is not shipped"
    return wrong


def _effect(entry: Entry) -> str:
    return f"{entry['system']}/{entry['effect']}"
