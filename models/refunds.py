"""Refunds of an order: what is claimed, and what is paid back in the words of the channel and of the ERP."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.channel import RefundLine, RefundReason
from models.money import Money
from models.order import Order, OrderKey
from models.systems import CreditNoteLine
from models.worth import Worth


class RefundState(StrEnum):
    RESERVED = "reserved"
    """Counted against what was paid, and on its way."""
    DONE = "done"
    REFUSED = "refused"
    """Never allowed, or given up: it counts no more."""


class RefundClaim(Model):
    """Money that is to be paid back, and why. Units, amounts and shipping may be combined."""

    request_id: str = Field(min_length=1)
    """Idempotency key, unique within the installation: the same claim again gets the same answer."""
    order_key: OrderKey
    reason: RefundReason
    units: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units given back or given up."""
    amounts: dict[str, Money] = Field(default_factory=dict)
    """Channel line id -> what the buyer gets back of the line's price, tax included (goodwill, a price match)."""
    shipping: bool = False
    """True: the units' share of shipping and other charges too; alone, all that is left of them."""
    return_id: str = ""
    """The return that the units came back with; they are paid back only once they are counted there."""
    exchange: bool = False
    """True when the buyer gets other goods for the units; only what they are worth more than those is paid."""
    exchanged: dict[str, Money] = Field(default_factory=dict)
    """Of an exchange, channel line id -> what the other goods cost; as much as the units where nothing is said."""
    paid: bool = False
    """True when the channel has paid it itself already: only the books follow."""
    actor: str = "operator"
    note: str = ""


class RefundedLine(Model):
    """What of an order line is paid back."""

    line_id: str
    units: int = 0
    goods: Worth
    beside: Worth
    """Shipping and other charges."""
    exchanged: bool = False
    """True when it is not paid, because the buyer gets other goods for it."""

    @property
    def total(self) -> Money:
        return self.goods.total + self.beside.total


class Refund(Model):
    """A claim as the ledger of refunds holds it."""

    claim: RefundClaim
    state: RefundState
    lines: tuple[RefundedLine, ...] = ()
    total: Money
    """What counts against what was paid: money, and what other goods were given for."""
    refused: str = ""
    """Why it was refused, or given up."""

    @property
    def paid_lines(self) -> tuple[RefundedLine, ...]:
        """All but what the buyer gets other goods for."""
        return tuple(line for line in self.lines if not line.exchanged)

    @property
    def paid(self) -> Money:
        """What the buyer gets back in money."""
        return Money.total((line.total for line in self.paid_lines), self.total.currency)

    @property
    def receivable(self) -> Money:
        """What the seller bears of the money: all but the tax that the channel remits."""
        return self.paid - Money.total((_channel_tax(line) for line in self.paid_lines), self.total.currency)

    @property
    def seller_tax(self) -> Money:
        """The seller's tax in the money that is paid back."""
        taxes = (line.goods.seller_tax + line.beside.seller_tax for line in self.paid_lines)
        return Money.total(taxes, self.total.currency)


class TaxRefund(Model):
    """The seller's tax of a refund, to be taken back from the tax engine's books."""

    refund_id: str
    """Unique: the code of the transaction."""
    order: Order
    lines: tuple[RefundedLine, ...]
    at: Moment


def channel_lines(lines: Iterable[RefundedLine]) -> tuple[RefundLine, ...]:
    """The same money as the channel is told it."""
    return tuple(
        RefundLine(
            line_id=line.line_id,
            quantity=line.units,
            goods=line.goods.price,
            tax=line.goods.added or None,
            shipping=line.beside.price or None,
            shipping_tax=line.beside.added or None,
            channel_tax=line.goods.added_channel or None,
            channel_shipping_tax=line.beside.added_channel or None,
        )
        for line in lines
    )


def credit_lines(lines: Iterable[RefundedLine]) -> tuple[CreditNoteLine, ...]:
    """The same money as the ERP books it."""
    return tuple(
        CreditNoteLine(
            line_id=line.line_id,
            quantity=line.units,
            goods=line.goods.net,
            shipping=line.beside.net,
            seller_tax=line.goods.seller_tax + line.beside.seller_tax,
            channel_tax=_channel_tax(line),
        )
        for line in lines
    )


def _channel_tax(line: RefundedLine) -> Money:
    return line.goods.channel_tax + line.beside.channel_tax
