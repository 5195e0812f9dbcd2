"""The way of adding up that gives an order's stated total.

`total_price` is price and shipping of the lines and, says the contract, their fees. Operators differ in whether fees
and refused lines really count, so that each way is tried. Taxes come on top where `order_tax_mode` is TAX_EXCLUDED.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from connectors.errors import SchemaDrift
from connectors.mirakl.lines import Line
from connectors.mirakl.node import Node
from models.money import Money
from models.order import Charge, ChargeKind, OrderLine, Remitter, Tax


@dataclass(frozen=True)
class Added:
    """An order's lines and charges that add up to its total."""

    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...]
    total: Money
    fees_outside: Money
    """Fees that lines state and the total leaves out."""


def add_up(node: Node, lines: Sequence[Line], currency: str) -> Added:
    """Raises `SchemaDrift` (`totals_differ`) when no way of adding gives the stated total."""
    stated = node["total_price"].money(currency)
    for dead_count, fees_count in product((False, True), (True, False)):
        way = _Way(node, currency, [line for line in lines if dead_count or not line.dead], fees_count)
        if way.sum == stated:
            return way.added(lines, stated)
    raise _differs(_Way(node, currency, list(lines), fees_count=True), stated)


@dataclass(frozen=True)
class _Way:
    node: Node
    currency: str
    counted: list[Line]
    """The lines whose prices count: without refused and cancelled ones, or all."""
    fees_count: bool

    @property
    def sum(self) -> Money:
        parts = [part for line in self.counted for part in (line.price, line.shipping)]
        fees = [line.fee_total for line in self.counted] if self.fees_count else []
        return Money.total([*parts, *fees, self._shipping_of_no_line()], self.currency)

    def added(self, lines: Sequence[Line], stated: Money) -> Added:
        charges = [charge for line in self.counted for charge in line.charges(with_fees=self.fees_count)]
        charges += self._order_charges()
        taxes = [tax for line in self.counted for tax in line.taxes]
        taxes += [tax for charge in charges for tax in charge.taxes]
        on_top = Money.total((tax.amount for tax in taxes if not tax.included), self.currency)
        fees = [] if self.fees_count else [line.fee_total for line in self.counted]
        return Added(
            lines=tuple(line.canonical(counted=line in self.counted) for line in lines),
            charges=tuple(charges),
            total=stated + on_top + self._given_back(),
            fees_outside=Money.total(fees, self.currency),
        )

    def _given_back(self) -> Money:
        names = ("amount", "shipping_amount")
        return Money.total((line.given_back(name) for line in self.counted for name in names), self.currency)

    def _shipping_of_no_line(self) -> Money:
        """Shipping that the order states and none of its lines does."""
        if not self.counted or any(line.node["shipping_price"] for line in self.counted):
            return Money.zero(self.currency)
        return self.node["shipping_price"].money_or_none(self.currency)

    def _order_charges(self) -> Iterator[Charge]:
        if shipping := self._shipping_of_no_line():
            yield Charge(kind=ChargeKind.SHIPPING, amount=shipping)
        if taxes := self._taxes_of_no_line():
            yield Charge(kind=ChargeKind.OTHER, amount=Money.zero(self.currency), label="order_taxes", taxes=taxes)

    def _taxes_of_no_line(self) -> tuple[Tax, ...]:
        """What the operator computes for the order as a whole, where the lines carry no tax."""
        if not self.counted or self.counted[0].included or any(line.tax_total for line in self.counted):
            return ()
        stated = [
            (tax["total_amount"].money(self.currency), tax["code"].text()) for tax in self.node["order_taxes"].each()
        ]
        return tuple(
            Tax(amount=amount, remitter=Remitter.SELLER, jurisdiction=code or None) for amount, code in stated if amount
        )


def _differs(way: _Way, stated: Money) -> SchemaDrift:
    parts = " + ".join(
        f"({line.price.amount} + {line.shipping.amount} + {line.fee_total.amount})" for line in way.counted
    )
    remedy = f"Price, shipping and fees of the lines are {parts}. Compare the order in the operator's back office."
    path = way.node["total_price"].path
    return SchemaDrift("totals_differ", path, f"stated {stated}, computed {way.sum}", remedy)
