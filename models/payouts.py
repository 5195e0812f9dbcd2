"""Which payout a line of the bank's statement brings, and which payouts have not come. Pure.

A line that names the settlement counts first. Else the amount decides, when it can mean one payout only, and that
payout one line only: what is not certain stays as it is, and is shown to a person.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from models.bank import StatementLine
from models.base import Model
from models.money import Money
from models.settlement import SettlementKey
from models.words import Names

T = TypeVar("T")
ARRIVES_WITHIN = timedelta(days=10)
"""A payout that is matched by its amount alone has come so soon after it was sent, and not before."""
BEFORE_IT_WAS_SENT = timedelta(days=2)
"""Banks and channels are in different time zones, and some channels state the day after."""
TELLING = 6
"""A shorter settlement id is a number that a bank's text may have by chance: then the amount must be the payout's."""


class MatchedBy(StrEnum):
    REFERENCE = "reference"
    AMOUNT = "amount"


class Payout(Model):
    """What a settlement announced, and what the bank has shown of it."""

    key: SettlementKey
    amount: Money
    sent_on: date
    arrived: Money

    @property
    def rest(self) -> Money:
        return self.amount - self.arrived

    @property
    def name(self) -> str:
        """What a bank's text calls it: the settlement's id, without the currency that a second one is told apart by."""
        return self.key.settlement_id.removesuffix(f" {self.amount.currency}")

    @property
    def days(self) -> tuple[date, date]:
        """From which to which day its amount alone may tell it. Over these days it is matched by its name alone."""
        return self.sent_on - BEFORE_IT_WAS_SENT, self.sent_on + ARRIVES_WITHIN


class Match(Model):
    line: StatementLine
    key: SettlementKey
    by: MatchedBy


def matches(lines: Sequence[StatementLine], payouts: Iterable[Payout]) -> list[Match]:
    """`lines` belong to no payout yet. A payout that has come is not in question any more."""
    waiting = {str(payout.key): payout for payout in payouts if payout.rest}
    named = _named(lines, waiting)
    found: list[Match] = []
    for exactly in (True, False):
        for line in _without(lines, found):
            meant = [waiting[key] for key in named[line.reference] if _brings(line, waiting[key], exactly=exactly)]
            if len(meant) == 1:
                found.append(Match(line=line, key=meant[0].key, by=MatchedBy.REFERENCE))
                waiting[str(meant[0].key)] = meant[0].model_copy(update={"arrived": meant[0].arrived + line.amount})
    return [*found, *_by_amount(_without(lines, found), waiting.values())]


def _without(lines: Iterable[StatementLine], found: Iterable[Match]) -> list[StatementLine]:
    taken = {match.line.reference for match in found}
    return [line for line in lines if line.reference not in taken]


def _named(lines: Iterable[StatementLine], waiting: Mapping[str, Payout]) -> dict[str, list[str]]:
    """Of each line, the payouts whose settlement is a word of its text. Each text is read once for all of them."""
    of_name: defaultdict[str, list[str]] = defaultdict(list)
    for key, payout in waiting.items():
        of_name[payout.name].append(key)
    names = Names(of_name)
    return {line.reference: [key for name in names.within(line.text) for key in of_name[name]] for line in lines}


def _brings(line: StatementLine, payout: Payout, *, exactly: bool) -> bool:
    """Of a line that names it: whether it brings something, and (`exactly`) just what is still to come."""
    if line.amount.currency != payout.amount.currency or not payout.rest:
        return False
    return line.amount == payout.rest if exactly else len(payout.name) >= TELLING


def _by_amount(lines: Sequence[StatementLine], payouts: Iterable[Payout]) -> Iterator[Match]:
    """Neither may have an alternative: the line among payouts of its days, the payout among lines of its own."""
    sent: defaultdict[Money, list[Payout]] = defaultdict(list)
    booked: defaultdict[Money, list[StatementLine]] = defaultdict(list)
    for payout in sorted(payouts, key=_sent_on):
        if not payout.arrived:
            sent[payout.amount].append(payout)
    for line in sorted(lines, key=_booked_on):
        booked[line.amount].append(line)
    for line in lines:
        day = line.booked_on
        meant = _between(sent.get(line.amount, []), day - ARRIVES_WITHIN, day + BEFORE_IT_WAS_SENT, _sent_on)
        if len(meant) == 1 and len(_between(booked[line.amount], *meant[0].days, _booked_on)) == 1:
            yield Match(line=line, key=meant[0].key, by=MatchedBy.AMOUNT)


def _sent_on(payout: Payout) -> date:
    return payout.sent_on


def _booked_on(line: StatementLine) -> date:
    return line.booked_on


def _between(ordered: list[T], first: date, last: date, day: Callable[[T], date]) -> list[T]:
    return ordered[bisect_left(ordered, first, key=day) : bisect_right(ordered, last, key=day)]


def from_a_channel(line: StatementLine, channels: Iterable[str]) -> bool:
    """Whether the bank's words name one of the channels: such money is theirs, whoever it belongs to."""
    words = line.label.casefold()
    return any(channel.casefold() in words for channel in channels)
