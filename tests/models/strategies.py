"""What hypothesis draws: money of every kind of currency, and orders whose total is added up beside the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from models.money import Money
from models.order import Charge, ChargeKind, Discount, Funder, Order, OrderLine, Remitter, Tax
from tests.models.examples import ORDER

DECIMALS = {"JPY": 0, "ISK": 0, "EUR": 2, "USD": 2, "KWD": 3, "BHD": 3, "CLF": 4}
"""Currency -> decimals of its minor unit, spelled out here and not taken from the code under test."""

currencies = st.sampled_from(sorted(DECIMALS))


def in_units(units: int, currency: str) -> Money:
    """So many minor units as money."""
    return Money.of(Decimal(units).scaleb(-DECIMALS[currency]), currency)


def units_of(money: Money) -> int:
    """Money as a number of minor units."""
    return int(money.amount.scaleb(DECIMALS[money.currency]))


def money(currency: str, least: int = -(10**15), most: int = 10**15) -> st.SearchStrategy[Money]:
    return st.integers(least, most).map(lambda units: in_units(units, currency))


any_money = currencies.flatmap(money)


@dataclass(frozen=True)
class Sums:
    """The parts of an order's total in minor units, counted while the order was drawn."""

    goods: int = 0
    discounts: int = 0
    shipping: int = 0
    other: int = 0
    seller_tax: int = 0
    channel_tax: int = 0

    @property
    def total(self) -> int:
        return self.goods - self.discounts + self.shipping + self.other + self.seller_tax + self.channel_tax


class OrderBuilder:
    """Draws an order and keeps count."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.currency: str = draw(currencies)
        self._sums = dict.fromkeys(Sums.__dataclass_fields__, 0)

    def order(self) -> tuple[Order, Sums]:
        lines = tuple(self._line(number) for number in range(1, self._draw(st.integers(1, 4)) + 1))
        charges = tuple(self._charge() for _ in range(self._draw(st.integers(0, 3))))
        sums = Sums(**self._sums)
        changes = {"currency": self.currency, "lines": lines, "charges": charges, "total": self._of(sums.total)}
        return Order.model_validate({**dict(ORDER), **changes}), sums

    def _line(self, number: int) -> OrderLine:
        net, taxes = self._amount(), self._taxes()
        self._sums["goods"] += net
        return OrderLine(
            line_id=f"L{number}",
            sku=f"SKU-{number}",
            quantity=self._draw(st.integers(1, 9)),
            goods=self._stated(net, taxes),
            discounts=self._discounts(),
            taxes=taxes,
        )

    def _charge(self) -> Charge:
        kind: ChargeKind = self._draw(st.sampled_from(ChargeKind))
        net, taxes = self._amount(), self._taxes()
        self._sums["shipping" if kind is ChargeKind.SHIPPING else "other"] += net
        return Charge(kind=kind, amount=self._stated(net, taxes), discounts=self._discounts(), taxes=taxes)

    def _stated(self, net: int, taxes: tuple[Tax, ...]) -> Money:
        """A price as a channel states it: with the taxes that are included."""
        return self._of(net + sum(units_of(tax.amount) for tax in taxes if tax.included))

    def _taxes(self) -> tuple[Tax, ...]:
        taxes = []
        for _ in range(self._draw(st.integers(0, 2))):
            amount, remitter = self._amount(), self._draw(st.sampled_from(Remitter))
            self._sums["seller_tax" if remitter is Remitter.SELLER else "channel_tax"] += amount
            taxes.append(Tax(amount=self._of(amount), remitter=remitter, included=self._draw(st.booleans())))
        return tuple(taxes)

    def _discounts(self) -> tuple[Discount, ...]:
        amounts = self._draw(st.lists(st.integers(0, 10**6), max_size=2))
        self._sums["discounts"] += sum(amounts)
        return tuple(
            Discount(amount=self._of(amount), funded_by=self._draw(st.sampled_from(Funder))) for amount in amounts
        )

    def _amount(self) -> int:
        amount: int = self._draw(st.integers(0, 10**7))
        return amount

    def _of(self, units: int) -> Money:
        return in_units(units, self.currency)


@st.composite
def orders(draw: st.DrawFn) -> tuple[Order, Sums]:
    """An order whose stated total is right, and the sums it was made of."""
    return OrderBuilder(draw).order()
