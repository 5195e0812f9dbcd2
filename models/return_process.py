"""A return's own process: everything it knows, in one document, and what it is told."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.case import ExceptionCase
from models.catalogue import ComponentLine
from models.order import Order, OrderKey
from models.refunds import Refund
from models.replacements import ExchangeLine
from models.returned_goods import GoodsBack
from models.returns import ENDED_RETURNS, RETURN_TRANSITIONS, ChannelReturn, ReturnProcessState
from models.systems import ReturnedItem, ReturnReceipt

BLIND = "blind"
"""Stands for the channel of goods that nobody announced."""


class ReturnOrigin(StrEnum):
    CHANNEL = "channel"
    OPERATOR = "operator"
    WAREHOUSE = "warehouse"
    """A blind return: goods came that no return was known for."""


class Ruling(Model):
    """What is decided about a return: by policy, by the channel, or by a person."""

    accepted: bool
    actor: str
    reason: str = ""
    order_key: OrderKey | None = None
    """Of a blind return: the order that the goods belong to."""
    units: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units; empty for those that were asked for."""


class Inspection(Model):
    """What really came back, where it differs from the warehouse's report, or where nobody reported it."""

    receipt_id: str
    actor: str
    node: str = ""
    """Where the goods are; needed only for a receipt that was not reported."""
    items: tuple[ReturnedItem, ...] = Field(min_length=1)
    note: str = ""


class Exchange(Model):
    """Other goods for what comes back: `lines` say which for a line, others get the same again."""

    actor: str
    lines: tuple[ExchangeLine, ...] = ()
    note: str = ""


class ParcelBack(Model):
    """A parcel that came back, as it was booked."""

    receipt: ReturnReceipt
    units: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units of the order that became complete with it."""
    document: str = ""
    """Number of the ERP's document."""


class ReturnEvent(Model):
    at: Moment
    state: ReturnProcessState
    cause: str
    actor: str = "orderyard"


class ReturnFile(Model):
    """The state of a return's process: what it is started with, continues with, and answers to a query."""

    channel: str
    account: str
    return_id: str
    order_key: OrderKey | None = None
    correlation_id: str
    origin: ReturnOrigin
    state: ReturnProcessState = ReturnProcessState.REQUESTED
    rma: str = ""
    """The number on the parcel."""
    reason: str = ""
    requested_at: Moment
    told: ChannelReturn | None = None
    """The newest version that the channel told."""
    wanted: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units that are to come back."""
    ruling: Ruling | None = None
    due: Moment | None = None
    """Until when the goods are waited for."""
    waiting: tuple[ReturnReceipt, ...] = ()
    """Parcels that came and are not booked yet."""
    parcels: tuple[ParcelBack, ...] = ()
    goods: GoodsBack = GoodsBack()
    refunds: tuple[Refund, ...] = ()
    history: tuple[ReturnEvent, ...] = ()
    case: ExceptionCase | None = None
    cases: int = 0
    """How many cases there have been."""
    exchange: Exchange | None = None
    """The goods that the buyer gets for what comes back, instead of money."""
    replacement: OrderKey | None = None
    """The order of those goods."""

    @property
    def workflow_id(self) -> str:
        return return_workflow_id(self.channel, self.account, self.return_id)

    @property
    def ended(self) -> bool:
        return self.state in ENDED_RETURNS

    @property
    def case_key(self) -> OrderKey:
        """The order, or what stands for it in a case while nobody knows the order."""
        stand_in = OrderKey(channel=self.channel, account=self.account, external_id=self.return_id)
        return self.order_key or stand_in

    def entered(self, state: ReturnProcessState, at: Moment, cause: str, actor: str = "orderyard") -> ReturnFile:
        """The file with one more transition. Raises `ValueError` for one that is not legal."""
        if state not in RETURN_TRANSITIONS[self.state]:
            raise ValueError(f"return {self.return_id} cannot go from {self.state} to {state}")
        event = ReturnEvent(at=at, state=state, cause=cause, actor=actor)
        return self.model_copy(update={"state": state, "history": (*self.history, event)})


class ReturnFacts(Model):
    """What the store knows of a return's order, and of the return from before."""

    earlier: ReturnFile | None = None
    order: Order | None = None
    components: tuple[ComponentLine, ...] = ()
    sent: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units that left and have not come back with another return."""
    sent_at: Moment | None = None
    """When the last of them left."""


def return_workflow_id(channel: str, account: str, return_id: str) -> str:
    return f"return/{channel}/{account}/{return_id}"


def opened_by(told: ChannelReturn, correlation_id: str) -> ReturnFile:
    """The file of a return that the channel tells of."""
    wanted: dict[str, int] = {}
    for line in told.lines:
        if line.line_id:
            wanted[line.line_id] = wanted.get(line.line_id, 0) + line.quantity
    return ReturnFile(
        channel=told.order_key.channel,
        account=told.order_key.account,
        return_id=told.return_id,
        order_key=told.order_key,
        correlation_id=correlation_id,
        origin=ReturnOrigin.CHANNEL,
        rma=told.rma or told.return_id,
        reason="; ".join(dict.fromkeys(line.reason for line in told.lines if line.reason)),
        requested_at=told.requested_at or told.version,
        told=told,
        wanted=wanted,
    )


def opened_by_goods(receipt: ReturnReceipt, rma: str) -> ReturnFile:
    """The file of a blind return: goods came, and no return is known for them."""
    return ReturnFile(
        channel=receipt.order_key.channel if receipt.order_key else BLIND,
        account=receipt.order_key.account if receipt.order_key else receipt.node.replace("/", "-"),
        return_id=rma or receipt.receipt_id,
        order_key=receipt.order_key,
        correlation_id=receipt.correlation_id,
        origin=ReturnOrigin.WAREHOUSE,
        rma=rma,
        requested_at=receipt.received_at,
    )
