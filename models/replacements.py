"""Other goods for goods: the linked order of a replacement or an exchange, and exactly what it costs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from models.base import Model
from models.channel import RefundReason
from models.money import Money
from models.order import ChannelState, Discount, Order, OrderKey, OrderLine, Remitter, Tax
from models.refund_process import INTERNAL
from models.refunds import Refund, RefundClaim, RefundedLine
from models.worth import Worth, worth_of

EXCHANGE_CODE = "EXCHANGE"
"""Code of the discount that the units given up are worth."""


class ExchangeLine(Model):
    """What is sent for units of an order line."""

    line_id: str
    """Of the original order."""
    quantity: int = Field(ge=1)
    sku: str = ""
    """Empty: the same again."""
    unit_price: Money | None = None
    """Of the other goods, stated as the line's price is (with included tax, if any); None: the same value."""


class ReplacementTask(Model):
    """The wish that a buyer gets other goods for units of an order."""

    order_key: OrderKey
    number: int = Field(ge=1)
    """1, 2 … within the order."""
    correlation_id: str
    lines: tuple[ExchangeLine, ...] = Field(min_length=1)
    reason: RefundReason
    return_id: str = ""
    """The return that the units came back with; empty for a replacement of what was lost or broken."""
    actor: str = "operator"
    note: str = ""

    @property
    def workflow_id(self) -> str:
        return f"replacement/{self.order_key}/{self.number}"

    @property
    def replacement_key(self) -> OrderKey:
        external_id = f"{self.order_key.external_id}-X{self.number}"
        return self.order_key.model_copy(update={"external_id": external_id})


class Replacement(Model):
    """What became of it."""

    refund: Refund
    """The units given up, in the ledger; refused when they cannot be."""
    order_key: OrderKey | None = None
    """Of the order that is sent instead."""
    to_pay: Money | None = None
    """What the buyer pays before it is released; None when nothing."""


def claim_of(task: ReplacementTask, order: Order) -> RefundClaim:
    """The units that are given up, and what the other goods cost. Raises `ValueError` for a line that is not there."""
    lines = {line.line_id: line for line in order.lines}
    if unknown := [wanted.line_id for wanted in task.lines if wanted.line_id not in lines]:
        raise ValueError(f"the order has no line {unknown[0]}: it has {', '.join(lines)}")
    worth = worth_of(order)
    priced = [wanted for wanted in task.lines if wanted.unit_price is not None]
    return RefundClaim(
        request_id=f"{task.order_key}#exchange:{task.number}",
        order_key=task.order_key,
        reason=task.reason,
        units={wanted.line_id: wanted.quantity for wanted in task.lines},
        exchange=True,
        exchanged={wanted.line_id: cost_of(wanted, worth[wanted.line_id].goods) for wanted in priced},
        return_id=task.return_id,
        actor=task.actor,
        note=task.note,
    )


def cost_of(wanted: ExchangeLine, sold: Worth) -> Money:
    """What the buyer would pay for the other goods, with tax on top at the rate of what was sold."""
    assert wanted.unit_price is not None
    price = wanted.unit_price * wanted.quantity
    if not sold.price or not sold.added:
        return price
    return price + Money.rounded(price.amount * sold.added.amount / sold.price.amount, price.currency)


def replacement_of(task: ReplacementTask, order: Order, given_up: Refund, at: datetime) -> Order:
    """The linked order. What the units given up are worth is its discount; what is above that, the buyer pays."""
    worth = worth_of(order)
    lines = tuple(_line(wanted, order, given_up, worth[wanted.line_id].goods) for wanted in task.lines)
    draft = Order(
        key=task.replacement_key,
        correlation_id=order.correlation_id,
        purchased_at=at,
        version=at,
        state=ChannelState.OPEN,
        fulfilled_by=order.fulfilled_by,
        currency=order.currency,
        lines=lines,
        total=Money.zero(order.currency),
        buyer=order.buyer,
        ship_to=order.ship_to,
        bill_to=order.bill_to,
        service_level=order.service_level,
        test=order.test,
        replacement_of=str(order.key),
        region=order.region,
        extras={**order.extras, INTERNAL: "1"},
    )
    total = draft.totals.computed
    return draft.model_copy(update={"total": total, "state": ChannelState.PENDING if total else ChannelState.OPEN})


def paid(order: Order, at: datetime) -> Order:
    """A replacement whose difference the buyer has paid."""
    return order.model_copy(update={"state": ChannelState.OPEN, "version": at})


def _line(wanted: ExchangeLine, order: Order, given_up: Refund, sold: Worth) -> OrderLine:
    original = next(line for line in order.lines if line.line_id == wanted.line_id)
    value = _value(given_up.lines, wanted.line_id, order.currency)
    difference = cost_of(wanted, sold) - value if wanted.unit_price else Money.zero(order.currency)
    due = _due(difference, sold)
    goods = wanted.unit_price * wanted.quantity if wanted.unit_price else value
    return OrderLine(
        line_id=wanted.line_id,
        sku=wanted.sku or original.sku,
        title=original.title if wanted.sku in ("", original.sku) else "",
        quantity=wanted.quantity,
        unit_price=wanted.unit_price,
        goods=goods,
        discounts=(Discount(amount=goods - due.price, code=EXCHANGE_CODE),) if goods != due.price else (),
        taxes=_taxes(due),
        needs_shipping=original.needs_shipping,
    )


def _due(difference: Money, sold: Worth) -> Worth:
    """What the buyer has to pay, with tax in the proportion of what was sold."""
    nothing = Worth.nothing(difference.currency)
    if difference.amount <= 0:
        return nothing
    return sold.of_amount(difference) if sold.total else nothing.model_copy(update={"net": difference})


def _value(lines: Iterable[RefundedLine], line_id: str, currency: str) -> Money:
    """What the units given up were worth: what other goods are given for, and what is paid in money."""
    return Money.total((line.total for line in lines if line.line_id == line_id), currency)


def _taxes(due: Worth) -> tuple[Tax, ...]:
    parts = [
        (due.included_seller, Remitter.SELLER, True),
        (due.included_channel, Remitter.CHANNEL, True),
        (due.added_seller, Remitter.SELLER, False),
        (due.added_channel, Remitter.CHANNEL, False),
    ]
    return tuple(
        Tax(amount=amount, remitter=remitter, included=included) for amount, remitter, included in parts if amount
    )
