"""Exception cases: a business problem that waits for a person, and how it was resolved."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from models.base import Model, Moment
from models.order import Address, OrderKey


class CaseKind(StrEnum):
    UNMAPPED_SKU = "unmapped_sku"
    OUT_OF_STOCK = "out_of_stock"
    FRAUD_REVIEW = "fraud_review"
    TAX_DECLINED = "tax_declined"
    ERP_DECLINED = "erp_declined"
    WMS_DECLINED = "wms_declined"
    CHANNEL_DECLINED = "channel_declined"
    ADDRESS_INCOMPLETE = "address_incomplete"
    CANCEL_REQUESTED = "cancel_requested"
    CANCEL_TOO_LATE = "cancel_too_late"
    COMPENSATION_FAILED = "compensation_failed"
    NOT_SHIPPED_IN_TIME = "not_shipped_in_time"
    SETTLEMENT_OVERDUE = "settlement_overdue"
    SETTLEMENT_DIFFERS = "settlement_differs"
    SETTLEMENT_RESIDUAL = "settlement_residual"
    """Money of a settlement that is not explained, or that the ERP refuses to book."""
    PAYOUT_MISSING = "payout_missing"
    """The bank's statements do not show what a settlement says was paid out."""
    PAYMENT_OVERDUE = "payment_overdue"
    CHANNEL_DIFFERS = "channel_differs"
    OPERATOR_HOLD = "operator_hold"
    PRICE_BELOW_FLOOR = "price_below_floor"
    ACKNOWLEDGE_OVERDUE = "acknowledge_overdue"
    CONFIRM_OVERDUE = "confirm_overdue"
    CANCEL_IN_DOUBT = "cancel_in_doubt"
    RETURN_REVIEW = "return_review"
    REFUND_DECLINED = "refund_declined"
    LATE_EVENT = "late_event"
    RATE_MISSING = "rate_missing"
    INVENTORY_DIFFERS = "inventory_differs"
    """Two systems contradict each other about stock for so long that it does not go by itself."""


HOLDS = frozenset(
    {
        CaseKind.FRAUD_REVIEW,
        CaseKind.PAYMENT_OVERDUE,
        CaseKind.ADDRESS_INCOMPLETE,
        CaseKind.PRICE_BELOW_FLOOR,
        CaseKind.OPERATOR_HOLD,
    }
)
"""Cases in which nothing has failed: somebody has to say whether the order may go on."""


class Action(StrEnum):
    RETRY = "retry"
    AMEND = "amend"
    SKIP = "skip"
    CANCEL = "cancel"


class Amendment(Model):
    """A validated change of exactly the data at fault. Only what is given is changed."""

    ship_to: Address | None = None
    service_level: str | None = None
    sku: dict[str, str] = Field(default_factory=dict)
    """Channel line id -> the SKU to use for it."""

    @property
    def empty(self) -> bool:
        return self.ship_to is None and self.service_level is None and not self.sku


class Resolution(Model):
    """What a person, or the cause's own end, decides about a case."""

    case_id: str
    action: Action
    actor: str
    note: str = ""
    amendment: Amendment = Amendment()


class ExceptionCase(Model):
    """What failed, why, where, since when, and what can be done."""

    case_id: str
    order_key: OrderKey
    workflow_id: str
    """The workflow that waits for the resolution: the order's, or that of one of its fulfilments."""
    kind: CaseKind
    step: str
    """The step of the order at which it stopped; resolving resumes there."""
    reason: str
    """In words that an operator understands, with the field, the value and the remedy."""
    detail: dict[str, Any] = Field(default_factory=dict)
    owner: str = "operations"
    """Whose turn it is: `operations`, `catalogue`, `finance`, `fraud`, `warehouse`, `channel` or `customer service`."""
    subject: str = ""
    """What one fix would release together: `sku:LAMP-2`, `tax_code:P123`, `connection:erp`; empty when it is alone."""
    opened_at: Moment
    expires_at: Moment | None = None
    """When `on_expiry` is done, if nobody has decided by then."""
    on_expiry: Action | None = None
    allowed: tuple[Action, ...]
    resolved_at: Moment | None = None
    resolution: Resolution | None = None

    @property
    def is_hold(self) -> bool:
        return self.kind in HOLDS


class CaseBook(Model):
    """The open cases of a workflow, to be carried when it continues as new."""

    opened: int = 0
    """How many there have been: the next one's number."""
    cases: tuple[ExceptionCase, ...] = ()
    decided: tuple[str, ...] = ()
    """The latest that were decided, in words."""
