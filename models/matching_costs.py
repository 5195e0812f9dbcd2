"""What a channel takes: commission by contract, fees as charged, refunds that are known, reserves, adjustments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from models.base import Moment
from models.expected_money import ExpectedMoney
from models.matching import Booked, Fault, Finding
from models.matching_pots import ZERO, Answers
from models.money import Money
from models.settlement import LineType, SettlementLine
from models.settlement_rules import RuleSet

UNEXPLAINED = frozenset(LineType) - {LineType.RESERVE}
"""An adjustment corrects what nobody could explain. A reserve is explained, and released by its own kind."""


def answer_costs(
    expected: ExpectedMoney,
    lines: Sequence[SettlementLine],
    earlier: Sequence[Booked],
    rules: RuleSet,
    answers: Answers,
    shortage: Decimal,
) -> bool:
    """True when an adjustment pays exactly what was short."""
    by_type = {kind: [line for line in lines if line.type is kind] for kind in LineType}
    paid_before = any(each.line.amount.amount == shortage for each in _of(earlier, LineType.ADJUSTMENT))
    paid_short = _adjustments(by_type[LineType.ADJUSTMENT], answers, shortage) or paid_before
    for line in (*by_type[LineType.FEE], *by_type[LineType.TRANSFER]):
        answers.give(line, "as charged" if line.type is LineType.FEE else "as booked")
    _reserves(by_type[LineType.RESERVE], answers)
    _refunds(expected, by_type[LineType.REFUND], earlier, rules, answers)
    refunding = bool(expected.refunds or by_type[LineType.REFUND] or _of(earlier, LineType.REFUND))
    _commission(_Commission(expected, lines, earlier, rules, answers), refunding)
    return paid_short


def _adjustments(lines: Sequence[SettlementLine], answers: Answers, shortage: Decimal) -> bool:
    paid_short = False
    for line in lines:
        if shortage and line.amount.amount == shortage and not paid_short:
            answers.give(line, "pays what was short")
            paid_short = True
            continue
        settled, left = answers.corrects(line, UNEXPLAINED)
        answers.give(line, "corrects" if settled and not left else "as booked", settles=settled)
    return paid_short


def _reserves(lines: Sequence[SettlementLine], answers: Answers) -> None:
    for line in lines:
        settled, left = answers.corrects(line, {LineType.RESERVE})
        answers.give(line, "released", left, Fault.RESERVE if left else None, settled)


class _Commission:
    """The commission of an order: so far, now, and by contract."""

    def __init__(
        self,
        expected: ExpectedMoney,
        lines: Sequence[SettlementLine],
        earlier: Sequence[Booked],
        rules: RuleSet,
        answers: Answers,
    ) -> None:
        own = [line for line in lines if line.type is LineType.COMMISSION]
        self.charged = [line for line in own if line.amount.amount <= 0]
        self.given_back = [line for line in own if line.amount.amount > 0]
        self.answers = answers
        self.tolerance = rules.tolerated(LineType.COMMISSION) * max(len(self.charged), 1)
        base = frozenset(rules.contract.commission_base)
        paid = answers.matched(line for line in lines if line.type in base)
        paid += sum((each.matched.amount for each in earlier if each.line.type in base), start=ZERO)
        before = [each.matched.amount for each in _of(earlier, LineType.COMMISSION) if each.line.amount.amount <= 0]
        self.due = self._by_contract(rules, paid, expected.currency)
        if self.due is not None:
            self.due -= sum(before, start=ZERO)

    @staticmethod
    def _by_contract(rules: RuleSet, paid: Decimal, currency: str) -> Decimal | None:
        rate = rules.contract.commission_rate
        return None if rate is None else -Money.rounded(rate * paid, currency).amount


def _commission(of: _Commission, refunding: bool) -> None:
    """A rest beyond the tolerance is a residual of the last line that charges it."""
    charged = sum((line.amount.amount for line in of.charged), start=ZERO)
    off = ZERO if of.due is None else charged - of.due
    within = abs(off) <= of.tolerance
    for line in of.charged:
        if line is of.charged[-1] and not within:
            of.answers.give(line, "in part", off, Fault.FEE_DIFFERS)
        else:
            of.answers.give(line, "as charged" if of.due is None else "by contract")
    for line in of.given_back:
        settled, left = of.answers.corrects(line, {LineType.COMMISSION})
        if refunding or not left:
            of.answers.give(line, "given back", settles=settled)
        else:
            of.answers.give(line, "corrects", left, Fault.FEE_DIFFERS, settled)


def _refunds(
    expected: ExpectedMoney,
    lines: Sequence[SettlementLine],
    earlier: Sequence[Booked],
    rules: RuleSet,
    answers: Answers,
) -> None:
    """Up to what is known to be refunded, with or without the tax that the channel remits. More is a residual."""
    before = sum((each.matched.amount for each in _of(earlier, LineType.REFUND)), start=ZERO)
    now = sum((line.amount.amount for line in lines), start=ZERO)
    tolerance = rules.tolerated(LineType.REFUND) * max(len(lines), 1)
    net, gross = (-each - before for each in _known(expected))
    if expected.refunds and (now >= net - tolerance or abs(now - gross) <= tolerance):
        for line in lines:
            answers.give(line, "exact" if now in (net, gross) else "known refund")
        return
    room = net if expected.refunds else ZERO
    for line in lines:
        amount = line.amount.amount
        settled, left = answers.corrects(line, {LineType.REFUND})
        taken = max(left, room) if left < 0 and room < 0 else ZERO
        room -= taken
        rest = left - taken
        fault = Fault.REFUND_WITHOUT_RETURN if rest else None
        answers.give(line, "known refund" if amount != rest else "", rest, fault, settled)


def _known(expected: ExpectedMoney) -> tuple[Decimal, Decimal]:
    """What is to be refunded: what the seller bears, and what the buyer gets."""
    net = sum((refund.receivable.amount for refund in expected.refunds), start=ZERO)
    return net, sum((refund.total.amount for refund in expected.refunds), start=ZERO)


def refund_findings(
    expected: ExpectedMoney,
    lines: Sequence[SettlementLine],
    earlier: Sequence[Booked],
    rules: RuleSet,
    as_of: Moment | None,
) -> Iterator[Finding]:
    """Refunds that are known, that should have been taken off by now, and were not."""
    seen = sum((line.amount.amount for line in lines if line.type is LineType.REFUND), start=ZERO)
    seen += sum((each.matched.amount for each in _of(earlier, LineType.REFUND)), start=ZERO)
    window = timedelta(days=rules.window_days)
    left = -seen
    tolerance = rules.tolerated(LineType.REFUND)
    for refund in expected.refunds:
        covered = min(left, refund.receivable.amount)
        left -= covered
        missing = refund.receivable.amount - covered
        overdue = refund.at is not None and as_of is not None and as_of > refund.at + window
        if missing > tolerance and overdue:
            amount = Money.of(-missing, expected.currency)
            component = f"refund {refund.refund_id}"
            yield Finding(fault=Fault.RETURN_WITHOUT_REFUND, component=component, amount=amount)


def _of(earlier: Sequence[Booked], kind: LineType) -> list[Booked]:
    return [each for each in earlier if each.line.type is kind]
