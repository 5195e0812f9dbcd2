"""What became of each order, told by the warehouse and by our own registry: what an ERP's books are compared with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.expected import receivable
from models.messages import OrderSnapshot, OrderState
from models.money import Money
from models.order import OrderKey
from models.refunds import Refund
from store.tables import OrderRow
from workflows.channel_parcels import CHANNEL_NODE

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Happened:
    key: OrderKey
    cancelled: bool
    elsewhere: bool
    """True when the channel or somebody by hand shipped of it, which no warehouse of ours can tell."""
    parcels: int
    """Those that completed units of the order's lines."""
    billed: tuple[Money, Money]
    """What the channel owes for the units that left, before fees and refunds: if it states an order without its
    cancelled units, and if it goes on stating the whole and pays them back."""
    credited: Money
    """What the seller gave back of it for returns and refunds."""
    shipped: Counter[str] = field(default_factory=Counter)
    """Item -> units that left our warehouses."""
    returned: Counter[str] = field(default_factory=Counter)
    """Item -> units that came back."""


def happened(rows: Iterable[OrderRow], refunds: Iterable[Refund], ledger: Sequence[Entry]) -> list[Happened]:
    """`refunds` are those that were paid, `ledger` is what really happened outside."""
    shipped, returned = _goods(ledger, "parcel_shipped", "shipment_id"), _goods(ledger, "parcel_returned", "receipt_id")
    given: defaultdict[OrderKey, list[Refund]] = defaultdict(list)
    for refund in refunds:
        given[refund.claim.order_key].append(refund)
    told = ((row, OrderSnapshot.model_validate(row.snapshot)) for row in rows if row.snapshot)
    return [_of(row, seen, given[seen.key], shipped, returned) for row, seen in told]


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
        elsewhere=any(parcel.node == CHANNEL_NODE for parcel in seen.shipments),
        parcels=sum(1 for parcel in seen.shipments if parcel.units),
        billed=(whole, receivable(row.order(), missing) if whole else whole),
        credited=Money.total((refund.receivable for refund in refunds), row.currency),
        shipped=shipped.get(str(seen.key), Counter()),
        returned=returned.get(str(seen.key), Counter()),
    )


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
