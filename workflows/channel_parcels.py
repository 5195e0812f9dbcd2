"""What the channel had done, or does, with an order's quantities before and beside us."""

from __future__ import annotations

from collections.abc import Sequence

from models.fulfilment import ConfirmedParcel
from models.messages import ShipmentRecord
from models.order import FulfilmentSide, Order, OrderLine, Parcel
from models.quantities import Bucket, LineQuantities, QuantityLedger

CHANNEL_NODE = "channel"
"""Stands for the node in the record of a parcel that no node of ours shipped."""


def ledger_of(order: Order) -> QuantityLedger:
    """The quantities at the start. Units that the channel saw shipped count as released until the ERP knows of them."""
    lines = {
        line.line_id: LineQuantities(
            ordered=line.quantity, open=line.open, cancelled=line.cancelled, released=line.shipped
        )
        for line in order.lines
    }
    return QuantityLedger(lines=lines)


def units_to_ship(order: Order) -> dict[str, int]:
    """Channel line id -> units that our nodes have to ship."""
    if order.fulfilled_by is FulfilmentSide.CHANNEL:
        return {}
    return {line.line_id: line.open for line in order.lines if line.open and line.needs_shipping}


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
    told = known.model_copy(update=news)
    return taken_over(told, latest) if known.fulfilled_by is FulfilmentSide.CHANNEL else told


def shipped_elsewhere(order: Order, latest: Order) -> bool:
    """True when the channel saw all units leave that are ours to ship."""
    gone = {line.line_id: line.shipped for line in latest.lines}
    before = {line.line_id: line.shipped for line in order.lines}
    ours = units_to_ship(order)
    return bool(ours) and all(gone.get(name, 0) - before[name] >= units for name, units in ours.items())


def taken_over(order: Order, latest: Order) -> Order:
    """The order with the parcels and quantities that somebody else shipped."""
    shipped = {line.line_id: line.shipped for line in latest.lines}
    lines = tuple(_at_least(line, shipped.get(line.line_id, 0)) for line in order.lines)
    return order.model_copy(update={"lines": lines, "parcels": latest.parcels})


def _at_least(line: OrderLine, shipped: int) -> OrderLine:
    return line.model_copy(update={"shipped": max(line.shipped, min(shipped, line.quantity - line.cancelled))})


def unrecorded(order: Order, ledger: QuantityLedger, recorded: Sequence[ShipmentRecord]) -> list[Parcel]:
    """Parcels for units that left without us, and whose shipment is not booked yet.

    A channel may count units as shipped without showing their parcel; those travel in one more, named after the order.
    """
    left = {line.line_id: _gone(order, line) - ledger[line.line_id].shipped for line in order.lines}
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


def _gone(order: Order, line: OrderLine) -> int:
    """Units that are the buyer's already. What needs no shipping (a service, a gift card) is so by the sale itself."""
    if not line.needs_shipping and order.fulfilled_by is FulfilmentSide.MERCHANT:
        return line.quantity - line.cancelled
    return line.shipped


def _positive(units: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in units.items() if count > 0}


def shipped(ledger: QuantityLedger, units: dict[str, int]) -> QuantityLedger:
    """Count units as shipped, wherever they stood."""
    for line_id, count in units.items():
        released = min(count, ledger[line_id].released)
        ledger = ledger.move(line_id, released, Bucket.RELEASED, Bucket.SHIPPED)
        ledger = ledger.move(line_id, min(count - released, ledger[line_id].open), Bucket.OPEN, Bucket.SHIPPED)
    return ledger


def cancelled(ledger: QuantityLedger) -> QuantityLedger:
    """Everything that has not left is cancelled."""
    for bucket in (Bucket.OPEN, Bucket.RESERVED, Bucket.RELEASED):
        ledger = ledger.move_all(bucket, Bucket.CANCELLED)
    return ledger


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
