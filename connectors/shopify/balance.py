"""Makes the parts of an order add up to its total, using only amounts that the order itself states.

Shopify states some amounts for the order alone: taxes of an order whose lines have none, discounts that were not
allocated, shipping without shipping lines, cash rounding. Such an amount is taken in only where the total proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import combinations

from connectors.shopify.amounts import amount_at, money_at, money_or_zero, optional_money
from connectors.shopify.node import Node
from connectors.shopify.parts import Parts, PartsReader, is_tip, sold_lines
from models.money import Money
from models.order import Charge, ChargeKind, Discount, OrderLine, Remitter, Tax

Step = Callable[[Parts], Parts]


class Balance:
    """Raises `SchemaDrift` (`totals_differ`) when no reading of the order explains its total."""

    def __init__(self, order: Node, currency: str) -> None:
        self._order = order
        self._currency = currency
        self._reader = PartsReader(order, currency)
        self.total = money_at(order, "total_price", currency=currency)

    def parts(self) -> Parts:
        stated = self._reader.read()
        if self._order.at("taxes_included").flag():
            stated = self._with_order_taxes(stated)
        for candidate in self._readings(stated):
            if candidate.sum == self.total:
                return candidate
        raise self._differs(self._with_order_taxes(stated))

    def _readings(self, stated: Parts) -> Iterator[Parts]:
        """As stated; then with one order-level amount more, then with two …"""
        steps = (self._with_order_taxes, self._with_order_discounts, self._with_shipping_total, self._with_rounding)
        for count in range(len(steps) + 1):
            for chosen in combinations(steps, count):
                yield _applied(stated, chosen)

    def _with_order_taxes(self, parts: Parts) -> Parts:
        """Spread what the order's taxes exceed its parts' taxes over the lines."""
        for tax in self._order_taxes():
            missing = tax.amount - parts.taxes(tax.remitter)
            if missing.amount > 0 and parts.lines:
                parts = _spread_tax(parts, tax.model_copy(update={"amount": missing}))
        return parts

    def _order_taxes(self) -> list[Tax]:
        """The order's taxes, one a remitter: with name and rate where there is only one."""
        stated = self._reader.taxes(self._order)
        total = optional_money(self._order, "total_tax", currency=self._currency)
        if not stated and total and total.amount > 0:
            included = self._order.at("taxes_included").flag()
            stated = (Tax(amount=total, remitter=Remitter.SELLER, included=included),)
        groups = ([tax for tax in stated if tax.remitter is remitter] for remitter in Remitter)
        return [_merged(group, self._currency) for group in groups if group]

    def _with_order_discounts(self, parts: Parts) -> Parts:
        """Take in what the order's discount total exceeds the allocations: by line where lines say so, else spread."""
        own = self._line_discounts(parts)
        known = Money.total(own.values(), self._currency)
        stated = optional_money(self._order, "total_discounts", currency=self._currency)
        missing = known if stated is None else stated - parts.discounts
        if missing.amount <= 0 or not parts.lines:
            return parts
        if known == missing:
            shares = [own.get(line.line_id, Money.zero(self._currency)) for line in parts.lines]
        else:
            shares = missing.allocate(_weights(parts.lines))
        lines = [_discounted(line, share) for line, share in zip(parts.lines, shares, strict=True)]
        return Parts(tuple(lines), parts.charges, self._currency)

    def _line_discounts(self, parts: Parts) -> dict[str, Money]:
        """Line id -> its `total_discount`, for lines without allocations (with them it is the same money again)."""
        bare = {line.line_id for line in parts.lines if not line.discounts}
        lines = {line.at("id").identity(): line for line in sold_lines(self._order) if not is_tip(line)}
        return {
            name: money_or_zero(lines[name], "total_discount", currency=self._currency)
            for name in sorted(bare & lines.keys())
        }

    def _with_shipping_total(self, parts: Parts) -> Parts:
        if any(charge.kind is ChargeKind.SHIPPING for charge in parts.charges):
            return parts
        return self._with_charge(parts, ChargeKind.SHIPPING, "total_shipping_price")

    def _with_rounding(self, parts: Parts) -> Parts:
        if self._order.camel:
            adjustment = self._order.at("total_cash_rounding_adjustment")
            return self._with_charge(parts, ChargeKind.ROUNDING, "payment", adjustment)
        return self._with_charge(parts, ChargeKind.ROUNDING, "total_cash_rounding_payment_adjustment")

    def _with_charge(self, parts: Parts, kind: ChargeKind, name: str, node: Node | None = None) -> Parts:
        amount = money_or_zero(node or self._order, name, currency=self._currency)
        if not amount:
            return parts
        charge = Charge(kind=kind, amount=amount, label=name.replace("_", " "))
        return Parts(parts.lines, (*parts.charges, charge), self._currency)

    def _differs(self, stated: Parts) -> Exception:
        found = amount_at(self._order, "total_price")
        found.value = f"stated {self.total}, computed {stated.sum}"
        goods = Money.total((line.goods for line in stated.lines), self._currency)
        charges = Money.total((charge.amount for charge in stated.charges), self._currency)
        taxes = stated.taxes(Remitter.SELLER) + stated.taxes(Remitter.CHANNEL)
        return found.drift(
            "totals_differ",
            f"Goods {goods} - discounts {stated.discounts} + charges {charges} with taxes {taxes} give {stated.sum}; "
            f"the total differs by {self.total - stated.sum}. Read the order again from Shopify.",
        )


def _applied(parts: Parts, steps: tuple[Step, ...]) -> Parts:
    for step in steps:
        parts = step(parts)
    return parts


def _merged(taxes: list[Tax], currency: str) -> Tax:
    amount = Money.total((tax.amount for tax in taxes), currency)
    if len(taxes) == 1:
        return taxes[0]
    names = " + ".join(tax.jurisdiction for tax in taxes if tax.jurisdiction)
    return taxes[0].model_copy(update={"amount": amount, "rate": None, "jurisdiction": names or None})


def _weights(lines: tuple[OrderLine, ...]) -> list[Decimal]:
    """What each line costs after discounts; equal shares when nothing costs anything."""
    net = [line.goods.amount - sum((d.amount.amount for d in line.discounts), Decimal(0)) for line in lines]
    positive = [max(weight, Decimal(0)) for weight in net]
    return positive if any(positive) else [Decimal(1)] * len(lines)


def _spread_tax(parts: Parts, tax: Tax) -> Parts:
    shares = tax.amount.allocate(_weights(parts.lines))
    lines = [
        line.model_copy(update={"taxes": (*line.taxes, tax.model_copy(update={"amount": share}))}) if share else line
        for line, share in zip(parts.lines, shares, strict=True)
    ]
    return Parts(tuple(lines), parts.charges, parts.currency)


def _discounted(line: OrderLine, amount: Money) -> OrderLine:
    return line.model_copy(update={"discounts": (*line.discounts, Discount(amount=amount))}) if amount else line
