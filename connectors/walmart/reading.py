"""The two lists that are walked: purchase orders by their kind of ship node, and return orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from connectors.walmart import quotas
from connectors.walmart.node import Node
from connectors.walmart.order import lines_of
from connectors.walmart.returns import changed_at as return_changed_at
from connectors.walmart.statuses import changed_at
from connectors.walmart.vocabulary import SIDES
from connectors.walmart.walk import Source, polled, written


def order_source(options: Mapping[str, Any]) -> Source:
    """A search is of one kind of ship node, the seller's own unless another is asked for."""
    kinds = [str(kind) for kind in options.get("ship_node_types", tuple(SIDES))]
    return Source(
        operation=quotas.LIST_ORDERS,
        path="/v3/orders",
        parts=tuple({"shipNodeType": kind, "replacementInfo": "true"} for kind in kinds),
        since="lastModifiedStartDate",
        to="lastModifiedEndDate",
        history=lambda oldest: {"createdStartDate": written(oldest)},
        members=("list", "elements", "order"),
        polled=partial(polled, name="purchaseOrderId", version=_order_version, wrapped='{"order":@}'),
    )


def return_source() -> Source:
    return Source(
        operation=quotas.LIST_RETURNS,
        path="/v3/returns",
        parts=({"replacementInfo": "true"},),
        since="returnLastModifiedStartDate",
        to="returnLastModifiedEndDate",
        history=lambda oldest: {"returnCreationStartDate": written(oldest)},
        members=("returnOrders",),
        polled=partial(polled, name="returnOrderId", version=_return_version, wrapped='{"returnOrders":[@]}'),
    )


def _order_version(order: Node) -> datetime:
    return changed_at(order, lines_of(order))


def _return_version(found: Node) -> datetime:
    return return_changed_at(found, list(found["returnOrderLines"].each()))
