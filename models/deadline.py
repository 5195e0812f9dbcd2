"""The deadlines of an order: durable timers that act, and that show."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from models.base import Model, Moment


class DeadlineKind(StrEnum):
    PAYMENT = "payment"
    ACKNOWLEDGE = "acknowledge"
    CANCEL_WINDOW = "cancel_window"
    BACK_ORDER = "back_order"
    SHIP_BY = "ship_by"
    CONFIRM_BY = "confirm_by"
    RETURN_WINDOW = "return_window"
    SETTLEMENT = "settlement"


class Deadline(Model):
    """A durable timer of the order, and what it does."""

    kind: DeadlineKind
    due: Moment
    acts: str
    """What happens then, in words."""
    met: bool = False
    """What was due has happened."""
    passed: bool = False
    """The time came first, and the deadline acts."""
    acted: bool = False
    """What it opened, a case for instance, is over as well."""


class DeadlineRule(Model):
    """What a kind of deadline is for; `docs/states.md` is made from these."""

    due: str
    does: str
    ends: str
    """What makes it unnecessary."""


DEADLINES: Mapping[DeadlineKind, DeadlineRule] = {
    DeadlineKind.PAYMENT: DeadlineRule(
        due="7 days after the order waits for its payment",
        does="case `payment_overdue`; undecided for as long again it cancels the order",
        ends="the channel says that it is paid",
    ),
    DeadlineKind.ACKNOWLEDGE: DeadlineRule(
        due="the channel's own date, at least 15 minutes after we hear of the order",
        does="case `acknowledge_overdue`",
        ends="the channel has heard that we take the order",
    ),
    DeadlineKind.CANCEL_WINDOW: DeadlineRule(
        due="the account's cancel window after the purchase",
        does="lets the order be released",
        ends="the order is cancelled",
    ),
    DeadlineKind.BACK_ORDER: DeadlineRule(
        due="the ship-by date, else the account's promise; never before the day of a pre-order",
        does="case `out_of_stock`: wait on, ship what is there, or cancel what is short",
        ends="everything has a place",
    ),
    DeadlineKind.SHIP_BY: DeadlineRule(
        due="the ship-by date, else 3 days after the release; at least 1 hour after it",
        does="case `not_shipped_in_time`",
        ends="every unit has left",
    ),
    DeadlineKind.CONFIRM_BY: DeadlineRule(
        due="the account's time after a parcel left, 24 hours by default; one for each parcel",
        does="case `confirm_overdue`",
        ends="the channel has heard of the parcel",
    ),
    DeadlineKind.RETURN_WINDOW: DeadlineRule(
        due="the account's return window after the last parcel left, 30 days by default",
        does="later returns need a person's decision",
        ends="the order closes",
    ),
    DeadlineKind.SETTLEMENT: DeadlineRule(
        due="35 days after the goods are done",
        does="case `settlement_overdue`, or `settlement_differs` when some money came",
        ends="what is expected has been received",
    ),
}
