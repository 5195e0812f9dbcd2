"""How an order can be filled from some nodes: who ships what, and what is short then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from models.lots import Lot
from models.routing import RoutingRules
from models.standings import Standing

Taken = Counter[tuple[str, str]]
"""(line, item) -> units."""


@dataclass
class Plan:
    taken: dict[str, Taken] = field(default_factory=dict)
    """Node -> what it ships."""
    short: Taken = field(default_factory=Counter)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, taken in self.taken.items() if taken.total()))

    def units(self, node: str) -> int:
        return self.taken[node].total() if node in self.taken else 0


class Filling:
    """Fills lots from the nodes it may use. Each lot whole from one node if one has it, else as the rules allow."""

    def __init__(
        self, standings: Iterable[Standing], stock: Mapping[str, Mapping[str, int]], rules: RoutingRules
    ) -> None:
        self._standings = {standing.name: standing for standing in standings}
        self._left = {name: dict(stock.get(name, {})) for name in self._standings}
        self._rules = rules
        self._homes: dict[str, str] = {}
        self.plan = Plan()

    def fill(self, lots: Sequence[Lot]) -> Plan:
        for lot in lots:
            missing = self._put(lot)
            if missing and self._rules.split_bundles and len(lot.recipe) > 1:
                missing -= self._put_apart(lot, missing)
            for item, quantity in lot.recipe.items():
                self.plan.short[lot.line_id, item] += quantity * missing
        self.plan.short = +self.plan.short
        return self.plan

    def _put(self, lot: Lot) -> int:
        """Returns the sets that found no node."""
        missing = lot.units
        for name in self._order(lot):
            here = min(self._sets(name, lot.recipe), missing) if self._may_use(name, lot.line_id) else 0
            if here:
                self._move(name, lot, here)
                missing -= here
        return missing

    def _put_apart(self, lot: Lot, sets: int) -> int:
        """Each item of the sets from whichever node has it; only sets of which every item was found count."""
        before = {name: taken.copy() for name, taken in self.plan.taken.items()}
        whole = min(sets - self._put(Lot(lot.line_id, {item: count}, sets)) for item, count in lot.recipe.items())
        for item, count in lot.recipe.items():
            self._put_back(lot.line_id, item, count * whole, before)
        return whole

    def _put_back(self, line_id: str, item: str, wanted: int, before: Mapping[str, Taken]) -> None:
        """Leave `wanted` units of what was taken since `before`; the last node gives its surplus back first."""
        place = (line_id, item)
        since = {name: taken[place] - before.get(name, Counter())[place] for name, taken in self.plan.taken.items()}
        surplus = sum(since.values()) - wanted
        for name in reversed([name for name, units in since.items() if units]):
            back = min(surplus, since[name])
            self.plan.taken[name][place] -= back
            self._left[name][item] += back
            surplus -= back

    def _order(self, lot: Lot) -> list[str]:
        """The best node that has the whole lot; if none has, all of them, the best first."""
        sets = {name: self._sets(name, lot.recipe) for name in self._standings if self._may_use(name, lot.line_id)}
        whole = [name for name, here in sets.items() if here >= lot.units]
        able = whole or [name for name, here in sets.items() if here]
        keys = {name: self._standings[name].key(min(sets[name], lot.units), self._held(name, lot)) for name in able}
        return sorted(able, key=lambda name: (keys[name], name))[: 1 if whole else None]

    def _may_use(self, name: str, line_id: str) -> bool:
        home = None if self._rules.split_units else self._homes.get(line_id)
        most = self._rules.most_nodes
        used = self.plan.nodes
        return home in (None, name) and (most is None or name in used or len(used) < most)

    def _sets(self, name: str, recipe: Mapping[str, int]) -> int:
        return min(self._left[name].get(item, 0) // quantity for item, quantity in recipe.items())

    def _held(self, name: str, lot: Lot) -> int:
        return sum(self._left[name].get(item, 0) for item in lot.recipe)

    def _move(self, name: str, lot: Lot, sets: int) -> None:
        self._homes.setdefault(lot.line_id, name)
        taken = self.plan.taken.setdefault(name, Counter())
        for item, quantity in lot.recipe.items():
            taken[lot.line_id, item] += quantity * sets
            self._left[name][item] -= quantity * sets
