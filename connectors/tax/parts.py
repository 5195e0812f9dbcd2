"""What of an order is taxed: each line and charge, its taxable amount, and the taxes that say who remits."""

from __future__ import annotations

from models.money import Money
from models.order import Charge, Funder, Order, OrderLine, Tax

Part = OrderLine | Charge


def parts(order: Order) -> tuple[Part, ...]:
    return (*order.lines, *order.charges)


def taxes_of(order: Order, part: Part) -> tuple[Tax, ...]:
    """A part without a tax of its own goes with the order: exempt goods on a facilitator's order are the channel's."""
    return part.taxes or tuple(tax for each in parts(order) for tax in each.taxes)


def taxable_amount(order: Order, part: Part) -> Money:
    """What a channel pays for a discount is still part of the price that is taxed; what the seller gives is not."""
    stated = part.goods if isinstance(part, OrderLine) else part.amount
    given = (discount.amount for discount in part.discounts if discount.funded_by is Funder.SELLER)
    return stated - Money.total(given, order.currency)
