"""Quantities: whatever is tried, every unit is in exactly one place, and an illegal move changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import ValidationError

from models.quantities import Bucket, LineQuantities, QuantityError, QuantityLedger

LINES = ("L1", "L2")
KINDS = ("delivered", "returned", "goodwill", "refunded")
line_ids = st.sampled_from(LINES)
buckets = st.sampled_from(Bucket)
few = st.integers(-1, 4)


class LedgerMachine(RuleBasedStateMachine):
    """Moves units about in the ledger, and beside it in plain counters that know the rules in their own way."""

    @initialize(ordered=st.tuples(st.integers(1, 6), st.integers(1, 6)))
    def take_order(self, ordered: tuple[int, int]) -> None:
        self.ordered = dict(zip(LINES, ordered, strict=True))
        self.ledger = QuantityLedger(
            lines={name: LineQuantities.ordered_as(count) for name, count in self.ordered.items()}
        )
        self.units = {name: [Bucket.OPEN] * count for name, count in self.ordered.items()}
        self.counted: dict[str, Counter[str]] = {name: Counter() for name in LINES}

    @rule(line_id=line_ids, quantity=few, source=buckets, into=buckets)
    def move(self, line_id: str, quantity: int, source: Bucket, into: Bucket) -> None:
        units = self._moved(line_id, quantity, source, into)
        legal = 0 <= quantity <= self.units[line_id].count(source) and self._holds(units, self.counted[line_id])
        before = self.ledger
        if not legal:
            with pytest.raises(QuantityError):
                before.move(line_id, quantity, source, into)
            return
        self.ledger = before.move(line_id, quantity, source, into)
        self.units[line_id] = units

    @rule(source=buckets, into=buckets)
    def move_all(self, source: Bucket, into: Bucket) -> None:
        moved = {name: self._moved(name, units.count(source), source, into) for name, units in self.units.items()}
        if not all(self._holds(moved[name], self.counted[name]) for name in LINES):
            with pytest.raises(QuantityError):
                self.ledger.move_all(source, into)
            return
        self.ledger = self.ledger.move_all(source, into)
        self.units = moved

    @rule(line_id=line_ids, kind=st.sampled_from(KINDS), units=st.integers(-1, 2))
    def count(self, line_id: str, kind: str, units: int) -> None:
        counted = self.counted[line_id] + Counter({kind: max(units, 0)})
        if units < 0 or not self._holds(self.units[line_id], counted):
            with pytest.raises(QuantityError):
                self.ledger[line_id].add(**{kind: units})
            return
        line = self.ledger[line_id].add(**{kind: units})
        self.ledger = QuantityLedger(lines={**self.ledger.lines, line_id: line})
        self.counted[line_id] = counted

    @rule(line_id=st.sampled_from(["", "L3", "l1"]))
    def move_on_a_line_that_is_not_there(self, line_id: str) -> None:
        with pytest.raises(QuantityError, match="no line"):
            self.ledger.move(line_id, 0, Bucket.OPEN, Bucket.RESERVED)

    @invariant()
    def every_unit_is_where_it_was_put(self) -> None:
        for name, units in self.units.items():
            assert {bucket: getattr(self.ledger[name], bucket) for bucket in Bucket} == {
                bucket: units.count(bucket) for bucket in Bucket
            }
            assert self.ledger[name].ordered == self.ordered[name] == len(units)

    @invariant()
    def what_was_counted_is_kept(self) -> None:
        for name, counted in self.counted.items():
            line = self.ledger[name]
            assert {kind: getattr(line, kind) for kind in KINDS} == {kind: counted[kind] for kind in KINDS}

    @invariant()
    def the_rules_of_the_domain_hold(self) -> None:
        for line in self.ledger.lines.values():
            assert line.ordered == line.open + line.cancelled + line.reserved + line.released + line.shipped
            assert line.delivered <= line.shipped
            assert line.returned <= line.shipped
            assert line.refunded <= line.cancelled + line.returned + line.goodwill
            assert min(line.model_dump().values()) >= 0

    @invariant()
    def the_ledger_knows_when_it_is_finished(self) -> None:
        every = [unit for units in self.units.values() for unit in units]
        assert self.ledger.finished == (set(every) <= {Bucket.SHIPPED, Bucket.CANCELLED})
        assert all(self.ledger.total(bucket) == every.count(bucket) for bucket in Bucket)

    def _moved(self, line_id: str, quantity: int, source: Bucket, into: Bucket) -> list[Bucket]:
        units = list(self.units[line_id])
        for _ in range(min(quantity, units.count(source))):
            units.remove(source)
            units.append(into)
        return units

    @staticmethod
    def _holds(units: list[Bucket], counted: Counter[str]) -> bool:
        """The domain's rules for what is counted beside the buckets."""
        gone, given_back = units.count(Bucket.SHIPPED), units.count(Bucket.CANCELLED)
        return (
            counted["delivered"] <= gone
            and counted["returned"] <= gone
            and counted["refunded"] <= given_back + counted["returned"] + counted["goodwill"]
        )


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(
    "counts",
    [
        {"ordered": 0, "open": 0},
        {"ordered": 2, "open": 1},
        {"ordered": 2, "open": 1, "shipped": 2},
        {"ordered": 2, "open": 3, "shipped": -1},
        {"ordered": 2, "open": 1, "shipped": 1, "delivered": 2},
        {"ordered": 2, "open": 1, "shipped": 1, "returned": 2},
        {"ordered": 2, "open": 1, "cancelled": 1, "refunded": 2},
        {"ordered": 2, "open": "two"},
    ],
)
def test_counts_that_break_a_rule_are_refused(counts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LineQuantities.model_validate(counts)


def test_a_line_starts_with_what_the_channel_had_already_done() -> None:
    line = LineQuantities.ordered_as(5, cancelled=1, shipped=2)
    assert (line.open, line.cancelled, line.shipped, line.unfinished) == (2, 1, 2, 2)


def test_a_refused_move_says_how_many_there_are_and_changes_nothing() -> None:
    line = LineQuantities.ordered_as(5)
    with pytest.raises(QuantityError, match="cannot move 6 from open to reserved: only 5 there"):
        line.move(6, Bucket.OPEN, Bucket.RESERVED)
    assert line == LineQuantities.ordered_as(5)


def test_what_was_delivered_cannot_be_unshipped() -> None:
    line = LineQuantities.ordered_as(2, shipped=2).add(delivered=1)
    with pytest.raises(QuantityError, match="exceeds shipped"):
        line.move(2, Bucket.SHIPPED, Bucket.OPEN)


def test_more_than_was_given_back_is_not_refunded() -> None:
    line = LineQuantities.ordered_as(3, cancelled=1, shipped=2).add(returned=1, goodwill=1, refunded=3)
    with pytest.raises(QuantityError, match="refunded exceeds"):
        line.add(refunded=1)


def test_what_was_counted_is_not_taken_back() -> None:
    line = LineQuantities.ordered_as(3, shipped=3).add(delivered=2)
    with pytest.raises(QuantityError, match="cannot take back"):
        line.add(delivered=-1)
