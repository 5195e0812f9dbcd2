"""What a channel owes after cancellations: exact to the minor unit, in whatever order and number they come."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.expected import cancelled_value, receivable
from models.money import Money
from models.order import ChannelState, Charge, ChargeKind, Discount, Funder, Order, OrderKey, OrderLine, Remitter, Tax

DECIMALS = {"JPY": 0, "EUR": 2, "KWD": 3}
AT = datetime(2026, 11, 20, tzinfo=UTC)


def minor(count: int, currency: str) -> Money:
    return Money(amount=Decimal(count).scaleb(-DECIMALS[currency]), currency=currency)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Lines with discounts and taxes of everybody, charges of a line and of the whole order."""
    currency = draw(st.sampled_from(sorted(DECIMALS)))
    amounts = st.integers(0, 10_000).map(lambda count: minor(count, currency))
    taxes = st.lists(
        st.builds(Tax, amount=amounts, remitter=st.sampled_from(Remitter), included=st.booleans()), max_size=2
    ).map(tuple)
    discounts = st.lists(st.builds(Discount, amount=amounts, funded_by=st.sampled_from(Funder)), max_size=1).map(tuple)
    lines = tuple(
        OrderLine(
            line_id=str(number),
            sku="S",
            quantity=draw(st.integers(1, 5)),
            goods=minor(draw(st.integers(20_000, 99_999)), currency),
            discounts=draw(discounts),
            taxes=draw(taxes),
        )
        for number in range(1, draw(st.integers(1, 3)) + 1)
    )
    owners = [None, *(line.line_id for line in lines)]
    charges = st.lists(
        st.builds(
            Charge,
            kind=st.just(ChargeKind.SHIPPING),
            amount=amounts,
            line_id=st.sampled_from(owners),
            taxes=taxes,
            discounts=st.just(()),
        ),
        max_size=3,
    ).map(tuple)
    draft = Order(
        key=OrderKey(channel="shopify", account="main", external_id="1"),
        purchased_at=AT,
        version=AT,
        state=ChannelState.OPEN,
        currency=currency,
        lines=lines,
        charges=draw(charges),
        total=minor(0, currency),
    )
    return draft.model_copy(update={"total": draft.totals.computed})


@given(orders(), st.data())
def test_one_cancellation_of_many_units_and_many_of_one_come_to_the_same(order: Order, data: st.DataObject) -> None:
    units = [line.line_id for line in order.lines for _ in range(line.quantity)]
    path = data.draw(st.permutations(units))
    cancelled: dict[str, int] = {}
    given_up = Money.of("0", order.currency)
    for name in path:
        before = receivable(order, cancelled)
        cancelled[name] = cancelled.get(name, 0) + 1
        given_up += before - receivable(order, cancelled)
        assert receivable(order, cancelled) + cancelled_value(order, cancelled) == order.receivable
    assert given_up == order.receivable
    assert receivable(order, cancelled) == minor(0, order.currency)


@given(orders(), st.data())
def test_amounts_stay_in_whole_minor_units(order: Order, data: st.DataObject) -> None:
    cancelled = {line.line_id: data.draw(st.integers(0, line.quantity)) for line in order.lines}
    owed = receivable(order, cancelled)
    assert owed.amount == owed.amount.quantize(Decimal(1).scaleb(-DECIMALS[order.currency]))


@given(orders())
def test_without_a_cancellation_everything_is_owed(order: Order) -> None:
    assert receivable(order, {}) == order.receivable
    assert receivable(order, {line.line_id: 0 for line in order.lines}) == order.receivable


def test_a_charge_of_the_whole_order_goes_only_with_its_last_unit() -> None:
    line = OrderLine(line_id="1", sku="S", quantity=3, goods=minor(1000, "EUR"))
    shipping = Charge(kind=ChargeKind.SHIPPING, amount=minor(490, "EUR"))
    order = Order(
        key=OrderKey(channel="shopify", account="main", external_id="1"),
        purchased_at=AT,
        version=AT,
        state=ChannelState.OPEN,
        currency="EUR",
        lines=(line,),
        charges=(shipping,),
        total=minor(1490, "EUR"),
    )
    assert [str(receivable(order, {"1": units}).amount) for units in range(4)] == ["14.90", "11.57", "8.24", "0.00"]
