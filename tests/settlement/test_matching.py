"""Planted faults are each found and named, none is invented, and every cent of a line is matched or a residual."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.expected_money import ExpectedRefund
from models.matching import Booked, Fault, LineRef, OrderMatch
from models.matching_order import match_order
from models.money import Money
from models.order import Remitter, Tax
from models.settlement import LineType, SettlementLine
from tests.settlement.faults import CLOSED, PAID, PLANT, RULES, Sold, euros, settlement, sold

LINES, SHARE = 2000, 0.05


def matched(paid: Sold, earlier: tuple[Booked, ...] = ()) -> OrderMatch:
    return match_order(paid.expected, paid.lines, earlier, RULES, CLOSED)


def booked(paid: Sold, result: OrderMatch, settlement_id: str = "S-1") -> tuple[Booked, ...]:
    return tuple(
        Booked(
            ref=LineRef(settlement_id=settlement_id, number=line.number),
            line=line,
            matched=verdict.matched,
            residual=verdict.residual,
            fault=verdict.fault,
        )
        for line, verdict in zip(paid.lines, result.verdicts, strict=True)
    )


def one(seed: int = 1) -> Sold:
    return settlement(1, 0, seed)[0]


def later(paid: Sold, kind: LineType, amount: str, **more: Any) -> Sold:
    correction = Sold(paid.order, refunds=paid.refunds)
    correction.add(kind, amount, **{"number": 1, **more})
    return correction


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_faults_are_each_found_and_named_and_none_is_invented(seed: int) -> None:
    orders = settlement(LINES, SHARE, seed)
    planted: Counter[Fault] = Counter(each.fault for each in orders if each.fault)
    found: Counter[Fault] = Counter()
    wrong: list[str] = []
    total, covered = Decimal(0), Decimal(0)
    for paid in orders:
        result = matched(paid)
        found.update(result.faults)
        if result.faults != ({paid.fault} if paid.fault else set()):
            wrong.append(f"{paid.order.key}: planted {paid.fault}, found {sorted(result.faults)}")
        total += sum(line.amount.amount for line in paid.lines)
        covered += sum(each.matched.amount + each.residual.amount for each in result.verdicts)
    lines = sum(len(each.lines) for each in orders)
    print(f"seed {seed}: {lines} lines of {len(orders)} orders, planted {dict(planted)}, found {dict(found)}")
    assert (wrong, found, covered) == ([], planted, total)
    assert set(planted) == set(Fault) - {Fault.UNKNOWN_ORDER, Fault.NO_ORDER}
    assert min(planted.values()) >= int(len(orders) * SHARE)


ON_THE_SAME_MONEY = [
    {Fault.SHORT_PAID, Fault.OVER_PAID},
    {Fault.SHORT_PAID, Fault.MISSING},
    {Fault.SHORT_PAID, Fault.DUPLICATE},
    {Fault.OVER_PAID, Fault.MISSING},
    {Fault.MISSING, Fault.FEE_DIFFERS},
    {Fault.MISSING, Fault.DUPLICATE},
    {Fault.REFUND_WITHOUT_RETURN, Fault.RETURN_WITHOUT_REFUND},
]
"""As they are planted, the second changes the line that the first has changed: together they are something else."""
PAIRS = [pair for pair in combinations(PLANT, 2) if set(pair) not in ON_THE_SAME_MONEY]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " and ".join(pair))
def test_two_faults_in_one_order_are_both_found_and_no_third(pair: tuple[Fault, Fault]) -> None:
    for seed in range(20):
        paid = sold(1, random.Random(seed))
        for fault in pair:
            PLANT[fault](paid)
        paid.lines = [line.model_copy(update={"number": number}) for number, line in enumerate(paid.lines, start=1)]
        assert matched(paid).faults == set(pair)


@given(st.integers(0, 10_000), st.lists(st.tuples(st.sampled_from(LineType), st.decimals("-500", "500", places=2))))
def test_whatever_the_lines_are_matched_and_residual_are_their_amounts(
    seed: int, more: list[tuple[LineType, Decimal]]
) -> None:
    paid = one(seed)
    for kind, amount in more:
        paid.add(kind, amount, number=len(paid.lines) + 1)
    result = matched(paid)
    for line, verdict in zip(paid.lines, result.verdicts, strict=True):
        assert (verdict.number, verdict.matched + verdict.residual) == (line.number, line.amount)
        assert (verdict.fault is None) == (not verdict.residual) or not line.amount
    again = match_order(paid.expected, [], booked(paid, result), RULES, CLOSED)
    assert again.verdicts == ()


def test_money_that_was_short_and_comes_later_settles_the_finding() -> None:
    paid = one()
    place = paid.first(LineType.GOODS)
    short = paid.lines[place]
    paid.change(LineType.GOODS, Decimal("-5.00"))
    first = matched(paid)
    assert Fault.SHORT_PAID in first.faults
    correction = later(paid, LineType.GOODS, "5.00", line_id=short.line_id)
    second = matched(correction, booked(paid, first))
    assert (second.findings, second.verdicts[0].rule) == ((), "exact")


def test_what_was_paid_too_much_is_settled_by_the_line_that_takes_it_back() -> None:
    paid = one()
    line = paid.lines[paid.first(LineType.GOODS)]
    paid.change(LineType.GOODS, Decimal("5.00"))
    first = matched(paid)
    correction = later(paid, LineType.GOODS, "-5.00", line_id=line.line_id)
    (verdict,) = matched(correction, booked(paid, first)).verdicts
    assert verdict.settles == (LineRef(settlement_id="S-1", number=line.number),)
    assert (verdict.residual, verdict.fault) == (euros("0"), None)


@pytest.mark.parametrize(
    ("kind", "amount", "label"),
    [(LineType.RESERVE, "-12.00", "Current Reserve Amount"), (LineType.COMMISSION, "-9.00", "Commission")],
)
def test_a_residual_is_settled_when_the_channel_gives_the_money_back(kind: LineType, amount: str, label: str) -> None:
    paid = one()
    paid.add(kind, amount, label, number=99)
    first = matched(paid)
    assert [str(each.residual) for each in first.verdicts if each.residual] == [f"{amount} EUR"]
    back = later(paid, kind, amount.removeprefix("-"), label=label)
    (verdict,) = matched(back, booked(paid, first)).verdicts
    assert (verdict.residual, verdict.settles) == (euros("0"), (LineRef(settlement_id="S-1", number=99),))


def test_an_adjustment_of_exactly_what_was_short_pays_it_for_good() -> None:
    paid = one()
    paid.change(LineType.GOODS, Decimal("-5.00"))
    first = matched(paid)
    correction = later(paid, LineType.ADJUSTMENT, "5.00")
    second = matched(correction, booked(paid, first))
    assert (second.findings, second.verdicts[0].rule) == ((), "pays what was short")
    before = (*booked(paid, first), *booked(correction, second, "S-2"))
    assert match_order(paid.expected, [], before, RULES, CLOSED).findings == ()


def test_units_that_are_not_settled_yet_are_waited_for_until_the_money_is_due() -> None:
    paid = next(each for each in settlement(200, 0, 5) if each.order.lines[0].quantity == 2)
    paid.lines = []
    line = paid.order.lines[0]
    half = line.goods.allocate([1, 1])[0]
    paid.add(LineType.GOODS, half.amount, line_id=line.line_id, quantity=1)
    early = match_order(paid.expected, paid.lines, (), RULES, PAID)
    assert early.findings == ()
    late = match_order(paid.expected, paid.lines, (), RULES, CLOSED)
    assert Fault.SHORT_PAID in late.faults
    paid.change(LineType.GOODS, Decimal("-0.50"))
    short = match_order(paid.expected, paid.lines, (), RULES, PAID)
    assert [(each.fault, str(each.amount)) for each in short.findings] == [(Fault.SHORT_PAID, "0.50 EUR")]


def test_an_order_of_which_nothing_is_paid_is_missing_only_when_it_is_due() -> None:
    paid = one()
    assert match_order(paid.expected, [], (), RULES, PAID).findings == ()
    assert match_order(paid.expected, [], (), RULES, CLOSED).faults == {Fault.MISSING}


def test_a_channel_that_splits_the_total_otherwise_pays_it_all_the_same() -> None:
    paid = next(each for each in settlement(200, 0, 4) if each.order.lines[0].taxes[0].remitter is Remitter.SELLER)
    rest = [line for line in paid.lines if line.type not in (LineType.GOODS, LineType.TAX)]
    paid.lines = [line.model_copy(update={"number": number}) for number, line in enumerate(rest, start=10)]
    for number, line in enumerate(paid.order.lines, start=1):
        whole = line.goods + line.taxes[0].amount
        paid.add(LineType.GOODS, whole.amount, line_id=line.line_id, number=number)
    result = match_order(paid.expected, paid.lines, (), RULES.model_copy(update={"contract": NO_CONTRACT}), CLOSED)
    assert result.faults == frozenset()
    assert "order total" in {verdict.rule for verdict in result.verdicts}


NO_CONTRACT = RULES.contract.model_copy(update={"commission_rate": None})


def test_a_sale_in_one_amount_is_matched_against_all_that_is_receivable() -> None:
    paid = one()
    paid.lines = []
    paid.add(LineType.SALE, paid.expected.receivable.amount + 1, "charge")
    (verdict,) = matched(paid).verdicts
    assert (str(verdict.residual), verdict.fault) == ("1.00 EUR", Fault.OVER_PAID)


@pytest.mark.parametrize("withheld", ["1.50", "0"])
def test_a_known_refund_may_be_taken_off_with_or_without_the_channel_s_tax(withheld: str) -> None:
    paid = one()
    paid.refunds.append(
        ExpectedRefund(refund_id="R", total=euros("11.50"), receivable=euros("10.00"), at=PAID - timedelta(days=1))
    )
    paid.add(LineType.REFUND, "-11.50", "Refund", number=90)
    if withheld != "0":
        paid.add(LineType.REFUND, withheld, "Refund", number=91)
    assert matched(paid).faults == frozenset()


def test_a_refund_beyond_what_is_known_is_a_residual_of_exactly_the_excess() -> None:
    paid = one()
    paid.refunds.append(ExpectedRefund(refund_id="R", total=euros("10.00"), receivable=euros("10.00"), at=PAID))
    paid.add(LineType.REFUND, "-12.00", "Refund", number=90)
    verdict = matched(paid).verdicts[-1]
    assert (str(verdict.matched), str(verdict.residual)) == ("-10.00 EUR", "-2.00 EUR")
    assert verdict.fault is Fault.REFUND_WITHOUT_RETURN


@given(st.integers(0, 10_000), st.booleans())
def test_facilitator_tax_is_settled_whether_it_is_shown_as_a_pair_or_not_at_all(seed: int, shown: bool) -> None:
    paid = sold(1, random.Random(seed))
    tax = Money.total((tax.amount for line in paid.order.lines for tax in line.taxes), "EUR")
    lines = tuple(
        line.model_copy(update={"taxes": (Tax(amount=line.taxes[0].amount, remitter=Remitter.CHANNEL),)})
        for line in paid.order.lines
    )
    paid.order = paid.order.model_copy(update={"lines": lines})
    kept = [line for line in paid.lines if line.type not in (LineType.TAX, LineType.TAX_WITHHELD)]
    pair = [(LineType.TAX, tax), (LineType.TAX_WITHHELD, -tax)] if shown else []
    paid.lines = [line.model_copy(update={"number": number}) for number, line in enumerate(kept, start=1)]
    for number, (kind, amount) in enumerate(pair, start=50):
        paid.add(kind, amount.amount, number=number)
    assert paid.order.totals.difference == euros("0")
    assert paid.expected.receivable == paid.order.receivable
    assert matched(paid).faults == frozenset()


def test_withheld_tax_that_is_paid_out_instead_is_paid_too_much() -> None:
    paid = next(e for e in settlement(300, 0, 6) if LineType.TAX_WITHHELD in {line.type for line in e.lines})
    paid.lines = [line for line in paid.lines if line.type is not LineType.TAX_WITHHELD]
    result = matched(paid)
    assert result.faults == {Fault.OVER_PAID}
    over = Money.total((each.residual for each in result.verdicts), "EUR")
    assert over == paid.expected.channel_tax


def test_every_line_type_has_its_verdict() -> None:
    paid = one()
    paid.lines = []
    for number, kind in enumerate(LineType, start=1):
        paid.add(kind, "-1.00", number=number)
    assert len(matched(paid).verdicts) == len(LineType)
    assert isinstance(paid.lines[0], SettlementLine)
