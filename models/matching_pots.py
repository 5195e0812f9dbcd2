"""One kind of an order's money (goods of a line, shipping, tax …): what is expected of it, and which lines pay it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from models.matching import Booked, Fault, LineRef, Verdict
from models.money import Money
from models.settlement import LineType, SettlementLine

ZERO = Decimal(0)


class Answers:
    """The verdicts on the new lines, and the residuals that a correction can settle."""

    def __init__(self, currency: str, earlier: Sequence[Booked]) -> None:
        self._currency = currency
        self._verdicts: dict[int, Verdict] = {}
        self._open = {each.ref: (each.residual.amount, each.line.type) for each in earlier if each.residual}
        self._corrected: dict[int, Decimal] = {}

    def give(
        self,
        line: SettlementLine,
        rule: str,
        residual: Decimal = ZERO,
        fault: Fault | None = None,
        settles: Sequence[LineRef] = (),
    ) -> None:
        rest = Money(amount=residual, currency=self._currency)
        self._verdicts[line.number] = Verdict(
            number=line.number,
            matched=line.amount - rest,
            residual=rest,
            fault=fault,
            rule=rule if line.amount != rest else "",
            settles=tuple(settles),
            corrected=self._corrected_by(line),
        )

    def _corrected_by(self, line: SettlementLine) -> Money | None:
        amount = self._corrected.get(line.number)
        return Money(amount=amount, currency=self._currency) if amount else None

    def corrects(self, line: SettlementLine, types: Iterable[LineType]) -> tuple[list[LineRef], Decimal]:
        """Earlier residuals of these types that the line takes back wholly, and what of the line is left then."""
        wanted = frozenset(types)
        left = line.amount.amount
        settled: list[LineRef] = []
        for ref, (amount, kind) in self._open.items():
            if kind in wanted and amount * left < 0 and abs(amount) <= abs(left):
                settled.append(ref)
                left += amount
        for ref in settled:
            del self._open[ref]
        self._corrected[line.number] = line.amount.amount - left
        return settled, left

    def all(self, lines: Sequence[SettlementLine]) -> tuple[Verdict, ...]:
        return tuple(self._verdicts[line.number] for line in lines)

    def matched(self, lines: Iterable[SettlementLine]) -> Decimal:
        return sum((self._verdicts[line.number].matched.amount for line in lines), start=ZERO)


class Pot:
    """A part of what is receivable. `expected` is signed: promotions and withheld tax are negative."""

    def __init__(self, name: str, expected: Money, *, tolerance: Decimal = ZERO) -> None:
        self.name = name
        self.expected = expected.amount
        self.remaining = expected.amount
        self._tolerance = tolerance
        self.lines: list[SettlementLine] = []
        self.earlier: list[Booked] = []
        self.spread = False
        """True when the channel splits the order's total differently: only the total counts."""

    def takes_earlier(self, booked: Booked) -> None:
        self.earlier.append(booked)
        self.remaining -= booked.matched.amount

    @property
    def paid(self) -> Decimal:
        return self.expected - self.remaining

    @property
    def sum(self) -> Decimal:
        return sum((line.amount.amount for line in self.lines), start=ZERO)

    @property
    def touched(self) -> bool:
        return bool(self.lines or self.earlier)

    @property
    def shortage(self) -> Decimal:
        """What is still to come, within the tolerance nothing."""
        return ZERO if abs(self.remaining) <= self._tolerance else self.remaining

    def answer(self, answers: Answers) -> None:
        off = self.sum - self.remaining
        if self.lines and (off == 0 or abs(off) <= self._tolerance):
            for line in self.lines:
                answers.give(line, "exact" if off == 0 else f"tolerance {self._tolerance}")
            self.remaining = ZERO
            return
        for line in self.lines:
            self._answer(line, answers)

    def _answer(self, line: SettlementLine, answers: Answers) -> None:
        amount = line.amount.amount
        if amount * self.remaining > 0:
            taken = amount if abs(amount) <= abs(self.remaining) else self.remaining
            self.remaining -= taken
            rest = amount - taken
            answers.give(line, "exact" if not rest else "in part", rest, Fault.OVER_PAID if rest else None)
            return
        settled, left = answers.corrects(line, {line.type})
        if not left:
            answers.give(line, "corrects" if settled else "exact", settles=settled)
        else:
            answers.give(line, "corrects", left, self._fault(line, left), settled)

    def _fault(self, line: SettlementLine, left: Decimal) -> Fault:
        if self._seen_before(line):
            return Fault.DUPLICATE
        return Fault.OVER_PAID if left > 0 else Fault.SHORT_PAID

    def _seen_before(self, line: SettlementLine) -> bool:
        mark = _mark(line)
        before = [each for each in self.lines if each.number < line.number]
        return any(_mark(each) == mark for each in [*before, *(booked.line for booked in self.earlier)])


def _mark(line: SettlementLine) -> tuple[object, ...]:
    return line.type, line.label, line.line_id, line.amount, line.quantity
