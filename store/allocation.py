"""Which node ships what of an order. Pure: stock in, decision out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from models.catalogue import ComponentLine
from models.fulfilment import Allocation, NodePlan, PickLine
from models.order import OrderKey

Stock = Mapping[tuple[str, str], int]
"""(item, node) -> units that are available."""

Recipe = Mapping[str, int]
"""Item -> units of it in one unit of an order line."""


def allocate(key: OrderKey, needs: Sequence[ComponentLine], units: Mapping[str, int], stock: Stock) -> Allocation:
    """Decide for `units` (order line id -> units of the line).

    All lines from one node if one has everything; else each line whole from one node; else a line's units over several
    nodes, a unit with all its components at one. Of several nodes the one with most of what is needed, then by name.
    When a line stays short, nobody ships anything. Lines of several components choose first, since only for them it
    matters where things lie together; still, two such lines that compete for one item may be called short too early.
    """
    recipes = recipes_of(needs, units)
    if not recipes:
        return Allocation(order_key=key, nodes=(), reason="nothing to ship")
    shelf = _Shelf(stock)
    if node := shelf.node_for(_total(recipes, units)):
        plan = {line: Counter({node: units[line]}) for line in recipes}
        return Allocation(order_key=key, nodes=_nodes(plan, recipes), reason=f"{node} has everything")
    plan, short = {}, {}
    for line in sorted(recipes, key=lambda name: -len(recipes[name])):
        plan[line] = shelf.take(recipes[line], units[line])
        if missing := units[line] - plan[line].total():
            short[line] = missing
    if short:
        return Allocation(order_key=key, nodes=(), short=short, reason=_why_short(recipes, units, stock, short))
    return Allocation(order_key=key, nodes=_nodes(plan, recipes), reason="no single node has everything")


def recipes_of(needs: Iterable[ComponentLine], units: Mapping[str, int]) -> dict[str, Recipe]:
    """The components of one unit of each line that is wanted. Raises `ValueError` for a line without components."""
    recipes: dict[str, Counter[str]] = {line: Counter() for line, wanted in units.items() if wanted > 0}
    for need in needs:
        if need.line_id in recipes:
            recipes[need.line_id][need.item] += need.per_unit
    if empty := [line for line, recipe in recipes.items() if not recipe]:
        raise ValueError(f"order lines {empty} have no components: explode them by their listing first")
    return dict(recipes)


class _Shelf:
    """What is still available while an order is being planned."""

    def __init__(self, stock: Stock) -> None:
        self._left = dict(stock)
        self._nodes = sorted({node for _, node in stock})

    def node_for(self, needed: Recipe) -> str | None:
        """The node that has all of it, with the most of it, then the first by name."""
        able = [node for node in self._nodes if self._sets(node, needed) >= 1]
        return max(able, key=lambda node: self._held(node, needed), default=None)

    def take(self, recipe: Recipe, units: int) -> Counter[str]:
        """Node -> units that it ships of a line; fewer than asked for when that is all there is."""
        whole = self.node_for({item: quantity * units for item, quantity in recipe.items()})
        order = [whole] if whole else sorted(self._nodes, key=lambda node: -self._sets(node, recipe))
        taken: Counter[str] = Counter()
        for node in order:
            here = min(self._sets(node, recipe), units - taken.total())
            if here > 0:
                taken[node] = here
                for item, quantity in recipe.items():
                    self._left[item, node] -= quantity * here
        return taken

    def _sets(self, node: str, recipe: Recipe) -> int:
        return min(self._left.get((item, node), 0) // quantity for item, quantity in recipe.items())

    def _held(self, node: str, recipe: Recipe) -> int:
        return sum(self._left.get((item, node), 0) for item in recipe)


def _total(recipes: Mapping[str, Recipe], units: Mapping[str, int]) -> Counter[str]:
    total: Counter[str] = Counter()
    for line, recipe in recipes.items():
        for item, quantity in recipe.items():
            total[item] += quantity * units[line]
    return total


def _nodes(plan: Mapping[str, Counter[str]], recipes: Mapping[str, Recipe]) -> tuple[NodePlan, ...]:
    names = sorted({node for nodes in plan.values() for node in nodes})
    return tuple(
        _node_plan(node, {line: plan[line][node] for line in recipes if plan[line][node]}, recipes) for node in names
    )


def _node_plan(node: str, units: dict[str, int], recipes: Mapping[str, Recipe]) -> NodePlan:
    picks = tuple(
        PickLine(line_id=line, item=item, per_unit=quantity, quantity=quantity * count)
        for line, count in units.items()
        for item, quantity in recipes[line].items()
    )
    return NodePlan(node=node, units=units, picks=picks)


def _why_short(recipes: Mapping[str, Recipe], units: Mapping[str, int], stock: Stock, short: Mapping[str, int]) -> str:
    needed = _total(recipes, units)
    items = sorted({item for line in short for item in recipes[line]})
    available = {item: sum(count for (name, _), count in stock.items() if name == item) for item in items}
    stated = ", ".join(f"{item}: {needed[item]} needed, {available[item]} available" for item in items)
    return f"{stated} (a unit needs all its components at one node)"
