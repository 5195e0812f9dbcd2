"""All that a running order knows: the one state that its workflow keeps, and carries when it continues as new."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field

from models.base import Model, Moment
from models.case import Amendment, CaseBook
from models.catalogue import ComponentLine
from models.channel import CancelReason
from models.deadline import Deadline
from models.fulfilment import PickLine, Shipment
from models.goods import Counted, FulfilmentPart, Goods, Stage
from models.messages import (
    CancelOutcome,
    CancelRequest,
    ChangeRequest,
    HoldRequest,
    OrderState,
    RefundCounted,
    ShipmentRecord,
    Transition,
)
from models.money import Money
from models.order import Order
from models.settlement import OrderMoney
from models.systems import FraudVerdict, TaxQuote
from models.terms import SalesTerms


class Cancellation(Model):
    """A wish to cancel, and what became of it; without an outcome it waits for its turn, or for the warehouse."""

    number: int
    request: CancelRequest
    outcome: CancelOutcome | None = None


class Change(Model):
    """A change of the order before its release; `refused` says why it was not made."""

    request: ChangeRequest
    done: bool = False
    refused: str | None = None


class ChannelCancel(Model):
    """Units that the channel is to be told of, under one number of ours: the same on every attempt."""

    number: int
    units: dict[str, int]
    known_then: dict[str, int]
    """Line id -> cancelled units that the channel knows once it was told."""
    whole: bool
    why: CancelReason
    note: str


class HandledParcel(Model):
    """A parcel that left, and what has been done about it."""

    shipment: Shipment
    package_number: int
    units: dict[str, int] = Field(default_factory=dict)
    """Order-line units that it completed."""
    counted: bool = False
    confirmed: bool = False
    booked: bool = False
    invoice: str | None = None
    told_buyer: bool = False

    @property
    def done(self) -> bool:
        return self.counted and (not self.units or (self.confirmed and self.booked and self.told_buyer))


class OrderLife(BaseModel):
    """Mutable, unlike every other model: the workflow's handlers and steps write here and nowhere else."""

    order: Order
    seen: Order
    """The newest version that the channel told; `order` is what we work on."""
    revision: int = 0
    """Raised whenever what the ERP and the tax engine hold of the order is no longer what is wanted."""
    terms: SalesTerms | None = None

    state: OrderState = OrderState.RECEIVED
    waiting_for: str | None = None
    transitions: list[Transition] = []
    """The latest; older ones are in the projection."""
    transitions_before: int = 0
    transitions_written: int = 0
    cases: CaseBook = CaseBook()

    acknowledged: bool = False
    accepted: bool = False
    buyer_heard: bool = False
    floor_heard: bool = False
    hold: HoldRequest | None = None
    screened: bool = False
    verdict: FraudVerdict | None = None
    """None when an operator skipped the screening."""
    tax: TaxQuote | None = None
    tax_asked: bool = False
    tax_told: int | None = None
    """Revision that the tax engine holds; None when it has nothing, or was told to forget it."""
    tax_heals: bool = False
    """The engine was away, and is asked until it records what the rate table estimated."""
    tax_committed: bool = False
    erp_asked: bool = False
    erp_order: str | None = None
    erp_told: int | None = None
    """Revision that the ERP holds; None when it has nothing, or was told to forget it."""
    erp_skus: dict[str, str] = {}
    """Line id -> the SKU that the ERP was last told."""
    erp_items: dict[str, list[str]] = {}
    """Line id -> the items that it was told with it: of a SKU that was just changed still the former one's."""
    channel_cancelled: dict[str, int] = {}
    """Line id -> cancelled units that the channel spoke of, each of which became a request once."""
    taken_over_at: Moment | None = None
    """Version of the order by which somebody had shipped it by hand, and the warehouses were asked to stop."""
    channel_told: dict[str, int] = {}
    """Line id -> cancelled units that the channel knows."""
    channel_cancel: ChannelCancel | None = None
    """What it is being told."""
    channel_cancels: int = 0

    components: tuple[ComponentLine, ...] = ()
    enriched: bool = False
    floors: dict[str, Money] = {}
    """Line id -> lowest price of a unit that is sold without asking."""
    available_from: dict[str, Moment] = {}
    """Line id -> day before which it is not shipped (a pre-order)."""
    mappings_heard: int = 0
    counted: Counted = Counted()
    parts: list[FulfilmentPart] = []
    decisions: int = 0
    routing_wanted: bool = True
    """Something has changed that may let more units be reserved."""
    short: tuple[PickLine, ...] = ()
    """What no node had when the order was routed last."""
    ship_what_is_there: bool = False
    """A person decided, or a node fell short: the rest follows when it can."""
    excluded: dict[str, str] = {}
    """Node -> why it is not asked again."""
    parcels: list[HandledParcel] = []
    packages: int = 0
    shortfalls: list[str] = []
    overtaken: list[str] = []
    """Fulfilments whose goods left from an earlier, stopped one; their warehouses were asked to stop."""
    silent: list[str] = []
    """Fulfilments that another node is to take over, if one can."""
    shipments: list[ShipmentRecord] = []
    released_at: Moment | None = None
    goods_done_at: Moment | None = None

    cancellations: list[Cancellation] = []
    late_cancel: CancelRequest | None = None
    changes: list[Change] = []
    amended: Amendment = Amendment()
    """All that people have changed of what the channel said."""
    holds_too_much: bool = False
    """More is reserved than fulfilments have to ship: given back before the order is routed again."""
    ended_by: CancelRequest | None = None
    """What ended the order before anything left."""
    money: dict[str, OrderMoney] = {}
    refunds: dict[str, RefundCounted] = {}
    returns: list[str] = []
    uncounted: list[tuple[str, dict[str, int]]] = []
    """Units returned or refunded that were told before what they follow from."""
    settled_with: int | None = None
    """How many settlements had paid when the money was found right, or the rest was written off."""
    degraded: dict[str, str] = {}
    deadlines: dict[str, Deadline] = {}
    """By kind; that of a parcel also by its shipment."""

    @classmethod
    def of(cls, order: Order) -> OrderLife:
        """The state of an order that was just heard of."""
        counted = Counted(
            cancelled={line.line_id: line.cancelled for line in order.lines if line.cancelled},
            elsewhere={line.line_id: line.shipped for line in order.lines if line.shipped},
        )
        return cls(order=order, seen=order, counted=counted)

    @property
    def correlation_id(self) -> UUID | None:
        return self.order.correlation_id

    @property
    def goods(self) -> Goods:
        return Goods.of(self.order, self.components, self.counted, self.parts)

    def part(self, fulfilment_id: str) -> FulfilmentPart | None:
        return next((part for part in self.parts if part.fulfilment_id == fulfilment_id), None)

    def put(self, part: FulfilmentPart) -> None:
        """Replace a fulfilment by its newer self, or add it."""
        known = [each.fulfilment_id for each in self.parts]
        if part.fulfilment_id in known:
            self.parts[known.index(part.fulfilment_id)] = part
        else:
            self.parts.append(part)

    def at(self, stage: Stage) -> list[FulfilmentPart]:
        return [part for part in self.parts if part.stage is stage]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes that ship, or have shipped, in the order in which they were chosen."""
        return tuple(dict.fromkeys(part.node for part in self.parts if part.picks))

    @property
    def received(self) -> Money:
        return Money.total((paid.received for paid in self.money.values()), self.order.currency)

    @property
    def refunded(self) -> Money:
        return Money.total((made.total for made in self.refunds.values()), self.order.currency)
