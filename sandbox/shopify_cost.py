"""Shopify's two quotas: points for GraphQL queries, calls for REST. Both are buckets that refill steadily."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

POINTS = (2000.0, 100.0)
"""Bucket and restore rate of a Standard shop; shopify.dev, "API rate limits"."""
LARGEST_QUERY = 1000
MUTATION_COST = 10


class LeakyBucket:
    def __init__(self, maximum: float, restore: float) -> None:
        self.maximum = maximum
        self.restore = restore
        self._left = maximum
        self._at = time.monotonic()

    @property
    def available(self) -> float:
        moment = time.monotonic()
        self._left = min(self.maximum, self._left + (moment - self._at) * self.restore)
        self._at = moment
        return self._left

    def take(self, points: float) -> None:
        self._left = self.available - points


class QueryCost:
    """The points a query asks for: one an object with an id, as many times as the lists around it are long."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def of(self, operation: OperationDefinitionNode) -> int:
        root = self._schema.get_root_type(operation.operation)
        base = MUTATION_COST if operation.operation.value == "mutation" else 0
        return base + (self._selected(operation.selection_set, root) if root else 0)

    def _selected(self, selection: SelectionSetNode | None, parent: GraphQLCompositeType) -> int:
        return sum(self._part(node, parent) for node in selection.selections) if selection else 0

    def _part(self, node: Any, parent: GraphQLCompositeType) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._selected(self._fragments[node.name.value].selection_set, parent)
        if isinstance(node, InlineFragmentNode):
            named = self._schema.get_type(node.type_condition.name.value) if node.type_condition else parent
            return self._selected(node.selection_set, named or parent)  # type: ignore[arg-type]
        return self._field(node, parent)

    def _field(self, node: FieldNode, parent: GraphQLCompositeType) -> int:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or node.name.value not in parent.fields:
            return 0
        kind = get_named_type(parent.fields[node.name.value].type)
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        own = 1 if "id" in kind.fields else 0
        return self._times(node) * (own + self._selected(node.selection_set, kind))

    def _times(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode):
                    return int(self._variables.get(value.name.value) or 1)
        return 1


def spent(data: Any) -> int:
    """What an answer really cost: its objects with an id."""
    if isinstance(data, list):
        return sum(spent(each) for each in data)
    if isinstance(data, dict):
        return int("id" in data) + sum(spent(each) for each in data.values())
    return 0
