"""From reserved stock to parcels."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.order import Address, OrderKey


class PickLine(Model):
    """Units of an item that a node picks for an order line."""

    line_id: str
    item: str
    per_unit: int = Field(default=1, ge=1)
    quantity: int = Field(ge=1)


class RoutingRequest(Model):
    """Items of an order that are to be reserved at nodes. Everything that the decision may depend on is in here."""

    order_key: OrderKey
    decision: int = Field(ge=1)
    """1, 2 … within the order: asking again with the same number gets the same answer."""
    picks: tuple[PickLine, ...] = Field(min_length=1)
    """What is still to be shipped, in items."""
    country: str = ""
    """Ship-to, ISO 3166-1 alpha-2."""
    region: str = ""
    """Ship-to state or province."""
    postal_code: str = ""
    service_level: str = "standard"
    ship_by: Moment | None = None
    sold_by: str = ""
    """Legal entity that sells; empty where only one does."""
    excluded: dict[str, str] = Field(default_factory=dict)
    """Node -> why it is not asked again (`rejected`, `short_pick`, `silent`)."""
    at: Moment
    """The workflow's time of the decision: cut-off times are judged by it."""
    partial: bool = False
    """True: reserve what there is, the rest stays back-ordered. False: everything or nothing."""
    waiting_id: str = ""
    """Workflow to be told (`stock_arrived`) when a short item comes into stock; empty when nobody waits."""


class Candidate(Model):
    """One node as it was weighed."""

    node: str
    chosen: bool
    why: str
    """In words: `ships 3 of 3 from DE, cut-off 14:00 not passed, 4.90 EUR`, `not served: US`, `excluded: rejected` …"""
    score: dict[str, str] = Field(default_factory=dict)
    """Criterion -> its value, in the order in which the rule compares them."""


class NodePlan(Model):
    """What one node ships of an order."""

    node: str
    picks: tuple[PickLine, ...]
    entity: str = ""
    """Legal entity that ships, where it is not the one that sells."""


class Allocation(Model):
    """Which node ships what, and why: the decision with its inputs and rule version."""

    order_key: OrderKey
    decision: int = 1
    nodes: tuple[NodePlan, ...]
    short: tuple[PickLine, ...] = ()
    """Items that no node can ship now. Unless `partial` was asked for, nothing is reserved then."""
    rule: str
    """Name and version of the routing rule that decided, e.g. `nearest-first-3`."""
    reason: str = ""
    considered: tuple[Candidate, ...] = ()


class HeldPick(Model):
    """Units of an item that an order goes on holding at a node."""

    node: str
    item: str
    quantity: int = Field(ge=0)


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
        """A fulfilment's id is `<order key>#<node>`, and ends in `.<nth>` from the second of a node on."""
        return self.fulfilment_id.rpartition("#")[0]


class ShortfallKind(StrEnum):
    SHORT_PICK = "short_pick"
    """Less on the shelf than the books say."""
    REJECTED = "rejected"
    """The node does not ship this at all (closed, overloaded, damaged goods)."""


class Shortfall(Model):
    """Units of a release that a node will not ship; they stay to be shipped by another, or later."""

    report_id: str
    """The warehouse's own; the same when it reports twice."""
    fulfilment_id: str
    node: str
    kind: ShortfallKind
    reason: str = ""
    reported_at: Moment
    picks: tuple[PickLine, ...] = Field(min_length=1)

    @property
    def order_key(self) -> str:
        return self.fulfilment_id.rpartition("#")[0]


class GoodsOut(Model):
    """Units of an item that left a node."""

    node: str
    item: str
    quantity: int = Field(ge=1)


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
    node: str = ""
    """Where it left from: the ERP takes the goods out of that warehouse. Empty: the ERP's usual one."""
    goods: tuple[GoodsOut, ...] = ()
    """What left for these units: of a bundle in several parcels, also the parcels before, which completed none."""
    region: str = ""
    extras: dict[str, str] = Field(default_factory=dict)
    """The order's channel extras, which some channels need again."""
