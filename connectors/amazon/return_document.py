"""Returns of the External Fulfillment Returns API 2024-09-11, in whatever they are wrapped."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.amazon.node import Node, decode
from connectors.amazon.words import RETURN_STATES
from models.order import OrderKey
from models.returns import ChannelReturn, ReturnLine, ReturnState

WRAPPERS = ("returns", "return", "payload", "response", "body")
MARKS = ("returnMetadata", "marketplaceChannelDetails", "returnShippingInfo", "returnType")
DEEPEST = 12


def returns_in(node: Node, depth: int = 0) -> Iterator[Node]:
    if depth > DEEPEST:
        return
    if isinstance(node.value, list):
        for index in range(len(node.value)):
            yield from returns_in(node.at(index), depth + 1)
    elif sum(node.has(mark) for mark in MARKS) >= 2:
        yield node
    elif isinstance(node.value, dict):
        for name in WRAPPERS:
            if node.has(name):
                yield from returns_in(_read(node[name]), depth + 1)


def of_node(node: Node, account: str) -> ChannelReturn:
    """Raises `SchemaDrift` naming what is needed and not there."""
    details, shipping = node["marketplaceChannelDetails"], node["returnShippingInfo"]
    sku = details["channelSku"].text() or node["merchantSku"].text()
    quantity = node["numberOfUnits"].quantity()
    if quantity < 1:
        raise node["numberOfUnits"].drift("wrong_value", "A return has at least one unit.")
    reverse = shipping["reverseTrackingInfo"]
    line = ReturnLine(
        return_line_id=sku or "?", sku=sku, quantity=quantity, reason=node["returnMetadata"]["returnReason"].text()
    )
    return ChannelReturn(
        return_id=node["id"].identifier(),
        order_key=OrderKey(channel="amazon", account=account, external_id=details["customerOrderId"].identifier()),
        version=node["lastUpdatedDateTime"].moment(),
        state=_state(node["status"]),
        lines=(line,),
        rma=node["returnMetadata"]["rmaId"].text(),
        carrier=reverse["carrierName"].text(),
        tracking=reverse["trackingId"].text(),
        requested_at=node["creationDateTime"].moment_if_readable(),
    )


def _state(node: Node) -> ReturnState:
    word = node.identifier()
    if word not in RETURN_STATES:
        remedy = f"Known are {', '.join(sorted(RETURN_STATES))}; map the new status, then replay the return."
        raise node.drift("unknown_status", remedy)
    return RETURN_STATES[word]


def _read(node: Node) -> Node:
    """A recorded body may be the text of a JSON document."""
    if not isinstance(node.value, str):
        return node
    try:
        return Node(decode(node.value), node.path, node.unread)
    except ValueError:
        return node
