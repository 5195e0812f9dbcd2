"""The canonical order: its key, its lines, and totals that hold to the cent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.money import Money, MoneyError
from models.order import Address, ChannelState, Order, OrderKey, OrderLine
from tests.models.examples import BERLIN, KEY, LINE, ORDER, eur
from tests.models.strategies import Sums, in_units, orders, units_of

names = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
keys = st.builds(
    OrderKey, channel=names.filter(lambda name: name != "order"), account=names, external_id=st.text(min_size=1)
)


@given(orders())
def test_goods_less_discounts_and_all_that_is_added_make_the_total(drawn: tuple[Order, Sums]) -> None:
    order, sums = drawn
    totals = order.totals
    assert not totals.difference
    assert totals.computed == order.total
    for part in Sums.__dataclass_fields__:
        assert units_of(getattr(totals, part)) == getattr(sums, part), part


@given(orders(), st.integers(-(10**9), 10**9))
def test_a_total_that_is_stated_wrong_differs_by_exactly_that_much(drawn: tuple[Order, Sums], units: int) -> None:
    order, _ = drawn
    off = in_units(units, order.currency)
    assert order.model_copy(update={"total": order.total + off}).totals.difference == off


@given(orders())
def test_the_channel_owes_the_total_without_the_tax_that_it_remits_itself(drawn: tuple[Order, Sums]) -> None:
    order, sums = drawn
    assert units_of(order.receivable) == sums.total - sums.channel_tax


def test_an_order_in_two_currencies_has_no_totals() -> None:
    mixed = ORDER.model_copy(update={"lines": (LINE.model_copy(update={"goods": Money.of("25", "USD")}),)})
    with pytest.raises(MoneyError, match="not in the same currency"):
        _ = mixed.totals


@given(keys)
def test_an_order_key_is_read_back_from_what_it_prints(key: OrderKey) -> None:
    assert OrderKey.from_string(str(key)) == key
    assert OrderKey.from_string(key.workflow_id) == key


@given(keys, keys)
def test_different_orders_have_different_workflow_ids(one: OrderKey, other: OrderKey) -> None:
    assert (one == other) == (one.workflow_id == other.workflow_id)


def test_an_order_key_prints_as_its_workflow_is_named() -> None:
    assert str(KEY) == "amazon/EU-DE/302-1234567-1234567"
    assert KEY.workflow_id == "order/amazon/EU-DE/302-1234567-1234567"


@pytest.mark.parametrize(
    "text", ["", "/", "amazon", "amazon/EU-DE", "amazon//1", "/EU-DE/1", "order/amazon/EU-DE", "a/b/"]
)
def test_a_text_that_is_no_order_key_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="write channel/account/external-id"):
        OrderKey.from_string(text)


@pytest.mark.parametrize(
    "key",
    [
        {"channel": "ama/zon", "account": "EU", "external_id": "1"},
        {"channel": "amazon", "account": "EU/DE", "external_id": "1"},
        {"channel": "order", "account": "EU", "external_id": "1"},
        {"channel": "", "account": "EU", "external_id": "1"},
        {"channel": "amazon", "account": "", "external_id": "1"},
        {"channel": "amazon", "account": "EU", "external_id": ""},
    ],
)
def test_a_key_that_could_not_be_read_back_is_refused(key: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        OrderKey.model_validate(key)


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20))
def test_open_cancelled_and_shipped_units_of_a_line_are_the_ordered_ones(
    quantity: int, cancelled: int, shipped: int
) -> None:
    fields: dict[str, Any] = {**dict(LINE), "quantity": quantity, "cancelled": cancelled, "shipped": shipped}
    if cancelled + shipped > quantity:
        with pytest.raises(ValidationError, match=r"line L1: .* exceed ordered"):
            OrderLine.model_validate(fields)
        return
    line = OrderLine.model_validate(fields)
    assert line.open + line.cancelled + line.shipped == line.quantity


def test_two_lines_of_an_order_never_share_an_id() -> None:
    with pytest.raises(ValidationError, match=r"line ids are not unique: \['L1', 'L1'\]"):
        Order.model_validate({**dict(ORDER), "lines": (LINE, LINE)})


@pytest.mark.parametrize(
    "change", [{"lines": ()}, {"currency": "Euro"}, {"state": "lost"}, {"total": None}, {"lines": [{"line_id": "L1"}]}]
)
def test_an_order_without_what_makes_it_one_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Order.model_validate({**dict(ORDER), **change})


def test_an_address_names_what_a_parcel_cannot_do_without() -> None:
    assert BERLIN.missing == []
    assert Address(name="Käthe", postal_code="10119", region="BE").missing == ["lines", "city", "country"]
    assert Address(lines=("Torstr. 1",), country="DE").missing == ["city"]


def test_a_gratis_order_owes_nothing() -> None:
    gratis = LINE.model_copy(update={"goods": eur("0"), "discounts": (), "taxes": ()})
    order = ORDER.model_copy(update={"lines": (gratis,), "charges": (), "total": eur("0")})
    assert not order.totals.difference
    assert not order.receivable


@pytest.mark.parametrize(
    ("seconds", "state", "news"),
    [
        (0, ChannelState.OPEN, False),
        (0, ChannelState.CANCELLED, True),
        (0, ChannelState.PENDING, False),
        (1, ChannelState.PENDING, True),
        (-1, ChannelState.CANCELLED, False),
    ],
)
def test_of_two_versions_of_one_second_the_further_state_is_news(seconds: int, state: ChannelState, news: bool) -> None:
    known = ORDER.model_copy(update={"state": ChannelState.OPEN})
    changes = {"version": known.version + timedelta(seconds=seconds), "state": state}
    assert known.model_copy(update=changes).is_news_to(known) is news
