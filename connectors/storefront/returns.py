"""Returns of the contract as canonical returns."""

from __future__ import annotations

from typing import Any

from connectors.drift import unknown_fields
from connectors.errors import SchemaDrift
from connectors.ports import Drift, ParsedReturns
from connectors.storefront.contract import ReturnLine, StorefrontReturn
from connectors.storefront.order import CHANNEL, Purse
from connectors.storefront.parse import each_document, kind
from connectors.storefront.refusals import CONTRACT, read
from connectors.storefront.schema import known_fields
from models import returns
from models.order import OrderKey
from models.returns import ChannelReturn, ReturnState

_FIELDS = known_fields(StorefrontReturn)


def parse_returns(body: bytes, account: str) -> ParsedReturns:
    """Never raises; one bad return of a page does not hide the others."""
    found, refusals = each_document(body, "returns", lambda value: _return(value, account))
    return ParsedReturns(
        returns=tuple(each for each, _ in found),
        refusals=refusals,
        drift=tuple(dict.fromkeys(drift for _, drifts in found for drift in drifts)),
    )


def _return(value: Any, account: str) -> tuple[ChannelReturn, tuple[Drift, ...]]:
    if not isinstance(value, dict) or "order_id" not in value:
        raise SchemaDrift("not_a_return", "$", kind(value), f"Send the whole return, as {CONTRACT} shows it.")
    given = read(StorefrontReturn, value)
    _check_lines(given)
    refunded = given.refunded
    found = ChannelReturn(
        return_id=given.id,
        order_key=OrderKey(channel=CHANNEL, account=account, external_id=given.order_id),
        version=given.updated_at,
        state=ReturnState(given.state),
        lines=tuple(map(_line, given.lines)),
        rma=given.rma,
        carrier=given.carrier,
        tracking=given.tracking,
        requested_at=given.created_at,
        refunded=None if refunded is None else Purse(refunded.currency).money(refunded.amount, "refunded.amount"),
    )
    return found, unknown_fields(value, _FIELDS)


def _line(line: ReturnLine) -> returns.ReturnLine:
    return returns.ReturnLine(
        return_line_id=line.id, line_id=line.line_id, sku=line.sku, quantity=line.quantity, reason=line.reason
    )


def _check_lines(given: StorefrontReturn) -> None:
    ids = [line.id for line in given.lines]
    for index, line_id in enumerate(ids):
        if line_id in ids[:index]:
            raise SchemaDrift("duplicate_line", f"lines[{index}].id", line_id, "Line ids are unique within a return.")
