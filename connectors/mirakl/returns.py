"""Returns of RT11 to canonical ones: pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from connectors.drift import known_fields, unknown_fields
from connectors.errors import SchemaDrift
from connectors.mirakl.node import Node, decode
from connectors.mirakl.parse import refusal
from connectors.mirakl.vocabulary import CHANNEL, RETURN_STATES
from connectors.ports import ParsedReturns, Refusal
from models.order import OrderKey
from models.returns import ChannelReturn, ReturnLine, ReturnState

FIELDS = known_fields(Path(__file__).with_name("fields_return.txt"))
NOT_RETURNS = "Send the answer of RT11 ({data: […]}) or one of its returns as it came."


def parse_returns(body: bytes, account: str) -> ParsedReturns:
    """An answer of RT11, or a single return. Never raises."""
    try:
        found = list(_returns(Node(decode(body))))
    except ValueError as error:
        drift = SchemaDrift("not_json", "$", body[:60], f"The document is not JSON ({error}): keep RT11's answer.")
        return ParsedReturns(refusals=(refusal(drift, None),))
    except SchemaDrift as drift:
        return ParsedReturns(refusals=(refusal(drift, None),))
    results = [_read(node, account) for node in found]
    drifts = (drift for node in found if isinstance(node.value, dict) for drift in unknown_fields(node.value, FIELDS))
    return ParsedReturns(
        returns=tuple(result for result in results if isinstance(result, ChannelReturn)),
        refusals=tuple(result for result in results if isinstance(result, Refusal)),
        drift=tuple(dict.fromkeys(drifts)),
    )


def _returns(root: Node) -> Iterator[Node]:
    if root.has("return_lines"):
        yield root
    elif root.has("data"):
        yield from root["data"].each()
    elif isinstance(root.value, list):
        yield from root.each()
    else:
        raise root.drift("not_a_return", NOT_RETURNS)


def _read(node: Node, account: str) -> ChannelReturn | Refusal:
    return_id = node["id"].text() or None
    try:
        if not node.has("return_lines"):
            raise node.drift("not_a_return", NOT_RETURNS)
        return _canonical(node, account)
    except SchemaDrift as drift:
        return refusal(drift, return_id)
    except ValidationError as error:
        first_line = str(error).splitlines()[0]
        return refusal(node.drift("invalid", f"The return cannot be kept: {first_line}."), return_id)


def _canonical(node: Node, account: str) -> ChannelReturn:
    tracking = node["tracking"]
    return ChannelReturn(
        return_id=node["id"].identifier(),
        order_key=OrderKey(channel=CHANNEL, account=account, external_id=node["order_id"].identifier()),
        version=node["last_updated"].moment(),
        state=_state(node["state"]),
        lines=tuple(_line(line, node["reason_code"].text()) for line in node["return_lines"].each()),
        rma=node["rma"].text(),
        carrier=tracking["carrier_name"].text() or tracking["carrierName"].text(),
        tracking=tracking["tracking_number"].text(),
        requested_at=node["date_created"].moment_if_readable(),
    )


def _state(node: Node) -> ReturnState:
    """Raises `SchemaDrift` for a word that would leave open what to do."""
    found = RETURN_STATES.get(node.text())
    if found is None:
        reason = "unknown_status" if node else "missing"
        raise node.drift(reason, f"Known are {', '.join(RETURN_STATES)}; map it, then replay the return.")
    return found


def _line(node: Node, reason: str) -> ReturnLine:
    """A return's line has no id of its own: the order line's is unique within it."""
    line_id = node["order_line_id"].identifier()
    quantity = node["quantity"]
    if quantity.quantity() < 1:
        raise quantity.drift("wrong_value", "A return is of one unit at least.")
    return ReturnLine(
        return_line_id=line_id,
        line_id=line_id,
        quantity=quantity.quantity(),
        reason=node["reason_code"].text() or reason,
    )
