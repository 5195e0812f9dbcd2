"""What the channel owes for an order of which units are cancelled: exact shares, in whatever order it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.money import Money
from models.order import Discount, Order, OrderLine, Remitter, Tax


def cancelled_value(order: Order, cancelled: Mapping[str, int]) -> Money:
    """What the buyer does not pay the seller for these units: goods, shipping of the line and the seller's tax.

    Units that the channel had cancelled before are not in the order's total any more, and not among these.

    A line's last units are the ones that are cancelled, so that one cancellation of three units and three of one come
    to the same. When nothing of the order is left, its charges as a whole go as well.
    """
    lines = {line.line_id: line for line in order.lines}
    if all(cancelled.get(name, 0) >= line.quantity - line.cancelled for name, line in lines.items()):
        return order.receivable
    shares = (_share(order, lines[name], units) for name, units in cancelled.items() if units)
    return Money.total(shares, order.currency)


def receivable(order: Order, cancelled: Mapping[str, int]) -> Money:
    """What the channel owes the seller, before fees and refunds, when these units (line id -> units) are cancelled."""
    return order.receivable - cancelled_value(order, cancelled)


def _share(order: Order, line: OrderLine, units: int) -> Money:
    return Money.total(_line_value(order, line).allocate([1] * line.quantity)[-units:], order.currency)


def _line_value(order: Order, line: OrderLine) -> Money:
    """All that the seller gets for a line; what the channel remits of an included tax is not the seller's."""
    charges = [charge for charge in order.charges if charge.line_id == line.line_id]
    value = line.goods + _beside(order, line.discounts, line.taxes)
    for charge in charges:
        value += charge.amount + _beside(order, charge.discounts, charge.taxes)
    return value


def _beside(order: Order, discounts: Sequence[Discount], taxes: Sequence[Tax]) -> Money:
    """What discounts and taxes add to a stated amount, or take off it."""
    off = Money.total((discount.amount for discount in discounts), order.currency)
    for tax in taxes:
        if tax.included and tax.remitter is Remitter.CHANNEL:
            off += tax.amount
        elif not tax.included and tax.remitter is Remitter.SELLER:
            off -= tax.amount
    return -off
