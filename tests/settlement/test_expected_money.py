"""What an order is to bring part by part is, in sum, what its workflow waits for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.expected import receivable
from models.expected_money import ExpectedRefund, expected_money
from models.money import Money
from models.order import OrderRefund, Remitter
from models.returns import ChannelReturn, ReturnLine, ReturnState
from tests.settlement.faults import PAID, SHIPPED, euros, settlement


@given(st.integers(0, 2000), st.data())
def test_the_parts_are_the_receivable_whatever_is_cancelled(seed: int, data: st.DataObject) -> None:
    order = settlement(1, 0, seed)[0].order
    cancelled = {line.line_id: data.draw(st.integers(0, line.quantity)) for line in order.lines}
    found = expected_money(order, cancelled=cancelled)
    assert found.receivable == receivable(order, {name: units for name, units in cancelled.items() if units})
    assert [each.units for each in found.goods] == [line.quantity - cancelled[line.line_id] for line in order.lines]


@given(st.integers(0, 2000))
def test_the_whole_order_is_its_total_without_the_channel_s_tax(seed: int) -> None:
    order = settlement(1, 0, seed)[0].order
    found = expected_money(order)
    assert found.receivable + found.channel_tax == order.total
    assert found.receivable == order.receivable


def test_a_refund_bears_the_channel_s_tax_by_its_share() -> None:
    paid = next(e for e in settlement(100, 0, 1) if e.order.lines[0].taxes[0].remitter is Remitter.CHANNEL)
    whole = OrderRefund(refund_id="R", amount=paid.order.total, at=PAID)
    (refund,) = expected_money(paid.order.model_copy(update={"refunds": (whole,)})).refunds
    assert (refund.total, refund.receivable) == (paid.order.total, paid.order.receivable)


def test_goods_that_came_back_are_to_be_refunded_when_no_refund_is_known() -> None:
    order = settlement(1, 0, 1)[0].order
    line = order.lines[0]
    came = ChannelReturn(
        return_id="RMA-1",
        order_key=order.key,
        version=SHIPPED,
        state=ReturnState.RECEIVED,
        lines=(ReturnLine(return_line_id="1", line_id=line.line_id, quantity=line.quantity),),
    )
    (refund,) = expected_money(order, returns=[came]).refunds
    off = Money.total((each.amount for each in line.discounts), "EUR")
    assert refund.total == line.goods + line.taxes[0].amount - off
    assert expected_money(order, returns=[came.model_copy(update={"state": ReturnState.REQUESTED})]).refunds == ()


def test_a_refund_that_we_made_and_the_channel_states_is_one_and_more_than_that_is_more() -> None:
    paid = next(e for e in settlement(100, 0, 1) if e.order.lines[0].taxes[0].remitter is Remitter.SELLER)
    own = ExpectedRefund(refund_id="ours", total=euros("3.00"), receivable=euros("3.00"), at=PAID)
    for stated, found in (("3.00", ["3.00"]), ("2.00", ["3.00"]), ("5.00", ["3.00", "2.00"])):
        theirs = OrderRefund(refund_id="theirs", amount=euros(stated), at=PAID)
        refunds = expected_money(paid.order.model_copy(update={"refunds": (theirs,)}), refunds=[own]).refunds
        assert [str(each.total.amount) for each in refunds] == found
