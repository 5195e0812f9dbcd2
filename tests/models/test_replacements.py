"""A replacement costs exactly the difference between what is sent and what is given up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.channel import RefundReason
from models.money import Money
from models.order import ChannelState, Order, OrderLine, Remitter, Tax
from models.refund_process import INTERNAL
from models.refundable import Standing, lines_of
from models.refunds import Refund, RefundState
from models.replacements import ExchangeLine, ReplacementTask, claim_of, cost_of, paid, replacement_of
from models.worth import worth_of
from tests.models.test_refunds import an_order, orders

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def two_mats(*, included: bool = True) -> Order:
    """2 × 30.00, with 19 % included or on top."""
    tax = Tax(
        amount=eur("9.58") if included else eur("11.40"), remitter=Remitter.SELLER, included=included, rate="0.19"
    )
    return an_order("EUR", (OrderLine(line_id="L1", sku="MAT", quantity=2, goods=eur("60.00"), taxes=(tax,)),))


def exchanged(order: Order, *lines: ExchangeLine) -> tuple[Refund, Order]:
    task = ReplacementTask(
        order_key=order.key, number=1, correlation_id="c", lines=lines, reason=RefundReason.NOT_AS_DESCRIBED
    )
    claim = claim_of(task, order)
    given = lines_of(order, Standing(), claim)
    total = Money.total((line.total for line in given), order.currency)
    refund = Refund(claim=claim, state=RefundState.RESERVED, lines=given, total=total)
    return refund, replacement_of(task, order, refund, NOW)


def test_the_same_again_costs_nothing_and_is_of_no_channel() -> None:
    order = two_mats()
    refund, sent = exchanged(order, ExchangeLine(line_id="L1", quantity=1))
    assert (refund.total, refund.paid) == (eur("30.00"), eur("0.00"))
    assert (str(sent.key), sent.replacement_of) == (f"{order.key}-X1", str(order.key))
    assert (sent.total, sent.totals.difference, sent.state) == (eur("0.00"), eur("0.00"), ChannelState.OPEN)
    assert (sent.lines[0].sku, sent.lines[0].quantity, sent.extras[INTERNAL]) == ("MAT", 1, "1")


@pytest.mark.parametrize(
    ("included", "total", "tax"), [(True, "15.00", "2.39"), (False, "17.85", "2.85")], ids=["included", "on top"]
)
def test_dearer_goods_wait_for_the_difference_and_carry_its_tax(included: bool, total: str, tax: str) -> None:
    line = ExchangeLine(line_id="L1", quantity=1, sku="MAT-XL", unit_price=eur("45.00"))
    refund, sent = exchanged(two_mats(included=included), line)
    assert (sent.total, sent.totals.seller_tax, sent.totals.difference) == (eur(total), eur(tax), eur("0.00"))
    assert (sent.state, refund.paid) == (ChannelState.PENDING, eur("0.00"))
    later = datetime(2026, 11, 28, tzinfo=UTC)
    assert (paid(sent, later).state, paid(sent, later).is_news_to(sent)) == (ChannelState.OPEN, True)


def test_cheaper_goods_cost_nothing_and_the_difference_is_paid_back() -> None:
    line = ExchangeLine(line_id="L1", quantity=1, sku="MAT-S", unit_price=eur("20.00"))
    refund, sent = exchanged(two_mats(), line)
    assert (sent.total, refund.total, refund.paid) == (eur("0.00"), eur("30.00"), eur("10.00"))
    assert refund.seller_tax == eur("1.60")


def test_a_line_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="the order has no line L9: it has L1"):
        exchanged(two_mats(), ExchangeLine(line_id="L9", quantity=1))


@given(orders(), st.data())
def test_what_is_paid_is_always_the_exact_difference(order: Order, data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(order.lines))
    units = data.draw(st.integers(1, line.quantity))
    price = Money.of(data.draw(st.integers(0, 5_000)), order.currency)
    wanted: dict[str, Any] = {"line_id": line.line_id, "quantity": units, "unit_price": price}
    chosen = ExchangeLine.model_validate(wanted)
    refund, sent = exchanged(order, chosen)
    cost = cost_of(chosen, worth_of(order)[line.line_id].goods)
    assert cost - refund.total == sent.total - refund.paid
    assert not (sent.total and refund.paid)
    assert (sent.totals.difference, sent.total.amount >= 0) == (Money.zero(order.currency), True)
