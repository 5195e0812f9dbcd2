"""Which payout a line of the bank's statement brings, and which payouts have not come. Pure.

A line that names the settlement counts first. Else the amount decides, when it can mean one payout only, and that
payout one line only: what is not certain stays as it is, and is shown to a person.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from enum import StrEnum

from models.bank import StatementLine
from models.base import Model
from models.money import Money
from models.settlement import SettlementKey

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

    def may_come_on(self, day: date) -> bool:
        return self.sent_on - BEFORE_IT_WAS_SENT <= day <= self.sent_on + ARRIVES_WITHIN


class Match(Model):
    line: StatementLine
    key: SettlementKey
    by: MatchedBy


def matches(lines: Sequence[StatementLine], payouts: Iterable[Payout]) -> list[Match]:
    """`lines` belong to no payout yet. A payout that has come is not in question any more."""
    waiting = {str(payout.key): payout for payout in payouts if payout.rest}
    found: list[Match] = []
    for exactly in (True, False):
        for line in _without(lines, found):
            named = [payout for payout in waiting.values() if _names(line, payout, exactly=exactly)]
            if len(named) == 1:
                found.append(Match(line=line, key=named[0].key, by=MatchedBy.REFERENCE))
                waiting[str(named[0].key)] = named[0].model_copy(update={"arrived": named[0].arrived + line.amount})
    return [*found, *_by_amount(_without(lines, found), waiting.values())]


def _without(lines: Iterable[StatementLine], found: Iterable[Match]) -> list[StatementLine]:
    taken = {match.line.reference for match in found}
    return [line for line in lines if line.reference not in taken]


def _names(line: StatementLine, payout: Payout, *, exactly: bool) -> bool:
    """Whether a word of the line is the settlement's id, and (`exactly`) it brings just what is still to come."""
    if line.amount.currency != payout.amount.currency or not payout.rest:
        return False
    name = payout.key.settlement_id.removesuffix(f" {payout.amount.currency}")
    if line.amount != payout.rest if exactly else len(name) < TELLING:
        return False
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line.text, re.IGNORECASE) is not None


def _by_amount(lines: Iterable[StatementLine], payouts: Iterable[Payout]) -> Iterator[Match]:
    untouched = [payout for payout in payouts if not payout.arrived]
    pairs = [
        (line, payout)
        for line in lines
        for payout in untouched
        if line.amount == payout.amount and payout.may_come_on(line.booked_on)
    ]
    of_line: defaultdict[str, int] = defaultdict(int)
    of_payout: defaultdict[str, int] = defaultdict(int)
    for line, payout in pairs:
        of_line[line.reference] += 1
        of_payout[str(payout.key)] += 1
    for line, payout in pairs:
        if of_line[line.reference] == of_payout[str(payout.key)] == 1:
            yield Match(line=line, key=payout.key, by=MatchedBy.AMOUNT)


def from_a_channel(line: StatementLine, channels: Iterable[str]) -> bool:
    """Whether the bank's words name one of the channels: such money is theirs, whoever it belongs to."""
    words = line.label.casefold()
    return any(channel.casefold() in words for channel in channels)
