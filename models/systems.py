"""What is asked of ERP, warehouse, tax, fraud and notification systems, and what they answer."""

from __future__ import annotations

from models.base import Model, Moment
from models.catalogue import ComponentLine
from models.money import Money
from models.order import Order, OrderKey


class ErpOrder(Model):
    """A sales order to be posted: the canonical order with its items."""

    order: Order
    components: tuple[ComponentLine, ...]
    seller_tax: Money


class ReleaseCancelled(Model):
    """A warehouse's answer to a request to stop."""

    confirmed: bool
    reason: str = ""


class TaxQuote(Model):
    seller_tax: Money
    source: str
    """`avatax`, `rate_table` …"""
    document: str | None = None
    """Code of the recorded transaction, to be committed or voided."""
    degraded: bool = False
    """True when a fallback answered, because the engine was away."""


class FraudVerdict(Model):
    decision: str
    """`approve` or `review`."""
    score: int
    """0 (harmless) to 100."""
    source: str
    reasons: tuple[str, ...] = ()
    degraded: bool = False
    """True when a fallback answered, because the service was away."""


class Notice(Model):
    """A message to the buyer."""

    order_key: OrderKey
    correlation_id: str
    template: str
    notice_id: str
    """Idempotency key: one message a notice."""
    values: dict[str, str]
    at: Moment
