"""What the channel had done, or does, with an order's quantities before and beside us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.fulfilment import ConfirmedParcel
from models.goods import Goods
from models.messages import ShipmentRecord
from models.order import FulfilmentSide, Order, OrderLine, Parcel

CHANNEL_NODE = "channel"
"""Stands for the node in the record of a parcel that no node of ours shipped."""
Units = Mapping[str, int]
NONE: Units = {}


def lines_to_ship(order: Order) -> list[OrderLine]:
    """Lines that our nodes have to ship."""
    return [] if order.fulfilled_by is FulfilmentSide.CHANNEL else [line for line in order.lines if line.needs_shipping]


def progressed(known: Order, latest: Order) -> Order:
    """The order we work on, with what the channel has done meanwhile; its content is not changed any more."""
    news: dict[str, object] = {
        "version": latest.version,
        "state": latest.state,
        "parcels": latest.parcels,
        "refunds": latest.refunds,
        "cancel_requested": latest.cancel_requested,
        "acknowledge_by": latest.acknowledge_by,
    }
    return known.model_copy(update=news)


def newly_cancelled(latest: Order, known: Units, heard: Units) -> dict[str, int]:
    """Units that the channel has cancelled by itself, beyond those we cancelled and those it spoke of before."""
    more = {
        line.line_id: line.cancelled - max(known.get(line.line_id, 0), heard.get(line.line_id, 0))
        for line in latest.lines
    }
    return _positive(more)


def shipped_by_hand(order: Order, seen: Order, goods: Goods) -> bool:
    """True when the channel saw all units leave that are ours to ship, and none of our nodes has shipped any."""
    gone = {line.line_id: line.shipped for line in seen.lines}
    ours = {line.line_id: goods.wanted(line.line_id) for line in lines_to_ship(order)}
    ours = _positive(ours)
    nothing_left = not any(part.shipped for part in goods.parts)
    before = goods.counted.elsewhere
    return (
        bool(ours)
        and nothing_left
        and all(gone.get(name, 0) - before.get(name, 0) >= units for name, units in ours.items())
    )


def left_elsewhere(order: Order, seen: Order, goods: Goods, by_hand: Units = NONE) -> dict[str, int]:
    """Line id -> units that left without us. What needs no shipping (a service, a gift card) has, by its sale.

    `by_hand` are units of ours that somebody else shipped, beyond those that were counted before.
    """
    ours = {line.line_id for line in lines_to_ship(order)}
    shipped = {line.line_id: line.shipped for line in seen.lines}
    found = dict(goods.counted.elsewhere)
    for line in order.lines:
        name = line.line_id
        left = line.quantity - goods.counted.cancelled.get(name, 0)
        before = found.get(name, 0)
        if order.fulfilled_by is FulfilmentSide.CHANNEL:
            found[name] = max(before, min(shipped.get(name, 0), left))
        elif by_hand.get(name):
            found[name] = max(before, min(shipped.get(name, 0), left, before + by_hand[name]))
        elif name not in ours:
            found[name] = left
    return _positive(found)


def unrecorded(order: Order, elsewhere: Units, recorded: Sequence[ShipmentRecord]) -> list[Parcel]:
    """Parcels for units that left without us, and whose shipment is not booked yet.

    A channel may count units as shipped without showing their parcel; those travel in one more, named after the order.
    """
    beside = [record for record in recorded if record.node == CHANNEL_NODE]
    left = {name: units - sum(record.units.get(name, 0) for record in beside) for name, units in elsewhere.items()}
    known = {record.shipment_id for record in recorded}
    parcels: list[Parcel] = []
    for parcel in order.parcels:
        units = _positive({name: min(count, left.get(name, 0)) for name, count in parcel.quantities.items()})
        if units and parcel.parcel_id not in known:
            known.add(parcel.parcel_id)
            parcels.append(parcel.model_copy(update={"quantities": units}))
            left = {name: count - units.get(name, 0) for name, count in left.items()}
    if rest := _positive(left):
        # Every parcel of this list will be recorded: no later one gets the same number.
        number = len(recorded) + len(parcels) + 1
        parcels.append(Parcel(parcel_id=f"{order.key.external_id}-unseen-{number}", quantities=rest))
    return parcels


def _positive(units: Units) -> dict[str, int]:
    return {name: count for name, count in units.items() if count > 0}


def record(parcel: ConfirmedParcel, invoice: str | None) -> ShipmentRecord:
    return ShipmentRecord(
        shipment_id=parcel.shipment_id,
        node=CHANNEL_NODE,
        carrier=parcel.carrier,
        tracking=parcel.tracking,
        shipped_at=parcel.shipped_at,
        units=parcel.units,
        confirmed=True,
        invoice=invoice,
    )
