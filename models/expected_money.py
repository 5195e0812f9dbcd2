"""What an order is to bring, part by part, so that a settlement's lines can be matched against it.

The sum is `models.expected.receivable`: of the canonical order, less the units that were cancelled since it is known.
What the buyer gets back is expected as a refund.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from models.base import Model, Moment
from models.expected import receivable
from models.money import Currency, Money
from models.order import Charge, ChargeKind, Order, OrderKey, OrderLine, Remitter
from models.returns import ChannelReturn, ReturnState

CAME_BACK = frozenset({ReturnState.RECEIVED, ReturnState.CLOSED})


class ExpectedRefund(Model):
    """Money that goes back to the buyer, and is therefore taken off a settlement."""

    refund_id: str
    total: Money
    """Positive: what the buyer gets."""
    receivable: Money
    """Of that, what the seller bears: without the tax that the channel remits."""
    at: Moment | None = None


class ExpectedGoods(Model):
    """An order line's price, without the taxes it may include, and its units."""

    line_id: str
    amount: Money
    units: int


class ExpectedMoney(Model):
    """What settlements are to pay for an order before the channel's costs. Costs are the channel's contract's."""

    order_key: OrderKey
    currency: Currency
    goods: tuple[ExpectedGoods, ...]
    shipping: Money
    other: Money
    """Gift wrap and whatever else the buyer pays beside goods and shipping."""
    promotion: Money
    """Negative or zero."""
    seller_tax: Money
    channel_tax: Money
    """Collected by the channel and remitted by it: shown as a pair that nets to nothing, or not at all."""
    refunds: tuple[ExpectedRefund, ...] = ()
    left_at: Moment | None = None
    """When the goods left; until then no money is due."""

    @property
    def receivable(self) -> Money:
        goods = Money.total((each.amount for each in self.goods), self.currency)
        return goods + self.shipping + self.other + self.promotion + self.seller_tax

    def due(self, window_days: int) -> Moment | None:
        return self.left_at + timedelta(days=window_days) if self.left_at else None


def expected_money(
    order: Order,
    *,
    cancelled: Mapping[str, int] | None = None,
    left_at: Moment | None = None,
    returns: Sequence[ChannelReturn] = (),
    refunds: Sequence[ExpectedRefund] = (),
) -> ExpectedMoney:
    """`cancelled`: line id -> units that were cancelled since the order is known. `refunds`: of our own ledger."""
    parts = _Parts(order, {name: units for name, units in (cancelled or {}).items() if units > 0})
    found = ExpectedMoney(
        order_key=order.key,
        currency=order.currency,
        goods=parts.goods,
        shipping=parts.charged({ChargeKind.SHIPPING}),
        other=parts.charged(set(ChargeKind) - {ChargeKind.SHIPPING}),
        promotion=-parts.discounts,
        seller_tax=parts.taxes(Remitter.SELLER),
        channel_tax=parts.taxes(Remitter.CHANNEL),
        refunds=_refunds(order, returns, refunds),
        left_at=left_at or _left_at(order),
    )
    return _to_the_cent(found, receivable(order, parts.cancelled))


def _to_the_cent(found: ExpectedMoney, total: Money) -> ExpectedMoney:
    """Shares that are rounded one by one may miss the rounded whole by cents: they belong to the goods."""
    off = total - found.receivable
    place = next((i for i, each in enumerate(found.goods) if each.units), None)
    if not off or place is None:
        return found
    goods = list(found.goods)
    goods[place] = goods[place].model_copy(update={"amount": goods[place].amount + off})
    return found.model_copy(update={"goods": tuple(goods)})


