"""What became of each order, told by the warehouse and by our own registry: what an ERP's books are compared with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.expected import receivable
from models.messages import OrderSnapshot, OrderState
from models.money import Money
from models.order import OrderKey
from models.refunds import Refund
from store.tables import OrderRow
from workflows.channel_parcels import CHANNEL_NODE

Entry = Mapping[str, Any]
Recipe = Mapping[str, Mapping[str, int]]
"""Order line -> item -> units of it in one unit of the line."""


@dataclass(frozen=True)
class Happened:
    key: OrderKey
    cancelled: bool
    parcels: int
    """Those that completed units of the order's lines."""
    billed: tuple[Money, Money]
    """What the channel owes for the units that left, before fees and refunds: if it states an order without its
    cancelled units, and if it goes on stating the whole and pays them back."""
    credited: Money
    """What the seller gave back of it for returns and refunds."""
    shipped: Counter[str] = field(default_factory=Counter)
    """Item -> units that left our warehouses."""
    beside: Counter[str] = field(default_factory=Counter)
    """Item -> units that the channel shipped, or somebody by hand: by the parcels that the channel told of."""
    returned: Counter[str] = field(default_factory=Counter)
    """Item -> units that came back."""


def happened(
    rows: Iterable[OrderRow],
    refunds: Iterable[Refund],
    ledger: Sequence[Entry],
    recipes: Mapping[str, Recipe],
) -> list[Happened]:
    """`refunds` are those that were paid, `ledger` is what really happened outside.

    `recipes` are of the orders of which something left without us (`left_beside`), by order key.
    """
    shipped, returned = _goods(ledger, "parcel_shipped", "shipment_id"), _goods(ledger, "parcel_returned", "receipt_id")
    given: defaultdict[OrderKey, list[Refund]] = defaultdict(list)
    for refund in refunds:
        given[refund.claim.order_key].append(refund)
    told = ((row, OrderSnapshot.model_validate(row.snapshot)) for row in rows if row.snapshot)
    return [
        replace(
            _of(row, seen, given[seen.key], shipped, returned), beside=_beside(seen, recipes.get(row.order_key, {}))
        )
        for row, seen in told
    ]


def left_beside(row: OrderRow) -> bool:
    """True when something of an order left without a warehouse of ours, which therefore cannot tell of it."""
    seen = row.order_snapshot()
    return seen is not None and any(parcel.node == CHANNEL_NODE for parcel in seen.shipments)


def _of(
    row: OrderRow,
    seen: OrderSnapshot,
    refunds: Sequence[Refund],
    shipped: Mapping[str, Counter[str]],
    returned: Mapping[str, Counter[str]],
) -> Happened:
    lines = seen.quantities.lines
    missing = {name: line.ordered - line.shipped for name, line in lines.items() if line.ordered > line.shipped}
    whole = (
        seen.expected if seen.expected and any(line.shipped for line in lines.values()) else Money.zero(row.currency)
    )
    return Happened(
        key=seen.key,
        cancelled=seen.state is OrderState.CANCELLED,
        parcels=sum(1 for parcel in seen.shipments if parcel.units),
        billed=(whole, receivable(row.order(), missing) if whole else whole),
        credited=Money.total((refund.receivable for refund in refunds), row.currency),
        shipped=shipped.get(str(seen.key), Counter()),
        returned=returned.get(str(seen.key), Counter()),
    )


def _beside(seen: OrderSnapshot, recipe: Recipe) -> Counter[str]:
    goods: Counter[str] = Counter()
    for parcel in seen.shipments:
        for line, units in parcel.units.items() if parcel.node == CHANNEL_NODE else ():
            goods.update({item: units * per_unit for item, per_unit in recipe[line].items()})
    return goods


def _goods(ledger: Iterable[Entry], effect: str, identity: str) -> dict[str, Counter[str]]:
    """Order key -> item -> units; what is told twice counts once."""
    goods: defaultdict[str, Counter[str]] = defaultdict(Counter)
    seen: set[str] = set()
    for entry in ledger:
        if (entry["system"], entry["effect"]) != ("wms", effect) or entry["detail"][identity] in seen:
            continue
        seen.add(entry["detail"][identity])
        goods[entry["key"]].update(entry["detail"]["goods"])
    return goods
