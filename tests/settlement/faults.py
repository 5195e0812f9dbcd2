"""Orders with their money, and settlements of them with faults planted at known places."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from models.expected_money import ExpectedMoney, ExpectedRefund, expected_money
from models.matching import Fault
from models.money import Money
from models.order import ChannelState, Charge, ChargeKind, Discount, Order, OrderKey, OrderLine, Remitter, Tax
from models.settlement import LineType, SettlementLine
from models.settlement_rules import Contract, LabelRule, RuleSet

SHIPPED = datetime(2026, 6, 10, 12, tzinfo=UTC)
PAID = SHIPPED + timedelta(days=10)
CLOSED = SHIPPED + timedelta(days=90)
RATE = Decimal("0.15")
RULES = RuleSet(
    channel="amazon",
    version=1,
    rules=(LabelRule(patterns=("x",), type=LineType.GOODS),),
    tolerance={LineType.COMMISSION: Decimal("0.01")},
    contract=Contract(commission_rate=RATE),
)


@dataclass
class Sold:
    """An order and its lines in the settlement; `fault` is what was planted in it."""

    order: Order
    lines: list[SettlementLine] = field(default_factory=list)
    fault: Fault | None = None
    refunds: list[ExpectedRefund] = field(default_factory=list)

    @property
    def expected(self) -> ExpectedMoney:
        return expected_money(self.order, left_at=SHIPPED, refunds=self.refunds)

    def add(self, kind: LineType, amount: Decimal | str, label: str = "", **more: Any) -> None:
        values = {"posted_at": PAID, "order_id": self.order.key.external_id, **more}
        line = {"number": 1, "type": kind, "label": label or kind.value, "amount": euros(amount), **values}
        self.lines.append(SettlementLine.model_validate(line))

    def first(self, kind: LineType) -> int:
        return next(place for place, line in enumerate(self.lines) if line.type is kind)

    def change(self, kind: LineType, by: Decimal) -> None:
        place = self.first(kind)
        line = self.lines[place]
        self.lines[place] = line.model_copy(update={"amount": line.amount + euros(by)})


def euros(amount: Decimal | str) -> Money:
    return Money.of(amount, "EUR")


def sold(number: int, chance: random.Random) -> Sold:
    """An order as the channel pays it when nothing is wrong."""
    remitter = chance.choice(list(Remitter))
    lines = tuple(_line(place, remitter, chance) for place in range(1, chance.randint(2, 3)))
    ship = euros("4.90") if chance.random() < 0.7 else euros("0")
    charges = (Charge(kind=ChargeKind.SHIPPING, amount=ship),) if ship else ()
    goods = Money.total((line.goods for line in lines), "EUR")
    off = Money.total((d.amount for line in lines for d in line.discounts), "EUR")
    tax = Money.total((t.amount for line in lines for t in line.taxes), "EUR")
    order = Order(
        key=OrderKey(channel="amazon", account="EU", external_id=f"302-{number}"),
        purchased_at=SHIPPED - timedelta(days=1),
        version=SHIPPED,
        state=ChannelState.SHIPPED,
        currency="EUR",
        lines=lines,
        charges=charges,
        total=goods - off + tax + ship,
    )
    paid = Sold(order)
    _pay(paid, remitter, ship, chance)
    return paid


def _line(place: int, remitter: Remitter, chance: random.Random) -> OrderLine:
    units = chance.randint(1, 3)
    goods = euros(Decimal(chance.randint(500, 20_000)) / 100) * units
    off = (Discount(amount=euros("1.00")),) if chance.random() < 0.3 else ()
    tax = Money.rounded(goods.amount * Decimal("0.19"), "EUR")
    taxes = (Tax(amount=tax, remitter=remitter),)
    return OrderLine(line_id=f"L{place}", sku=f"S{place}", quantity=units, goods=goods, discounts=off, taxes=taxes)


def _pay(paid: Sold, remitter: Remitter, ship: Money, chance: random.Random) -> None:
    base = ship.amount
    shown = remitter is Remitter.SELLER or chance.random() < 0.5
    for line in paid.order.lines:
        more: dict[str, Any] = {"line_id": line.line_id, "sku": line.sku, "quantity": line.quantity}
        paid.add(LineType.GOODS, line.goods.amount, **more)
        if shown:
            paid.add(LineType.TAX, line.taxes[0].amount.amount, **more)
        if shown and remitter is Remitter.CHANNEL:
            paid.add(LineType.TAX_WITHHELD, -line.taxes[0].amount.amount, **more)
        for discount in line.discounts:
            paid.add(LineType.PROMOTION, -discount.amount.amount, **more)
        base += line.goods.amount - sum(d.amount.amount for d in line.discounts)
    if ship:
        paid.add(LineType.SHIPPING, ship.amount)
    paid.add(LineType.COMMISSION, -Money.rounded(base * RATE, "EUR").amount)
    paid.add(LineType.FEE, "-3.20", "FBAPerUnitFulfillmentFee")


def _duplicate(paid: Sold) -> None:
    paid.lines.append(paid.lines[paid.first(LineType.GOODS)])


def _missing(paid: Sold) -> None:
    del paid.lines[paid.first(LineType.GOODS)]
    paid.lines = [line for line in paid.lines if line.type is not LineType.COMMISSION]


def _late(paid: Sold) -> None:
    late = SHIPPED + timedelta(days=RULES.window_days + 1)
    paid.lines = [line.model_copy(update={"posted_at": late}) for line in paid.lines]


def _return_without_refund(paid: Sold) -> None:
    back = paid.order.lines[0].goods
    paid.refunds.append(ExpectedRefund(refund_id="R-1", total=back, receivable=back, at=PAID))


def _short(paid: Sold) -> None:
    paid.change(LineType.GOODS, Decimal("-1.37"))
    paid.change(LineType.COMMISSION, Money.rounded(Decimal("1.37") * RATE, "EUR").amount)


def _over(paid: Sold) -> None:
    paid.change(LineType.GOODS, Decimal("2.41"))


PLANT: dict[Fault, Callable[[Sold], None]] = {
    Fault.SHORT_PAID: _short,
    Fault.OVER_PAID: _over,
    Fault.MISSING: _missing,
    Fault.DUPLICATE: _duplicate,
    Fault.FEE_DIFFERS: lambda paid: paid.change(LineType.COMMISSION, Decimal("-0.55")),
    Fault.REFUND_WITHOUT_RETURN: lambda paid: paid.add(LineType.REFUND, "-7.77", "Refund / ItemPrice / Principal"),
    Fault.RETURN_WITHOUT_REFUND: _return_without_refund,
    Fault.RESERVE: lambda paid: paid.add(LineType.RESERVE, "-12.00", "Current Reserve Amount"),
    Fault.LATE: _late,
    Fault.UNKNOWN_LABEL: lambda paid: paid.add(LineType.UNKNOWN, "-0.42", "MoonPhaseLevy"),
}


def settlement(lines: int, share: float, seed: int) -> list[Sold]:
    """Orders with about so many lines, of which `share` has each kind of fault, at random places."""
    chance = random.Random(seed)
    made: list[Sold] = []
    while sum(len(each.lines) for each in made) < lines:
        made.append(sold(len(made) + 1, chance))
    places = list(range(len(made)))
    chance.shuffle(places)
    each_kind = int(len(made) * share)
    for kind, plant in PLANT.items():
        for place in (places.pop() for _ in range(each_kind)):
            plant(made[place])
            made[place].fault = kind
    return _numbered(made)


def _numbered(made: list[Sold]) -> list[Sold]:
    number = 0
    for paid in made:
        for place, line in enumerate(paid.lines):
            number += 1
            paid.lines[place] = line.model_copy(update={"number": number})
    return made
