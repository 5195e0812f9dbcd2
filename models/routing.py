"""The rules by which a node is chosen: data with a version, in force from a moment on."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from models.base import Model, Moment
from models.fulfilment import RoutingRequest
from models.money import Currency
from models.nodes import Node


class Criterion(StrEnum):
    """What plans are compared by. Less is better, unless it says otherwise."""

    FEWEST_PARCELS = "fewest_parcels"
    """Nodes that ship."""
    WHOLE_LINES = "whole_lines"
    """Order lines that are split over nodes."""
    SAME_ENTITY = "same_entity"
    """Units shipped by another legal entity than the one that sells."""
    NEAREST = "nearest"
    """Distance of each unit: 0 same region, 1 same country, 2 abroad."""
    ON_TIME = "on_time"
    """Nodes from which the goods leave after the ship-by date."""
    EARLIEST = "earliest"
    """The day on which the last parcel leaves; cut-off times and handling days count."""
    COST = "cost"
    """What the parcels cost; a node that has no cost for the country comes last."""
    CAPACITY_LEFT = "capacity_left"
    """What the fullest node can still do today; more is better."""
    MOST_STOCK = "most_stock"
    """Units of the ordered items that the nodes have; more is better."""


class RoutingRules(Model):
    """Which plan is best, and what may be split. Always before any criterion: as little short as can be, and no node
    beyond its capacity while another can ship. After the last criterion: the first by name."""

    name: str = Field(min_length=1)
    version: int = Field(default=0, ge=0)
    in_force_from: Moment | None = None
    """Empty for at once."""
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    split_lines: bool = True
    """The lines of an order may leave from different nodes."""
    split_units: bool = True
    """The units of one line may leave from different nodes."""
    split_bundles: bool = False
    """The components of one bundle unit may leave from different nodes."""
    max_nodes: int | None = Field(default=None, ge=1)
    currency: Currency = "EUR"
    """Of the nodes' costs."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.split_bundles and not self.split_units:
            raise ValueError("split_bundles needs split_units: set both, or neither")
        if doubled := sorted({each.value for each in self.criteria if self.criteria.count(each) > 1}):
            raise ValueError(f"criteria names {', '.join(doubled)} twice: name each criterion once")
        return self

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def most_nodes(self) -> int | None:
        return self.max_nodes if self.split_lines else 1


DEFAULT_RULES = RoutingRules(
    name="fewest-parcels", criteria=(Criterion.FEWEST_PARCELS, Criterion.WHOLE_LINES, Criterion.MOST_STOCK)
)
"""In force until somebody applies others."""


class Shelves(Model):
    """What a decision looks at beside the request and the rules."""

    nodes: tuple[Node, ...] = ()
    stock: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Node -> item -> units available."""
    load: dict[str, int] = Field(default_factory=dict)
    """Node -> fulfilments that it has begun today."""

    def every_node(self) -> tuple[Node, ...]:
        """By name; those of which only the stock is known too."""
        known = {node.name: node for node in self.nodes}
        return tuple(known.get(name) or Node(name=name) for name in sorted({*known, *self.stock}))


class Inputs(Model):
    """Everything that a decision was made from: with it the same code comes to the same decision again."""

    request: RoutingRequest
    shelves: Shelves
    rules: RoutingRules
