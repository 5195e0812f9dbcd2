"""The choice of the nodes that ship an order. Pure: request, nodes, stock, load and rules in, decision out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from models.fulfilment import Allocation, Candidate, NodePlan, RoutingRequest
from models.lots import as_picks, lots_of
from models.plans import Filling, Plan
from models.routing import Criterion, RoutingRules, Shelves
from models.standings import (
    Figure,
    Share,
    Standing,
    first_difference,
    in_words,
    plan_figures,
    standing,
    useless,
)

WEIGHED_TOGETHER = 6
"""So many of the best nodes are tried in every combination; of further ones only all together, the best first."""


@dataclass(frozen=True)
class Weighed:
    """A plan, and how good it is."""

    plan: Plan
    short: int
    full: int
    """Nodes in it that are beyond their capacity."""
    figures: dict[Criterion, Figure]
    key: tuple[Figure, ...]

    @property
    def order(self) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
        return self.key, self.plan.nodes


def decide(request: RoutingRequest, shelves: Shelves, rules: RoutingRules) -> Allocation:
    """The best plan by the rules, each node with the reason why it is in it or not.

    The same input gives the same decision, in whatever order nodes and stock are given. When something is short and
    `request.partial` is not set, no node ships anything.
    """
    return _Decision(request, shelves, rules).allocation()


class _Decision:
    def __init__(self, request: RoutingRequest, shelves: Shelves, rules: RoutingRules) -> None:
        self._request = request
        self._rules = rules
        self._shelves = shelves
        self._lots = lots_of(request.picks)
        self._wanted: Counter[str] = Counter()
        for pick in request.picks:
            self._wanted[pick.item] += pick.quantity
        self._nodes = shelves.every_node()
        self._useless = {node.name: why for node in self._nodes if (why := useless(node, request))}
        self._standings = {
            node.name: standing(node, request, rules, shelves.load.get(node.name, 0))
            for node in self._nodes
            if node.name not in self._useless and self._held(node.name)
        }
        self._alone = {name: self._weigh([each]) for name, each in self._standings.items()}

    def allocation(self) -> Allocation:
        best, second = self._best_two()
        ships = self._request.partial or not best.short
        return Allocation(
            order_key=self._request.order_key,
            decision=self._request.decision,
            nodes=tuple(self._node_plan(name, best.plan) for name in best.plan.nodes) if ships else (),
            short=as_picks(best.plan.short, self._request.picks),
            rule=self._rules.label,
            reason=self._reason(best, second),
            considered=tuple(self._candidate(node.name, best, ships) for node in self._nodes),
        )

    def _best_two(self) -> tuple[Weighed, Weighed | None]:
        weighed = sorted(self._plans(), key=lambda each: each.order)
        best = weighed[0]
        return best, next((each for each in weighed if each.plan.nodes not in (best.plan.nodes, ())), None)

    def _plans(self) -> Iterable[Weighed]:
        alone = sorted(self._alone.values(), key=lambda each: each.order)
        yield from alone
        yield self._weigh([])
        one_is_best = self._rules.criteria[0] is Criterion.FEWEST_PARCELS and alone and not alone[0].key[0]
        if one_is_best and not alone[0].full:
            return
        ranked = sorted(self._standings.values(), key=lambda each: self._alone[each.name].order)
        for size in range(2, min(self._rules.most_nodes or WEIGHED_TOGETHER, WEIGHED_TOGETHER) + 1):
            yield from (self._weigh(some) for some in combinations(ranked[:WEIGHED_TOGETHER], size))
        yield self._weigh(ranked)

    def _weigh(self, standings: Sequence[Standing]) -> Weighed:
        plan = Filling(standings, self._shelves.stock, self._rules).fill(self._lots)
        shares = [
            Share(each, plan.units(each.name), self._held(each.name)) for each in standings if plan.units(each.name)
        ]
        lines = Counter(line for name in plan.nodes for line in {line for line, _ in +plan.taken[name]})
        figures = plan_figures(shares, sum(nodes > 1 for nodes in lines.values()))
        full = sum(share.standing.full for share in shares)
        short = plan.short.total()
        return Weighed(plan, short, full, figures, (short, full, *(figures[each] for each in self._rules.criteria)))

    def _held(self, node: str) -> int:
        stock = self._shelves.stock.get(node, {})
        return sum(max(stock.get(item, 0), 0) for item in self._wanted)

    def _node_plan(self, name: str, plan: Plan) -> NodePlan:
        standing = self._standings[name]
        entity = standing.node.entity if standing.stranger else ""
        return NodePlan(node=name, picks=as_picks(plan.taken[name], self._request.picks), entity=entity)

    # Why, in words

    def _candidate(self, name: str, best: Weighed, ships: bool) -> Candidate:
        chosen = ships and name in best.plan.nodes
        if why := self._useless.get(name):
            return Candidate(node=name, chosen=False, why=why)
        if name not in self._standings:
            return Candidate(node=name, chosen=False, why="has nothing of it")
        score = {"short": str(self._alone[name].short), "beyond_capacity": str(self._alone[name].full)}
        score |= {each.value: self._words(each, self._alone[name]) for each in self._rules.criteria}
        why = self._chosen(name, best) if chosen else self._lost(name, best, ships)
        return Candidate(node=name, chosen=chosen, why=why, score=score)

    def _chosen(self, name: str, best: Weighed) -> str:
        standing = self._standings[name]
        node = standing.node
        told = [f"ships {best.plan.units(name)} of {self._wanted.total()} from {node.country or name}"]
        if node.cut_off:
            passed = "passed" if node.cut_off_passed(self._request.at) else "not passed"
            told.append(f"cut-off {node.cut_off:%H:%M} {passed}")
        told.append(f"leaves {standing.leaves_on}")
        if standing.cost.is_finite():
            told.append(f"{standing.cost} {self._rules.currency}")
        if standing.full:
            told.append(f"beyond its capacity of {node.capacity} today")
        return ", ".join(told)

    def _lost(self, name: str, best: Weighed, ships: bool) -> str:
        alone = self._alone[name]
        could = f"could ship {alone.plan.units(name)} of {self._wanted.total()}"
        if not alone.plan.nodes:
            return "has not enough for a whole unit"
        if not ships:
            return f"{could}, but not all can be shipped and the order is not to be shipped in part"
        return f"{could}; {self._behind(alone, best)}"

    def _behind(self, one: Weighed, best: Weighed) -> str:
        if one.short != best.short:
            return f"{one.short} would stay short against {best.short}"
        if one.full != best.full:
            full = [self._standings[name] for name in one.plan.nodes if self._standings[name].full]
            return ", ".join(f"{each.name} has done the {each.node.capacity} of its capacity today" for each in full)
        criterion = first_difference(self._rules.criteria, one.figures, best.figures)
        if criterion is None:
            return "equal in all, and later by name"
        return f"behind on {criterion.value}: {self._words(criterion, one)} against {self._words(criterion, best)}"

    def _words(self, criterion: Criterion, weighed: Weighed) -> str:
        return in_words(criterion, weighed.figures[criterion], self._rules.currency)

    def _reason(self, best: Weighed, second: Weighed | None) -> str:
        if best.short:
            return self._why_short(best)
        names = " and ".join(best.plan.nodes)
        told = f"{names} has everything" if len(best.plan.nodes) == 1 else f"{names} have everything together"
        if second is None or second.short:
            return f"{told}, and no other has"
        return f"{told}; {' and '.join(second.plan.nodes)} would too, {self._behind(second, best)}"

    def _why_short(self, best: Weighed) -> str:
        items = sorted({item for _, item in best.plan.short})
        available = {
            item: sum(self._shelves.stock.get(name, {}).get(item, 0) for name in self._standings) for item in items
        }
        stated = ", ".join(f"{item}: {self._wanted[item]} needed, {available[item]} available" for item in items)
        apart = any(len(lot.recipe) > 1 for lot in self._lots) and not self._rules.split_bundles
        return stated + (" (a unit needs all its components at one node)" if apart else "")
