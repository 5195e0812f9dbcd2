"""What other systems are to hold of an order, as it stands now."""

from __future__ import annotations

from models.expected import receivable
from models.fulfilment import ConfirmedParcel, GoodsOut, Shipment
from models.life import Cancellation, HandledParcel, OrderLife
from models.messages import CancelOutcome, CancelStatus
from models.money import Money
from models.order import Order
from models.systems import ErpOrder

CANCEL_ON_CHANNEL = "cancel_on_channel"
"""Step at which the channel is told of a cancellation."""


def as_it_stands(life: OrderLife) -> Order:
    """The order with the units that were cancelled so far."""
    cancelled = life.counted.cancelled
    lines = tuple(
        line.model_copy(update={"cancelled": cancelled.get(line.line_id, line.cancelled)}) for line in life.order.lines
    )
    return life.order.model_copy(update={"lines": lines})


def skus(life: OrderLife) -> dict[str, str]:
    """Line id -> what is to be shipped for it now."""
    return {line.line_id: line.sku for line in life.order.lines}


def items(life: OrderLife) -> dict[str, list[str]]:
    """Line id -> the items that are to be shipped for it."""
    found: dict[str, list[str]] = {}
    for part in life.components:
        found.setdefault(part.line_id, []).append(part.item)
    return found


def erp_order(life: OrderLife) -> ErpOrder:
    terms = life.terms
    entity = terms.entity if terms else ""
    return ErpOrder(
        order=as_it_stands(life),
        components=life.components,
        seller_tax=life.order.totals.seller_tax,
        entity=entity,
        ships_from={part.node: part.entity for part in life.parts if part.entity and part.entity != entity},
        ledger=terms.ledger if terms else None,
        revision=life.revision,
    )


def parcel(life: OrderLife, handled: HandledParcel) -> ConfirmedParcel:
    order, shipment = life.order, handled.shipment
    return ConfirmedParcel(
        order_key=order.key,
        correlation_id=str(order.correlation_id),
        shipment_id=shipment.shipment_id,
        package_number=handled.package_number,
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        shipped_at=shipment.shipped_at,
        units=handled.units,
        node=shipment.node,
        goods=_goods_of(life, handled),
        region=order.region,
        extras=order.extras,
    )


def _goods_of(life: OrderLife, handled: HandledParcel) -> tuple[GoodsOut, ...]:
    """A parcel that completes no unit is told with the next one that does."""
    shipments: list[Shipment] = []
    for parcel in life.parcels:
        shipments.append(parcel.shipment)
        if parcel.shipment.shipment_id == handled.shipment.shipment_id:
            break
        if parcel.units:
            shipments.clear()
    return tuple(
        GoodsOut(node=shipment.node, item=pick.item, quantity=pick.quantity)
        for shipment in shipments
        for pick in shipment.picks
    )


def expected(life: OrderLife) -> Money:
    """What the channel owes the seller for what was not cancelled since we know the order, before fees and refunds.

    A channel that goes on stating the whole total charges all of it, and pays cancelled units back as a refund.
    """
    pays_back = life.seen.receivable == life.order.receivable
    known = {line.line_id: line.cancelled for line in (life.seen if pays_back else life.order).lines}
    since = {name: units - known.get(name, 0) for name, units in life.counted.cancelled.items()}
    return receivable(life.order, {name: units for name, units in since.items() if units > 0})


def undecided(cancellation: Cancellation) -> CancelOutcome:
    return CancelOutcome(status=CancelStatus.REQUESTED, reason=cancellation.request.reason)


def in_words(life: OrderLife) -> str:
    """For the timeline in the UI: how the order stands."""
    quantities = life.goods.quantities()
    counts = {
        "to ship": sum(line.unfinished for line in quantities.lines.values()),
        "shipped": sum(line.shipped for line in quantities.lines.values()),
        "cancelled": sum(line.cancelled for line in quantities.lines.values()),
    }
    return ", ".join(f"{units} {word}" for word, units in counts.items() if units) or "nothing"
