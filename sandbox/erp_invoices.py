"""What an invoice comes to: the ordered line's share of the shipped units, so that all invoices add up to the order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from models.money import Amount, Money
from sandbox.erp_documents import Priced, SalesOrder


class Amounts(BaseModel):
    """`total = net + seller_tax`; the channel's tax is a memo, because the channel remits it."""

    net: Money
    seller_tax: Money
    channel_tax: Money

    @property
    def total(self) -> Money:
        return self.net + self.seller_tax

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            net=self.net + other.net,
            seller_tax=self.seller_tax + other.seller_tax,
            channel_tax=self.channel_tax + other.channel_tax,
        )


def invoice_amounts(order: SalesOrder, before: Mapping[str, int], after: Mapping[str, int], first: bool) -> Amounts:
    """Amounts of the units invoiced between two counts by line; the first invoice carries the order's own charges."""
    zero = Money.zero(order.currency)
    amounts = Amounts(net=zero, seller_tax=zero, channel_tax=zero)
    quantities = {line.line_reference: line.quantity for line in order.lines}
    for part in order.parts:
        line = part.line_reference
        if line in quantities:
            amounts += _share(order, part, before.get(line, 0), after.get(line, 0), quantities[line])
        elif first:
            amounts += _share(order, part, 0, 1, 1)
    return amounts


def _share(order: SalesOrder, part: Priced, before: int, after: int, whole: int) -> Amounts:
    """The part's amounts for units `before` to `after` of `whole`; the shares of all units add up exactly."""

    def share(amounts: Iterable[Amount]) -> Money:
        amount = Money.total((Money.of(each, order.currency) for each in amounts), order.currency).amount
        return Money.rounded(amount * after / whole, order.currency) - Money.rounded(
            amount * before / whole, order.currency
        )

    return Amounts(
        net=share([part.amount])
        - share(discount.amount for discount in part.discounts)
        - share(tax.amount for tax in part.taxes if tax.included),
        seller_tax=share(tax.amount for tax in part.taxes if tax.remitter == "seller"),
        channel_tax=share(tax.amount for tax in part.taxes if tax.remitter == "channel"),
    )
