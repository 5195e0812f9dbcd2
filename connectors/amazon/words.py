"""Our reasons in Amazon's words, and its words for returns; `vocabulary.py` has those for orders."""

from __future__ import annotations

from models.channel import CancelReason, RefundReason
from models.order import ChannelState
from models.returns import ReturnState

STATE_WORDS = {
    ChannelState.PENDING: "PENDING",
    ChannelState.OPEN: "UNSHIPPED",
    ChannelState.PARTIALLY_SHIPPED: "PARTIALLY_SHIPPED",
    ChannelState.SHIPPED: "SHIPPED",
    ChannelState.CANCELLED: "CANCELLED",
}
CANCEL_REASONS = {
    CancelReason.BUYER: "BuyerCanceled",
    CancelReason.OUT_OF_STOCK: "NoInventory",
    CancelReason.PRICING_ERROR: "PricingError",
    CancelReason.FRAUD: "RiskAssessmentInformationNotValid",
    CancelReason.ADDRESS: "ShippingAddressUndeliverable",
    CancelReason.OTHER: "GeneralAdjustment",
}
"""CancelReason of `POST_ORDER_ACKNOWLEDGEMENT_DATA`."""
PART_REASONS = {
    CancelReason.BUYER: "GeneralAdjustment",
    CancelReason.OUT_OF_STOCK: "NoInventory",
    CancelReason.PRICING_ERROR: "GeneralAdjustment",
    CancelReason.FRAUD: "RiskAssessmentInformationNotValid",
    CancelReason.ADDRESS: "GeneralAdjustment",
    CancelReason.OTHER: "GeneralAdjustment",
}
"""AdjustmentReason of `POST_PAYMENT_ADJUSTMENT_DATA`, which knows fewer words, for units that are cancelled."""
REFUND_REASONS = {
    RefundReason.RETURNED: "CustomerReturn",
    RefundReason.DAMAGED: "CustomerReturn",
    RefundReason.NOT_RECEIVED: "CarrierCoverageFailure",
    RefundReason.NOT_AS_DESCRIBED: "CustomerReturn",
    RefundReason.PRICE_ADJUSTMENT: "GeneralAdjustment",
    RefundReason.GOODWILL: "GeneralAdjustment",
    RefundReason.CANCELLED: "NoInventory",
    RefundReason.OTHER: "GeneralAdjustment",
}
"""AdjustmentReason for money; an account that needs other words says them in its options."""
RETURN_STATES = {
    # `Return request status` of the flat file.
    "Pending": ReturnState.REQUESTED,
    "PendingApproval": ReturnState.REQUESTED,
    "Pending Approval": ReturnState.REQUESTED,
    "Approved": ReturnState.APPROVED,
    "Authorized": ReturnState.APPROVED,
    "Received": ReturnState.RECEIVED,
    "Completed": ReturnState.CLOSED,
    "Closed": ReturnState.CLOSED,
    "Refunded": ReturnState.CLOSED,
    "Denied": ReturnState.REFUSED,
    "Rejected": ReturnState.REFUSED,
    "Declined": ReturnState.REFUSED,
    "Cancelled": ReturnState.CANCELLED,
    "Canceled": ReturnState.CANCELLED,
    # Status of External Fulfillment Returns 2024-09-11.
    "CREATED": ReturnState.APPROVED,
    "CARRIER_NOTIFIED_TO_PICK_UP_FROM_CUSTOMER": ReturnState.APPROVED,
    "CARRIER_OUT_FOR_PICK_UP_FROM_CUSTOMER": ReturnState.APPROVED,
    "CUSTOMER_CANCELLED_PICK_UP": ReturnState.APPROVED,
    "CUSTOMER_RESCHEDULED_PICK_UP": ReturnState.APPROVED,
    "CUSTOMER_DROPPED_OFF": ReturnState.APPROVED,
    "PICKED_FROM_CUSTOMER": ReturnState.APPROVED,
    "IN_TRANSIT": ReturnState.APPROVED,
    "OUT_FOR_DELIVERY": ReturnState.APPROVED,
    "REPLANNED": ReturnState.APPROVED,
    "DELIVERED": ReturnState.RECEIVED,
    "PARTIALLY_PROCESSED": ReturnState.RECEIVED,
    "PROCESSED": ReturnState.CLOSED,
    "REJECTED": ReturnState.REFUSED,
    "CANCELLED": ReturnState.CANCELLED,
}
