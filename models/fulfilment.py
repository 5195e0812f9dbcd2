"""From reserved stock to parcels."""

from __future__ import annotations

from pydantic import Field

from models.base import Model, Moment
from models.catalogue import ComponentLine
from models.order import Address, OrderKey


class PickLine(Model):
    """Units of an item that a node picks for an order line."""

    line_id: str
    item: str
    per_unit: int = Field(default=1, ge=1)
    quantity: int = Field(ge=1)


class NodePlan(Model):
    """What one node ships of an order."""

    node: str
    units: dict[str, int]
    """Channel line id -> units of the line (not of its components)."""
    picks: tuple[PickLine, ...]


class Allocation(Model):
    """Which node ships what, and why: the decision with its inputs and rule version."""

    order_key: OrderKey
    nodes: tuple[NodePlan, ...]
    short: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units no node can ship. Nothing is reserved when this is not empty."""
    rule: str = "whole-order-then-line-v1"
    reason: str = ""


class Release(Model):
    """The instruction to a warehouse to ship."""

    fulfilment_id: str
    """Our reference, and the idempotency key; the warehouse reports shipments under it."""
    reply_to: str
    """Id of the workflow that waits for this fulfilment's shipments."""
    order_key: OrderKey
    correlation_id: str
    node: str
    service_level: str
    ship_to: Address
    ship_by: Moment | None = None
    picks: tuple[PickLine, ...]


class Shipment(Model):
    """A parcel that left a node, as the warehouse reports it."""

    shipment_id: str
    fulfilment_id: str
    node: str
    carrier: str
    tracking: str
    shipped_at: Moment
    picks: tuple[PickLine, ...]

    @property
    def order_key(self) -> str:
        """The order of its fulfilment (`FulfilmentPlan.fulfilment_id`)."""
        return self.fulfilment_id.rpartition("#")[0]


class ConfirmedParcel(Model):
    """What is told to the channel and to the ERP about a shipment: order-line units, not components."""

    order_key: OrderKey
    correlation_id: str
    shipment_id: str
    package_number: int = Field(ge=1)
    """1, 2, 3 … within the order; a retry carries the same number."""
    carrier: str
    tracking: str
    shipped_at: Moment
    units: dict[str, int]
    """Channel line id -> units that this parcel completes."""
    region: str = ""
    extras: dict[str, str] = Field(default_factory=dict)
    """The order's channel extras, which some channels need again."""


class FulfilmentPlan(Model):
    """Everything that is needed to carry out one node's part of an order."""

    order_key: OrderKey
    correlation_id: str
    node: NodePlan
    number: int = Field(ge=1)
    """Which of the order's fulfilments this is, from 1."""
    of: int = Field(ge=1)
    components: tuple[ComponentLine, ...]
    ship_to: Address
    service_level: str
    ship_by: Moment | None = None
    buyer_email: str = ""
    region: str = ""
    extras: dict[str, str] = Field(default_factory=dict)

    @property
    def fulfilment_id(self) -> str:
        return f"{self.order_key}#{self.node.node}"

    def package_number(self, nth: int) -> int:
        """A number for this fulfilment's nth parcel (from 1) that no other fulfilment of the order uses."""
        return (nth - 1) * self.of + self.number


def completed_units(before: dict[str, int], after: dict[str, int], lines: tuple[ComponentLine, ...]) -> dict[str, int]:
    """Order-line units that became complete between two counts of shipped items.

    Counts are by `line_id|item`. A bundle's unit is complete when all its components have left; what was shipped beyond
    the ordered quantity completes nothing.
    """
    by_line: dict[str, list[ComponentLine]] = {}
    for line in lines:
        by_line.setdefault(line.line_id, []).append(line)

    def complete(counts: dict[str, int], components: list[ComponentLine]) -> int:
        return min(min(counts.get(f"{c.line_id}|{c.item}", 0), c.quantity) // c.per_unit for c in components)

    done = {name: complete(after, parts) - complete(before, parts) for name, parts in by_line.items()}
    return {name: units for name, units in done.items() if units > 0}
