"""The amounts of a row of the settlement report's flat file V1 (deprecated, and still in archives).

V1 has a column for each kind of amount, where V2 has a row; the labels are given as V2 would write them.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.amazon.flatfile import Row

# Column of the amount, column of its description, V2's amount type.
_COLUMNS = (
    ("price-amount", "price-type", "ItemPrice"),
    ("item-related-fee-amount", "item-related-fee-type", "ItemFees"),
    ("shipment-fee-amount", "shipment-fee-type", "ShipmentFees"),
    ("order-fee-amount", "order-fee-type", "OrderFees"),
    ("promotion-amount", "promotion-type", "Promotion"),
    ("direct-payment-amount", "direct-payment-type", "direct-payment"),
    ("misc-fee-amount", "", "misc-fee"),
    ("other-fee-amount", "other-fee-reason-description", "other-fee"),
    ("other-amount", "", "other-transaction"),
)
NEEDED_V1 = ("settlement-id", "total-amount", "currency", "transaction-type", "price-amount", "item-related-fee-amount")


def amounts_v1(row: Row) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Labels of V2, and the column that has the amount."""
    for column, described_by, kind in _COLUMNS:
        if row[column]:
            yield (row["transaction-type"], kind, row[described_by]), column
