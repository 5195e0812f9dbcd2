"""What the buyer paid for something, in the parts that books keep apart, and exact shares of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from models.base import Model
from models.money import Money
from models.order import Charge, ChargeKind, Order, OrderLine, Remitter, Tax


class Worth(Model):
    """No part is negative, and every share that is taken leaves none negative."""

    net: Money
    """Price after discounts, without the tax it may include."""
    included_seller: Money
    included_channel: Money
    added_seller: Money
    """Tax that came on top of the price."""
    added_channel: Money

    @classmethod
    def nothing(cls, currency: str) -> Worth:
        zero = Money.zero(currency)
        return cls(net=zero, included_seller=zero, included_channel=zero, added_seller=zero, added_channel=zero)

    @property
    def price(self) -> Money:
        """As the channel states it: with included tax."""
        return self.net + self.included_seller + self.included_channel

    @property
    def added(self) -> Money:
        return self.added_seller + self.added_channel

    @property
    def seller_tax(self) -> Money:
        return self.included_seller + self.added_seller

    @property
    def channel_tax(self) -> Money:
        return self.included_channel + self.added_channel

    @property
    def total(self) -> Money:
        return self.price + self.added

    def __add__(self, other: Worth) -> Worth:
        return Worth(**{name: getattr(self, name) + getattr(other, name) for name in Worth.model_fields})

    def __sub__(self, other: Worth) -> Worth:
        """What is left; a part that others have taken more of than there was is nothing."""
        currency = self.net.currency
        left = {name: getattr(self, name) - getattr(other, name) for name in Worth.model_fields}
        return Worth(**{name: part if part.amount > 0 else Money.zero(currency) for name, part in left.items()})

    def of_units(self, units: int, of: int) -> Worth:
        """The share of some of `of` equal units; taken one after the other from what is left, they are the whole.

        The price and the tax within it are rounded the same way, so that no unit has more tax than price.
        """
        price = _share(self.price, units, of)
        included = _share(self.included_seller + self.included_channel, units, of)
        seller = _share(self.included_seller, units, of)
        return Worth(
            net=price - included,
            included_seller=seller,
            included_channel=included - seller,
            added_seller=_share(self.added_seller, units, of),
            added_channel=_share(self.added_channel, units, of),
        )

    def of_amount(self, amount: Money) -> Worth:
        """The parts of an amount out of this, tax in proportion. Raises `MoneyError` when there is nothing."""
        parts = [getattr(self, name) for name in Worth.model_fields]
        shares = amount.allocate([part.amount for part in parts])
        return Worth(**dict(zip(Worth.model_fields, shares, strict=True)))


class LineWorth(Model):
    """An order line: its goods, and its share of shipping and the order's other charges."""

    goods: Worth
    beside: Worth

    @property
    def total(self) -> Money:
        return self.goods.total + self.beside.total


def worth_of(order: Order) -> dict[str, LineWorth]:
    """Channel line id -> what was paid for it. All lines together are the order's total, to the minor unit."""
    goods = [_of_part(line, order.currency) for line in order.lines]
    beside = [Worth.nothing(order.currency) for _ in order.lines]
    rounding = Money.zero(order.currency)
    for charge in order.charges:
        if charge.kind is ChargeKind.ROUNDING:
            rounding += _of_rounding(charge)
            continue
        for number, share in enumerate(_over_lines(_of_part(charge, order.currency), charge, order, goods)):
            beside[number] += share
    goods = _rounded(goods, rounding)
    return {
        line.line_id: LineWorth(goods=own, beside=more)
        for line, own, more in zip(order.lines, goods, beside, strict=True)
    }


def _of_part(part: OrderLine | Charge, currency: str) -> Worth:
    stated = part.goods if isinstance(part, OrderLine) else part.amount
    price = stated - Money.total((discount.amount for discount in part.discounts), currency)
    # A discount that the channel pays may leave less than the tax on the full price: the buyer paid the rest only.
    seller = _least(_tax(part.taxes, Remitter.SELLER, currency, included=True), price)
    channel = _least(_tax(part.taxes, Remitter.CHANNEL, currency, included=True), price - seller)
    return Worth(
        net=price - seller - channel,
        included_seller=seller,
        included_channel=channel,
        added_seller=_tax(part.taxes, Remitter.SELLER, currency, included=False),
        added_channel=_tax(part.taxes, Remitter.CHANNEL, currency, included=False),
    )


def _of_rounding(charge: Charge) -> Money:
    return charge.amount - Money.total((discount.amount for discount in charge.discounts), charge.amount.currency)


def _rounded(goods: Sequence[Worth], rounding: Money) -> list[Worth]:
    """Rounding of the total, which may be negative, is part of the goods' price."""
    weights = [worth.net.amount for worth in goods]
    if not rounding or not any(weights):
        return list(goods)
    shares = rounding.allocate(weights)
    return [worth.model_copy(update={"net": worth.net + share}) for worth, share in zip(goods, shares, strict=True)]


def _over_lines(worth: Worth, charge: Charge, order: Order, goods: Sequence[Worth]) -> list[Worth]:
    """A charge of the order as a whole belongs to its lines in the proportion of their price."""
    if charge.line_id is not None and any(line.line_id == charge.line_id for line in order.lines):
        nothing = Worth.nothing(order.currency)
        return [worth if line.line_id == charge.line_id else nothing for line in order.lines]
    prices = [each.price.amount for each in goods]
    weights = prices if any(prices) else [Decimal(line.quantity) for line in order.lines]
    shares: list[Worth] = []
    left = worth
    for amount in worth.total.allocate(weights):
        shares.append(left.of_amount(amount) if amount else Worth.nothing(order.currency))
        left -= shares[-1]
    return shares


def _tax(taxes: Sequence[Tax], remitter: Remitter, currency: str, *, included: bool) -> Money:
    found = (tax.amount for tax in taxes if tax.remitter is remitter and tax.included is included)
    return Money.total(found, currency)


def _least(amount: Money, limit: Money) -> Money:
    return amount if amount.amount <= limit.amount else limit


def _share(amount: Money, units: int, of: int) -> Money:
    """To the nearest minor unit, as channels work it out; half goes to the units that are taken."""
    return amount.allocate([units, of - units])[0]
