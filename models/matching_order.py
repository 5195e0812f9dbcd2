"""An order's lines of one settlement against its expected money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from models.base import Moment
from models.expected_money import ExpectedGoods, ExpectedMoney
from models.matching import Booked, Fault, Finding, OrderMatch, is_late
from models.matching_costs import answer_costs, refund_findings
from models.matching_pots import ZERO, Answers, Pot
from models.money import Money
from models.settlement import RECEIVABLE, LineType, SettlementLine
from models.settlement_rules import RuleSet

_PLAIN = {
    LineType.SHIPPING: "shipping",
    LineType.GIFT_WRAP: "other",
    LineType.PROMOTION: "promotion",
    LineType.TAX: "tax",
    LineType.TAX_WITHHELD: "tax withheld",
}
SALE = "sale"
GOODS = "goods"


def match_order(
    expected: ExpectedMoney,
    lines: Sequence[SettlementLine],
    earlier: Sequence[Booked],
    rules: RuleSet,
    as_of: Moment | None,
) -> OrderMatch:
    """`lines`: all of the order in this settlement; `earlier`: those of earlier settlements; `as_of`: what the
    settlement covers, None when it does not say."""
    answers = Answers(expected.currency, earlier)
    for line in lines:
        if line.type is LineType.UNKNOWN:
            answers.give(line, "", line.amount.amount, Fault.UNKNOWN_LABEL)
    pots = _Pots(expected, lines, earlier, rules)
    pots.answer(answers)
    shortage = answer_costs(expected, lines, earlier, rules, answers, pots.shortage)
    due = expected.due(rules.window_days)
    findings = [
        *([] if shortage else pots.findings(due is not None and as_of is not None and as_of > due)),
        *refund_findings(expected, lines, earlier, rules, as_of),
        *_late(lines, due),
    ]
    return OrderMatch(verdicts=answers.all(lines), findings=tuple(findings))


def _late(lines: Sequence[SettlementLine], due: Moment | None) -> Iterator[Finding]:
    late = next((line for line in lines if line.type in RECEIVABLE and is_late(line, due)), None)
    if late:
        yield Finding(fault=Fault.LATE, component=late.label, amount=late.amount * 0, number=late.number)


class _Pots:
    """The receivable, by kind. A channel that pays an order in one amount has one pot."""

    def __init__(
        self, expected: ExpectedMoney, lines: Sequence[SettlementLine], earlier: Sequence[Booked], rules: RuleSet
    ) -> None:
        self._expected = expected
        kinds = {line.type for line in lines} | {booked.line.type for booked in earlier}
        self._pots = self._as_one(rules) if LineType.SALE in kinds else self._by_kind(kinds, rules)
        for booked in earlier:
            if booked.line.type in RECEIVABLE:
                self._pot(booked.line).takes_earlier(booked)
        for line in lines:
            if line.type in RECEIVABLE:
                self._pot(line).lines.append(line)

    def _as_one(self, rules: RuleSet) -> dict[str, Pot]:
        return {SALE: Pot(SALE, self._expected.receivable, tolerance=rules.tolerated(LineType.SALE))}

    def _by_kind(self, kinds: set[LineType], rules: RuleSet) -> dict[str, Pot]:
        """Facilitator tax is in both tax pots where the channel shows it as a pair, and in none where it does not."""
        of = self._expected
        shown = of.channel_tax if LineType.TAX_WITHHELD in kinds else Money.zero(of.currency)
        amounts = {
            LineType.SHIPPING: of.shipping,
            LineType.GIFT_WRAP: of.other,
            LineType.PROMOTION: of.promotion,
            LineType.TAX: of.seller_tax + shown,
            LineType.TAX_WITHHELD: -shown,
        }
        pots = {
            f"{GOODS} {each.line_id}": Pot(each.line_id, each.amount, tolerance=rules.tolerated(LineType.GOODS))
            for each in of.goods
        }
        for kind, amount in amounts.items():
            pots[_PLAIN[kind]] = Pot(_PLAIN[kind], amount, tolerance=rules.tolerated(kind))
        return pots

    def _pot(self, line: SettlementLine) -> Pot:
        if SALE in self._pots:
            return self._pots[SALE]
        if line.type is not LineType.GOODS:
            return self._pots[_PLAIN[line.type]]
        named = self._pots.get(f"{GOODS} {line.line_id}")
        return named or self._nearest(line)

    def _nearest(self, line: SettlementLine) -> Pot:
        """Of a line that does not name its order line: the goods that it pays exactly, else the first not paid."""
        goods = [self._pots[f"{GOODS} {each.line_id}"] for each in self._expected.goods]
        open_ones = [pot for pot in goods if pot.remaining - pot.sum]
        exact = [pot for pot in open_ones if pot.remaining - pot.sum == line.amount.amount]
        return (exact or open_ones or goods)[0]

    @property
    def shortage(self) -> Decimal:
        return sum((pot.shortage for pot in self._pots.values()), start=ZERO)

    def answer(self, answers: Answers) -> None:
        pots = list(self._pots.values())
        off = [pot for pot in pots if pot.sum != pot.remaining]
        whole = sum((pot.sum for pot in pots), start=ZERO) == sum((pot.remaining for pot in pots), start=ZERO)
        if len(off) > 1 and whole:
            # The channel splits the total otherwise (prices with the tax in them): the order is paid to the cent.
            for pot in pots:
                for line in pot.lines:
                    answers.give(line, "order total")
                pot.remaining = ZERO
            return
        for pot in pots:
            pot.answer(answers)

    def findings(self, overdue: bool) -> Iterator[Finding]:
        """What is not paid, or not in full. Units that are not settled yet are waited for until the money is due."""
        settled = self._units_settled()
        for name, pot in self._pots.items():
            missing = pot.shortage if overdue or settled.get(name, all(settled.values())) else self._short(name, pot)
            if missing * pot.expected > 0:
                fault = Fault.SHORT_PAID if pot.touched and pot.paid else Fault.MISSING
                yield Finding(fault=fault, component=name, amount=Money.of(missing, self._expected.currency))

    def _units_settled(self) -> dict[str, bool]:
        """Goods -> whether lines for all their units are there. A line that does not count units is for all of them."""
        return {
            f"{GOODS} {each.line_id}": not each.units or (pot.touched and self._units(pot, each) >= each.units)
            for each in self._expected.goods
            if (pot := self._pots.get(f"{GOODS} {each.line_id}", self._pots.get(SALE)))
        }

    def _units(self, pot: Pot, goods: ExpectedGoods) -> int:
        lines = [*pot.lines, *(booked.line for booked in pot.earlier)]
        counted = [line.quantity for line in lines if line.amount.amount > 0]
        return goods.units if None in counted else sum(units for units in counted if units)

    def _short(self, name: str, pot: Pot) -> Decimal:
        """Of goods of which some units are settled: what these are paid too little."""
        goods = next((each for each in self._expected.goods if f"{GOODS} {each.line_id}" == name), None)
        if goods is None or not pot.touched:
            return ZERO
        units = self._units(pot, goods)
        share = goods.amount.allocate([units, goods.units - units])[0].amount
        return max(share - pot.paid, ZERO)
