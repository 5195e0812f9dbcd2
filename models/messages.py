"""What is said to and by the workflows."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.case import Action, ExceptionCase
from models.channel import CancelReason
from models.deadline import Deadline
from models.money import Money
from models.order import Address, Order, OrderKey
from models.quantities import QuantityLedger


class OrderState(StrEnum):
    """Milestones of an order, in the order in which a plain one passes them."""

    RECEIVED = "received"
    ON_HOLD = "on_hold"
    ACCEPTED = "accepted"
    BACK_ORDERED = "back_ordered"
    """Waits for stock, with a date until which it may."""
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
    """A wish to cancel units, from the buyer, the channel or an operator."""

    reason: str
    actor: str
    authority: str = "operator"
    why: CancelReason = CancelReason.OTHER
    """What the channel is told."""
    units: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units to cancel; empty for everything that has not left."""


class CancelStatus(StrEnum):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    """These units will not leave, and every system is told."""
    DECLINED = "declined"
    """Too late: they have left or are leaving; the buyer may send them back."""
    IN_DOUBT = "in_doubt"
    """The warehouse has not answered yet; it is asked until it does."""


class CancelOutcome(Model):
    """What became of a wish to cancel. Of a part that is too late, `declined_units` says how many."""

    status: CancelStatus
    reason: str
    units: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units that are cancelled."""
    declined_units: dict[str, int] = Field(default_factory=dict)
    return_offered: bool = False
    """True when the buyer is to be offered a return of what was declined."""

    @property
    def confirmed(self) -> bool:
        return self.status is CancelStatus.CONFIRMED


class HoldRequest(Model):
    """An operator's wish that an order is not released."""

    reason: str = Field(min_length=1)
    actor: str
    expires_at: Moment | None = None
    on_expiry: Action = Action.SKIP
    """`skip` lets the order go on when nobody has decided by then, `cancel` ends it."""


class ChangeRequest(Model):
    """A change of an order that is not released yet. Only what is given is changed."""

    actor: str
    reason: str = ""
    ship_to: Address | None = None
    service_level: str | None = None
    sku: dict[str, str] = Field(default_factory=dict)
    """Channel line id -> the SKU to ship instead."""
    quantity: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> the lower quantity that is wanted."""


class CauseGone(Model):
    """A fix outside the order: every case with this subject is tried again."""

    subject: str
    """`ExceptionCase.subject`, e.g. `tax_code:P123` or `connection:erp`."""
    note: str = ""


class ReturnCounted(Model):
    """Units of an order that came back, told by a return's process. The same `return_id` again changes nothing."""

    return_id: str
    """Unique for a receipt of the return."""
    units: dict[str, int]
    """Channel line id -> units of the line that came back."""


class RefundCounted(Model):
    """Money of an order that was paid back. The same `refund_id` again changes nothing."""

    refund_id: str
    total: Money
    """What the buyer got back."""
    receivable: Money
    """Of that, what the seller bears: the total without the tax that the channel remits."""
    units: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units refunded."""
    goodwill: bool = False
    """True when units are paid back that did not come back."""
    reason: str = ""


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
    """The case that has been open longest."""
    cases: tuple[ExceptionCase, ...] = ()
    decided: tuple[str, ...] = ()
    """The latest cases that were decided, in words."""
    nodes: tuple[str, ...] = ()
    erp_order: str | None = None
    shipments: tuple[ShipmentRecord, ...] = ()
    received: Money | None = None
    fees: Money | None = None
    degraded: dict[str, str] = Field(default_factory=dict)
    """Step -> which fallback was used and why."""
    released_at: Moment | None = None
    hold: HoldRequest | None = None
    """An operator's hold that stands."""
    deadlines: tuple[Deadline, ...] = ()
    cancellations: tuple[CancelOutcome, ...] = ()
    refunded: Money | None = None
    expected: Money | None = None
    """What the channel owes for what was not cancelled, before its fees and refunds."""
    untold: tuple[str, ...] = ()
    """Systems that do not yet know how the order stands now: `erp`, `tax`, `channel`."""


class StockArrived(Model):
    """An item that this order waits for is there, as far as the order can be served with it."""

    item: str


class LateEvent(Model):
    """Something that was said of an order after its process had ended."""

    order_key: OrderKey
    kind: str
    """`channel_changed`, `shipment_reported`, `money_received` …"""
    event_id: str
    """The same when it is said again."""
    told: str
    """In words, without personal data."""
    at: Moment


class Correction(Model):
    """The order as a newer mapping reads it from the same raw payload, after an operator has confirmed the difference.

    Before anything was posted it replaces the order; afterwards the posted order is restated.
    """

    order: Order
    mapping_version: int
    actor: str
