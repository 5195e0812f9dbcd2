"""How a node stands to an order: the figures that plans are compared by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.fulfilment import RoutingRequest
from models.nodes import Node
from models.routing import Criterion, RoutingRules

NO_COST = Decimal("Infinity")
UNLIMITED = 10**9
"""Stands for what a node without a capacity can still do."""
Figure = Decimal | int


@dataclass(frozen=True)
class Standing:
    node: Node
    criteria: tuple[Criterion, ...]
    stranger: bool
    """Another legal entity than the one that sells."""
    distance: int
    leaves_on: date
    late: bool
    cost: Decimal
    capacity_left: int

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def full(self) -> bool:
        return self.capacity_left <= 0

    def key(self, units: int, held: int) -> tuple[Figure, ...]:
        """To choose a node for a lot: it can ship `units` of it, and holds `held` of its items. Less is better."""
        figures: dict[Criterion, Figure] = {
            Criterion.FEWEST_PARCELS: -units,
            Criterion.WHOLE_LINES: -units,
            Criterion.SAME_ENTITY: self.stranger,
            Criterion.NEAREST: self.distance,
            Criterion.ON_TIME: self.late,
            Criterion.EARLIEST: self.leaves_on.toordinal(),
            Criterion.COST: self.cost,
            Criterion.CAPACITY_LEFT: -self.capacity_left,
            Criterion.MOST_STOCK: -held,
        }
        return (self.full, *(figures[criterion] for criterion in self.criteria))


def standing(node: Node, request: RoutingRequest, rules: RoutingRules, load: int) -> Standing:
    leaves_on = node.leaves_on(request.at)
    cost = node.cost(request.country)
    return Standing(
        node=node,
        criteria=rules.criteria,
        stranger=bool(node.entity and request.sold_by and node.entity != request.sold_by),
        distance=node.distance(request.country, request.region),
        leaves_on=leaves_on,
        late=request.ship_by is not None and leaves_on > node.local_day(request.ship_by),
        cost=NO_COST if cost is None else cost,
        capacity_left=UNLIMITED if node.capacity is None else node.capacity - load,
    )


@dataclass(frozen=True)
class Share:
    """What a plan takes from a node."""

    standing: Standing
    units: int
    held: int
    """Units of the ordered items that the node has."""


def plan_figures(shares: Sequence[Share], split_lines: int) -> dict[Criterion, Figure]:
    """A plan's figure for each criterion, less is better. One that ships nothing has none that could speak for it."""
    if not shares:
        return dict.fromkeys(Criterion, UNLIMITED)
    return {
        Criterion.FEWEST_PARCELS: len(shares),
        Criterion.WHOLE_LINES: split_lines,
        Criterion.SAME_ENTITY: sum(share.units for share in shares if share.standing.stranger),
        Criterion.NEAREST: sum(share.units * share.standing.distance for share in shares),
        Criterion.ON_TIME: sum(share.standing.late for share in shares),
        Criterion.EARLIEST: max(share.standing.leaves_on for share in shares).toordinal(),
        Criterion.COST: sum((share.standing.cost for share in shares), Decimal(0)),
        Criterion.CAPACITY_LEFT: -min(share.standing.capacity_left for share in shares),
        Criterion.MOST_STOCK: -sum(share.held for share in shares),
    }


def in_words(criterion: Criterion, figure: Figure, currency: str) -> str:
    """A figure as an operator reads it."""
    match criterion:
        case Criterion.EARLIEST:
            return date.fromordinal(int(figure)).isoformat() if figure != UNLIMITED else "never"
        case Criterion.COST:
            return f"{figure} {currency}" if Decimal(figure).is_finite() else "no cost known"
        case Criterion.CAPACITY_LEFT:
            return "any number" if figure == -UNLIMITED else str(-figure)
        case Criterion.MOST_STOCK:
            return str(-figure)
        case _:
            return str(int(figure))


def useless(node: Node, request: RoutingRequest) -> str | None:
    """Why a node cannot ship this order, whatever it has in stock; None when it can."""
    if reason := request.excluded.get(node.name):
        return f"excluded: {reason}"
    if not node.active:
        return "not active"
    if not node.serves_place(request.country, request.region):
        return f"not served: {request.country}{f'-{request.region}' if request.region else ''}"
    if not node.offers(request.service_level):
        return f"does not offer {request.service_level}"
    return None


def first_difference(
    criteria: Iterable[Criterion], one: dict[Criterion, Figure], other: dict[Criterion, Figure]
) -> Criterion | None:
    return next((criterion for criterion in criteria if one[criterion] != other[criterion]), None)
