"""How many units of a line are where: a line's statuses each count some of its units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from connectors.walmart.node import Node
from connectors.walmart.vocabulary import PARTIALLY_SHIPPED, STATES
from models.order import ChannelState, Parcel

_BY_WORD = {word.lower(): state for word, state in STATES.items() if word != PARTIALLY_SHIPPED}
CREATED = "created"


@dataclass(frozen=True)
class Units:
    """Units of one line by what became of them."""

    ordered: int
    shipped: int
    cancelled: int
    held: int
    """Mexico: units that may not be shipped yet."""
    created: int
    """Units that the seller has not acknowledged."""

    @property
    def open(self) -> int:
        return self.ordered - self.shipped - self.cancelled


def statuses(line: Node) -> list[Node]:
    """`orderLineStatuses.orderLineStatus[]`, or Mexico's `orderLineStatus[]`."""
    inner = line["orderLineStatuses"] if line.has("orderLineStatuses") else line["orderLineStatus"]
    return list(inner.within("orderLineStatus"))


def units_of(line: Node) -> Units:
    """Raises `SchemaDrift` for a status nobody can act on: guessing could ship what must not be shipped."""
    ordered = line["orderLineQuantity"]["amount"].quantity()
    if ordered < 1:
        raise line["orderLineQuantity"]["amount"].drift("wrong_value", "A line orders one unit at least.")
    found = statuses(line)
    if not found:
        remedy = "The line's statuses are needed: read the order again with GET /v3/orders/{purchaseOrderId}."
        raise line["orderLineStatuses"].drift("missing", remedy)
    counts: Counter[ChannelState] = Counter()
    created = 0
    for status in found:
        state, count = _state(status["status"]), _units(status, found, ordered)
        counts[state] += count
        created += count if status["status"].text().lower() == CREATED else 0
    units = Units(
        ordered, counts[ChannelState.SHIPPED], counts[ChannelState.CANCELLED], counts[ChannelState.PENDING], created
    )
    if units.open < 0:
        raise line.drift(
            "wrong_value", f"Of {ordered} units {units.shipped} are shipped and {units.cancelled} cancelled."
        )
    return units


def _state(word: Node) -> ChannelState:
    if not word:
        raise word.drift("missing", "Each status of a line needs its word.")
    found = _BY_WORD.get(word.text().lower())
    if found is None:
        known = ", ".join(name for name in STATES if name != PARTIALLY_SHIPPED)
        raise word.drift("unknown_status", f"Known are {known}; map the new status, then replay the order.")
    return found


def _units(status: Node, found: list[Node], ordered: int) -> int:
    """A status alone may leave out how many units it is about: it is about all."""
    amount = status["statusQuantity"]["amount"]
    return ordered if len(found) == 1 and not amount else amount.quantity()


def state_of(units: Iterable[Units]) -> ChannelState:
    """The order's state, from its lines': a purchase order has none of its own."""
    every = list(units)
    still_open = sum(each.open for each in every)
    shipped = sum(each.shipped for each in every)
    if still_open and shipped:
        return ChannelState.PARTIALLY_SHIPPED
    if still_open:
        return ChannelState.PENDING if any(each.held for each in every) else ChannelState.OPEN
    return ChannelState.SHIPPED if shipped else ChannelState.CANCELLED


def parcels_of(order: Node, lines: Iterable[tuple[str, Node]]) -> tuple[Parcel, ...]:
    """Parcels by tracking number: units of several lines may travel in one, and those of a line in several."""
    found: dict[str, Parcel] = {}
    seen = [*_us_parcels(lines), *_mx_parcels(order)]
    for parcel in seen:
        known = found.get(parcel.parcel_id)
        found[parcel.parcel_id] = _together(known, parcel) if known else parcel
    return tuple(found.values())


def _us_parcels(lines: Iterable[tuple[str, Node]]) -> Iterator[Parcel]:
    for line_id, line in lines:
        found = statuses(line)
        for status in found:
            info = status["trackingInfo"]
            if number := info["trackingNumber"].text():
                units = _units(status, found, line["orderLineQuantity"]["amount"].quantity())
                yield _parcel(number, _carrier(info["carrierName"]), info["shipDateTime"], {line_id: units})


def _mx_parcels(order: Node) -> Iterator[Parcel]:
    """Mexico lists shipments beside the lines; one without a tracking number has not left."""
    for shipment in order["shipments"].each():
        if number := shipment["trackingNumber"].text():
            units = {
                line["primeLineNo"].text(): line["quantity"]["amount"].quantity()
                for line in shipment["shipmentLines"].each()
            }
            at = shipment["shipmentAdditionalDate"]["shipmentShippedDate"]
            yield _parcel(number, shipment["carrier"].text(), at, units)


def _parcel(number: str, carrier: str, shipped_at: Node, units: dict[str, int]) -> Parcel:
    return Parcel(
        parcel_id=number,
        carrier=carrier,
        tracking=number,
        shipped_at=shipped_at.moment_if_readable(),
        quantities={line_id: count for line_id, count in units.items() if count},
    )


def _carrier(name: Node) -> str:
    return name["carrier"].text() or name["otherCarrier"].text() or name.text()


def _together(one: Parcel, other: Parcel) -> Parcel:
    quantities = Counter(one.quantities) + Counter(other.quantities)
    return one.model_copy(update={"quantities": dict(quantities)})


def changed_at(order: Node, lines: Iterable[Node]) -> datetime:
    """When the order last changed: the newest of its lines' times. Falls back to when it was placed."""
    moments = [order["orderDate"].moment()]
    for line in lines:
        stated = [line["statusDate"], line["intentToCancel"], *(each["statusDate"] for each in statuses(line))]
        moments += [moment for node in stated if (moment := node.moment_if_readable())]
    return max(moments)