class _Parts:
    """The order without its cancelled units: of each amount of a line the share of the units that are left."""

    def __init__(self, order: Order, cancelled: Mapping[str, int]) -> None:
        self._order = order
        self.cancelled = cancelled
        self._lines = {line.line_id: line for line in order.lines}
        self._none_left = not any(self._left(line) for line in order.lines)

    def _left(self, line: OrderLine) -> int:
        return max(line.quantity - line.cancelled - self.cancelled.get(line.line_id, 0), 0)

    def _share(self, amount: Money, line_id: str | None) -> Money:
        """Charges of the order as a whole stay until nothing of it is left."""
        if self._none_left and self.cancelled:
            return Money.zero(amount.currency)
        gone = self.cancelled.get(line_id or "", 0)
        if not gone or line_id not in self._lines:
            return amount
        units = amount.allocate([1] * self._lines[line_id].quantity)
        return Money.total(units[: len(units) - gone], amount.currency)

    def _sum(self, amounts: Iterable[tuple[Money, str | None]]) -> Money:
        return Money.total((self._share(amount, line_id) for amount, line_id in amounts), self._order.currency)

    @property
    def goods(self) -> tuple[ExpectedGoods, ...]:
        return tuple(
            ExpectedGoods(
                line_id=line.line_id,
                amount=self._share(_net(line, line.goods), line.line_id),
                units=self._left(line),
            )
            for line in self._order.lines
        )

    def charged(self, kinds: Collection[ChargeKind]) -> Money:
        chosen = (charge for charge in self._order.charges if charge.kind in kinds)
        return self._sum((_net(charge, charge.amount), charge.line_id) for charge in chosen)

    @property
    def discounts(self) -> Money:
        return self._sum((each.amount, part.line_id) for part in self._all for each in part.discounts)

    def taxes(self, remitter: Remitter) -> Money:
        return self._sum((t.amount, part.line_id) for part in self._all for t in part.taxes if t.remitter is remitter)

    @property
    def _all(self) -> tuple[OrderLine | Charge, ...]:
        return (*self._order.lines, *self._order.charges)


def _net(part: OrderLine | Charge, amount: Money) -> Money:
    """Without the taxes that it includes."""
    return amount - Money.total((tax.amount for tax in part.taxes if tax.included), amount.currency)


def _left_at(order: Order) -> Moment | None:
    return max((parcel.shipped_at for parcel in order.parcels if parcel.shipped_at), default=None)


def _refunds(
    order: Order, returns: Sequence[ChannelReturn], own: Sequence[ExpectedRefund]
) -> tuple[ExpectedRefund, ...]:
    """Those of our own ledger, and what the channel states beyond them: it numbers the same refund otherwise."""
    stated = [_stated(order, refund.refund_id, refund.amount, refund.at) for refund in order.refunds]
    if not own:
        return tuple(stated) or tuple(_of_returns(order, returns))
    beyond = Money.total((each.total for each in stated), order.currency)
    beyond -= Money.total((each.total for each in own), order.currency)
    if beyond.amount <= 0:
        return tuple(own)
    last = max((each.at for each in stated if each.at), default=None)
    return (*own, _stated(order, "stated by the channel alone", beyond, last))


def _stated(order: Order, refund_id: str, total: Money, at: Moment | None) -> ExpectedRefund:
    receivable = total - _channel_tax_of(order, total)
    return ExpectedRefund(refund_id=refund_id, total=total, receivable=receivable, at=at)


def _of_returns(order: Order, returns: Iterable[ChannelReturn]) -> Iterable[ExpectedRefund]:
    """Goods came back and no refund is known at all: their price is expected to go back."""
    lines = {line.line_id: line for line in order.lines}
    for each in returns:
        if each.state in CAME_BACK:
            parts = [_price(lines[r.line_id], r.quantity) for r in each.lines if r.line_id in lines]
            total = each.refunded or Money.total(parts, order.currency)
            if total:
                receivable = total - _channel_tax_of(order, total)
                yield ExpectedRefund(refund_id=each.return_id, total=total, receivable=receivable, at=each.version)


def _price(line: OrderLine, units: int) -> Money:
    """What the buyer paid for units of a line, with its taxes."""
    added = Money.total((tax.amount for tax in line.taxes if not tax.included), line.goods.currency)
    off = Money.total((discount.amount for discount in line.discounts), line.goods.currency)
    units = min(units, line.quantity)
    return (line.goods + added - off).allocate([units, line.quantity - units])[0]


def _channel_tax_of(order: Order, amount: Money) -> Money:
    """The part of a refund that the channel bears, by its share of the order's total."""
    tax, total = order.totals.channel_tax, order.total
    if not tax or not total:
        return Money.zero(order.currency)
    return Money.rounded(tax.amount * amount.amount / total.amount, order.currency)
