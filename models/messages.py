"""What is said to and by the workflows."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.case import ExceptionCase
from models.channel import CancelReason
from models.money import Money
from models.order import Order, OrderKey
from models.quantities import QuantityLedger


class OrderState(StrEnum):
    """Milestones of an order, in the order in which a plain one passes them."""

    RECEIVED = "received"
    ON_HOLD = "on_hold"
    ACCEPTED = "accepted"
    ALLOCATED = "allocated"
    RELEASED = "released"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    SETTLED = "settled"
    CLOSED = "closed"
    EXCEPTION = "exception"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


FINAL_STATES = frozenset({OrderState.CLOSED, OrderState.CANCELLED})


class Transition(Model):
    """One change of state: when, why, by whom, on whose authority."""

    at: Moment
    state: OrderState
    cause: str
    actor: str = "orderyard"
    authority: str = "orderyard"


class CancelRequest(Model):
    reason: str
    actor: str
    authority: str = "operator"
    why: CancelReason = CancelReason.OTHER
    """What the channel is told."""


class CancelOutcome(Model):
    """`confirmed`, or `declined` with the reason why it is too late."""

    confirmed: bool
    reason: str


class ChannelUpdate(Model):
    """A newer version of the order, as the channel tells it."""

    order: Order


class MappingAdded(Model):
    """A SKU that this order waits for is mapped now."""

    sku: str


class ShipmentRecord(Model):
    """A parcel in the order's snapshot."""

    shipment_id: str
    node: str
    carrier: str
    tracking: str
    shipped_at: Moment
    units: dict[str, int]
    confirmed: bool = False
    invoice: str | None = None


class OrderSnapshot(Model):
    """Where an order stands; the projection's row and the workflow's answer to a query."""

    key: OrderKey
    state: OrderState
    waiting_for: str | None = None
    quantities: QuantityLedger
    case: ExceptionCase | None = None
    nodes: tuple[str, ...] = ()
    erp_order: str | None = None
    shipments: tuple[ShipmentRecord, ...] = ()
    received: Money | None = None
    fees: Money | None = None
    degraded: dict[str, str] = Field(default_factory=dict)
    """Step -> which fallback was used and why."""
    released_at: Moment | None = None
