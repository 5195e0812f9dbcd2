"""Refunds are exact: in whatever parts and order they come, together they are what was paid, and never more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.amazon.refunding import components
from models.catalogue import Component, ListingMap, explode
from models.channel import RefundReason
from models.money import Money
from models.order import (
    ChannelState,
    Charge,
    ChargeKind,
    Discount,
    Order,
    OrderKey,
    OrderLine,
    OrderRefund,
    Remitter,
    Tax,
)
from models.refundable import NotRefundable, Standing, amounts_of_pieces, lines_of, refundable
from models.refunds import Refund, RefundClaim, RefundedLine, RefundState, channel_lines, credit_lines
from models.worth import worth_of

Draw = Callable[[st.SearchStrategy[Any]], Any]
DECIMALS = {"JPY": 0, "EUR": 2, "USD": 2, "KWD": 3}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = OrderKey(channel="shopify", account="main", external_id="1")
currencies = st.sampled_from(sorted(DECIMALS))


def in_units(units: int, currency: str) -> Money:
    """So many minor units as money."""
    return Money.of(Decimal(units).scaleb(-DECIMALS[currency]), currency)


def an_order(currency: str, lines: tuple[OrderLine, ...], charges: tuple[Charge, ...] = (), **more: Any) -> Order:
    draft = Order(
        key=KEY,
        purchased_at=NOON,
        version=NOON,
        state=ChannelState.OPEN,
        currency=currency,
        lines=lines,
        charges=charges,
        total=Money.zero(currency),
        **more,
    )
    return draft.model_copy(update={"total": draft.totals.computed})


@st.composite
def orders(draw: Draw) -> Order:
    """One to three lines with discounts, both kinds of tax of both remitters, and charges of lines and of the order."""
    currency = draw(currencies)

    def taxes(price: int) -> tuple[Tax, ...]:
        included = draw(st.integers(0, price))
        of_seller = draw(st.integers(0, included))
        parts = [(of_seller, Remitter.SELLER, True), (included - of_seller, Remitter.CHANNEL, True)]
        parts += [(draw(st.integers(0, 999)), remitter, False) for remitter in Remitter]
        return tuple(
            Tax(amount=in_units(units, currency), remitter=remitter, included=included)
            for units, remitter, included in parts
            if units
        )

    def line(number: int) -> OrderLine:
        goods = draw(st.integers(0, 10_000))
        off = draw(st.integers(0, goods))
        return OrderLine(
            line_id=f"L{number}",
            sku="S",
            quantity=draw(st.integers(1, 7)),
            goods=in_units(goods, currency),
            discounts=(Discount(amount=in_units(off, currency)),) if off else (),
            taxes=taxes(goods - off),
        )

    def charge(lines: int) -> Charge:
        amount = draw(st.integers(0, 2_000))
        of_line = draw(st.none() | st.integers(1, lines).map(lambda number: f"L{number}"))
        kind = draw(st.sampled_from([ChargeKind.SHIPPING, ChargeKind.GIFT_WRAP]))
        return Charge(kind=kind, amount=in_units(amount, currency), line_id=of_line, taxes=taxes(amount))

    count = draw(st.integers(1, 3))
    lines = tuple(line(number) for number in range(1, count + 1))
    return an_order(currency, lines, tuple(charge(count) for _ in range(draw(st.integers(0, 2)))))


def granted(claim: RefundClaim, lines: tuple[RefundedLine, ...], currency: str) -> Refund:
    total = Money.total((line.total for line in lines), currency)
    return Refund(claim=claim, state=RefundState.DONE, lines=lines, total=total)


class Till:
    """Pays back, and remembers what it has paid."""

    def __init__(self, order: Order, **standing: Any) -> None:
        self.order = order
        self.standing = Standing(**standing)

    def pay(self, reason: RefundReason = RefundReason.GOODWILL, **claim: Any) -> Refund:
        number = len(self.standing.refunds) + 1
        wanted = RefundClaim(request_id=f"R{number}", order_key=self.order.key, reason=reason, **claim)
        refund = granted(wanted, lines_of(self.order, self.standing, wanted), self.order.currency)
        self.standing = self.standing.model_copy(update={"refunds": (*self.standing.refunds, refund)})
        return refund

    @property
    def paid_back(self) -> Money:
        return Money.total((each.total for each in self.standing.refunds), self.order.currency)


def check(refund: Refund) -> None:
    """The channel's figures, the ERP's and ours are one amount, and no part of it is negative."""
    channel, books = channel_lines(refund.lines), credit_lines(refund.lines)
    parts = [part for row in channel for part in (row.goods, row.tax, row.shipping, row.shipping_tax) if part]
    parts += [part for row in books for part in (row.goods, row.shipping, row.seller_tax, row.channel_tax)]
    assert all(part.amount >= 0 for part in parts)
    currency = refund.total.currency
    assert Money.total((row.total for row in books), currency) == refund.total
    told = [part for row in channel for part in (row.goods, row.tax, row.shipping, row.shipping_tax) if part]
    assert Money.total(told, currency) == refund.total


@given(orders())
def test_the_lines_of_an_order_are_worth_its_total(order: Order) -> None:
    worth = worth_of(order)
    assert Money.total((each.total for each in worth.values()), order.currency) == order.total
    assert Money.total((each.goods.seller_tax + each.beside.seller_tax for each in worth.values()), order.currency) == (
        order.totals.seller_tax
    )


@given(orders(), st.data())
def test_units_refunded_in_any_portions_and_order_are_the_total_exactly(order: Order, data: st.DataObject) -> None:
    till = Till(order)
    left = {line.line_id: line.quantity for line in order.lines}
    while left:
        name = data.draw(st.sampled_from(sorted(left)))
        units = data.draw(st.integers(1, left[name]))
        rest = refundable(order, till.standing).lines[name]
        if not rest.worth.total:
            del left[name]  # What was given away for nothing is not paid back.
            continue
        share = rest.worth.goods.of_units(units, rest.units) + rest.worth.beside.of_units(units, rest.units)
        if not share.total:
            with pytest.raises(NotRefundable, match="nothing left to pay back"):
                till.pay(units={name: units}, shipping=True)
            units = left[name]  # A share of less than a minor unit is paid back with the others.
        check(till.pay(units={name: units}, shipping=True))
        left[name] -= units
        left = {line: count for line, count in left.items() if count}
    assert till.paid_back == order.total
    assert refundable(order, till.standing).left == Money.zero(order.currency)


@given(orders(), st.data())
def test_mixed_refunds_never_exceed_what_was_paid_and_the_rest_is_exactly_what_is_missing(
    order: Order, data: st.DataObject
) -> None:
    till = Till(order)
    for _ in range(data.draw(st.integers(1, 6))):
        line = data.draw(st.sampled_from(order.lines))
        kind = data.draw(st.sampled_from(["units", "amount", "shipping"]))
        amount = in_units(data.draw(st.integers(1, 4_000)), order.currency)
        claim: dict[str, Any] = {"amounts": {line.line_id: amount}} if kind == "amount" else {"shipping": True}
        if kind == "units":
            claim = {"units": {line.line_id: data.draw(st.integers(1, line.quantity))}}
        try:
            check(till.pay(**claim))
        except NotRefundable:
            assert till.paid_back.amount <= order.total.amount
    assert till.paid_back.amount <= order.total.amount
    rest = refundable(order, till.standing)
    units = {name: line.units for name, line in rest.lines.items() if line.units}
    worthless = [name for name, line in rest.lines.items() if not line.units and line.worth.goods.total]
    if rest.left and units and not worthless:
        till.pay(units=units, shipping=True)
        if len(units) == len(order.lines):
            assert till.paid_back == order.total


@pytest.mark.parametrize(
    ("currency", "goods", "units"),
    [
        ("EUR", "10.00", ["3.33 EUR", "3.34 EUR", "3.33 EUR"]),
        ("JPY", "100", ["33 JPY", "34 JPY", "33 JPY"]),
        ("KWD", "1.000", ["0.333 KWD", "0.334 KWD", "0.333 KWD"]),
    ],
)
def test_a_line_that_does_not_divide_is_paid_back_to_the_last_minor_unit(
    currency: str, goods: str, units: list[str]
) -> None:
    line = OrderLine(line_id="L1", sku="S", quantity=3, goods=Money.of(goods, currency))
    till = Till(an_order(currency, (line,)))
    assert [str(till.pay(units={"L1": 1}).total) for _ in range(3)] == units


def three_mats(**more: Any) -> Order:
    """3 × 10.00 with 19 % included, and 4.99 of shipping."""
    tax = Tax(amount=Money.of("4.79", "EUR"), remitter=Remitter.SELLER, included=True)
    line = OrderLine(line_id="L1", sku="MAT", quantity=3, goods=Money.of("30.00", "EUR"), taxes=(tax,), **more)
    return an_order("EUR", (line,), (Charge(kind=ChargeKind.SHIPPING, amount=Money.of("4.99", "EUR")),))


def test_a_unit_is_its_price_and_the_tax_within_it() -> None:
    refund = Till(three_mats()).pay(units={"L1": 1})
    [told], [booked] = channel_lines(refund.lines), credit_lines(refund.lines)
    assert (told.quantity, told.goods, told.tax, told.shipping) == (1, Money.of("10.00", "EUR"), None, None)
    assert (booked.goods, booked.seller_tax) == (Money.of("8.40", "EUR"), Money.of("1.60", "EUR"))


def test_tax_that_the_channel_remits_is_told_apart() -> None:
    taxes = tuple(
        Tax(amount=Money.of(amount, "USD"), remitter=who)
        for amount, who in (("0.60", Remitter.CHANNEL), ("0.30", Remitter.SELLER))
    )
    line = OrderLine(line_id="L1", sku="MAT", quantity=3, goods=Money.of("30.00", "USD"), taxes=taxes)
    refund = Till(an_order("USD", (line,))).pay(units={"L1": 1})
    [told] = channel_lines(refund.lines)
    assert (told.tax, told.channel_tax) == (Money.of("0.30", "USD"), Money.of("0.20", "USD"))
    assert (refund.total, refund.receivable) == (Money.of("10.30", "USD"), Money.of("10.10", "USD"))
    assert components(told) == {"Principal": Money.of("10.00", "USD"), "Tax": Money.of("0.10", "USD")}


def test_after_a_price_match_the_units_are_worth_the_less() -> None:
    till = Till(three_mats())
    till.pay(RefundReason.PRICE_ADJUSTMENT, amounts={"L1": Money.of("6.00", "EUR")})
    assert till.pay(units={"L1": 1}).total == Money.of("8.00", "EUR")
    assert till.pay(units={"L1": 2}, shipping=True).total == Money.of("20.99", "EUR")
    assert till.paid_back == till.order.total


def test_shipping_alone_is_all_that_is_left_of_it() -> None:
    till = Till(three_mats())
    assert till.pay(units={"L1": 1}, shipping=True).total == Money.of("11.66", "EUR")
    assert till.pay(shipping=True).total == Money.of("3.33", "EUR")
    with pytest.raises(NotRefundable, match="nothing left"):
        till.pay(shipping=True)


def test_more_than_the_line_has_left_names_both_figures() -> None:
    till = Till(three_mats())
    till.pay(units={"L1": 2})
    with pytest.raises(NotRefundable, match="line L1: 2 units claimed, 1 may be refunded"):
        till.pay(units={"L1": 2})
    with pytest.raises(NotRefundable, match=r"12\.00 EUR is more than the 10\.00 EUR"):
        till.pay(amounts={"L1": Money.of("12.00", "EUR")})


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"units": {"L9": 1}}, "the order has no line L9: it has L1"),
        ({"units": {"L1": 0}}, "0 units claimed"),
        ({"amounts": {"L1": Money.of("1.00", "USD")}}, "is not an amount above 0 in EUR"),
        ({"amounts": {"L1": Money.of("-1.00", "EUR")}}, "is not an amount above 0 in EUR"),
    ],
)
def test_a_claim_that_cannot_be_meant_is_refused(claim: dict[str, Any], words: str) -> None:
    with pytest.raises(NotRefundable, match=words):
        Till(three_mats()).pay(**claim)


def test_returned_units_are_paid_back_only_once_they_are_counted() -> None:
    till = Till(three_mats(), returned={"L1": 1})
    till.pay(RefundReason.RETURNED, units={"L1": 1}, return_id="R-1")
    with pytest.raises(NotRefundable, match="1 units claimed, 0 came back and are not refunded yet"):
        till.pay(RefundReason.RETURNED, units={"L1": 1}, return_id="R-1")


def test_cancelled_units_are_refunded_by_the_cancellation_alone() -> None:
    till = Till(three_mats(), cancelled={"L1": 2})
    with pytest.raises(NotRefundable, match="2 units claimed, 1 may be refunded"):
        till.pay(units={"L1": 2})
    assert till.pay(RefundReason.CANCELLED, units={"L1": 2}).total == Money.of("20.00", "EUR")
    assert till.pay(units={"L1": 1}, shipping=True).total == Money.of("14.99", "EUR")


def test_what_the_channel_paid_back_itself_is_not_paid_again_and_our_own_refund_is_not_counted_twice() -> None:
    order = three_mats()
    till = Till(order)
    till.pay(units={"L1": 1})
    ours = OrderRefund(refund_id="7", amount=Money.of("10.00", "EUR"), quantities={"L1": 1})
    till.order = order.model_copy(update={"refunds": (ours,)})
    assert refundable(till.order, till.standing).left == Money.of("24.99", "EUR")
    theirs = OrderRefund(refund_id="8", amount=Money.of("11.67", "EUR"), quantities={"L1": 1})
    till.order = order.model_copy(update={"refunds": (ours, theirs)})
    left = refundable(till.order, till.standing)
    assert (left.left, left.lines["L1"].units) == (Money.of("13.32", "EUR"), 1)
    with pytest.raises(NotRefundable, match=r"14\.99 EUR is more than the 13\.32 EUR that are left \(paid 34\.99"):
        till.pay(units={"L1": 1}, shipping=True)


def test_what_the_channel_has_paid_goes_to_the_books_once() -> None:
    ten = Money.of("10.00", "EUR")
    till = Till(three_mats())
    till.pay(units={"L1": 1})
    with pytest.raises(NotRefundable, match="is in the books already, as refund R1"):
        till.pay(RefundReason.RETURNED, amounts={"L1": ten}, paid=True)
    both = tuple(OrderRefund(refund_id=name, amount=ten) for name in ("ours", "theirs"))
    till.order = till.order.model_copy(update={"refunds": both})
    assert till.pay(RefundReason.RETURNED, amounts={"L1": ten}, paid=True).total == ten
    with pytest.raises(NotRefundable, match="is in the books already"):
        till.pay(RefundReason.RETURNED, amounts={"L1": ten}, paid=True)


def test_a_channel_that_rounds_each_unit_itself_is_not_taken_for_another_refund() -> None:
    line = OrderLine(line_id="L1", sku="S", quantity=3, goods=Money.of("10.00", "EUR"))
    order = an_order("EUR", (line,))
    till = Till(order)
    till.pay(units={"L1": 1})
    till.pay(units={"L1": 1})
    shown = tuple(OrderRefund(refund_id=str(number), amount=Money.of("3.33", "EUR")) for number in range(2))
    till.order = order.model_copy(update={"refunds": shown})
    assert till.pay(units={"L1": 1}).total == Money.of("3.33", "EUR")


SHARES = st.lists(st.integers(0, 5), min_size=2, max_size=3)


@given(currencies, st.integers(1, 99_999), st.integers(1, 4), SHARES, st.data())
def test_the_pieces_of_a_bundle_are_its_price_in_whatever_order_they_come(
    currency: str, price: int, quantity: int, shares: list[int], data: st.DataObject
) -> None:
    shares = shares if any(shares) else [1] * len(shares)
    line = OrderLine(line_id="L1", sku="SET", quantity=quantity, goods=in_units(price, currency))
    order = an_order(currency, (line,))
    parts = tuple(Component(item=f"I{i}", quantity=i + 1, share=Decimal(share)) for i, share in enumerate(shares))
    listing = ListingMap(
        channel="shopify", account="*", sku="SET", valid_from=datetime(2020, 1, 1, tzinfo=UTC), components=parts
    )
    components = explode(line, listing)
    names = [f"L1/{part.item}" for part in components for _ in range(part.quantity)]
    before: dict[str, int] = {}
    paid = Money.zero(currency)
    for name in data.draw(st.permutations(names)):
        paid += amounts_of_pieces(order, components, before, {name: 1}).get("L1", Money.zero(currency))
        before[name] = before.get(name, 0) + 1
    assert paid == order.total
