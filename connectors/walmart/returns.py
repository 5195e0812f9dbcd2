"""Return orders (Returns v3, and Mexico's shape) to canonical returns: pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connectors.drift import known_fields, unknown_fields
from connectors.errors import SchemaDrift
from connectors.ports import ParsedReturns, Refusal
from connectors.walmart.documents import decode
from connectors.walmart.node import Node
from connectors.walmart.parse import first_line, refusal, unreadable
from connectors.walmart.vocabulary import CHANNEL, VOCABULARY
from models.money import Money, MoneyError
from models.order import OrderKey
from models.returns import ChannelReturn, ReturnLine, ReturnState

_IN_A_LIST = known_fields(Path(__file__).with_name("fields_return.txt"))
_KNOWN = _IN_A_LIST | frozenset(line.removeprefix("returnOrders[].") for line in _IN_A_LIST)
_HOW_FAR = (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.RECEIVED, ReturnState.CLOSED)
SEPARATOR = "#"
"""Between a return's id and the purchase order, where a return is of several."""


def parse_returns(body: bytes, account: str) -> ParsedReturns:
    """Never raises; one bad return of a list does not hide the others."""
    try:
        root = Node(decode(body))
    except ValueError as error:
        return ParsedReturns(refusals=(unreadable(body, str(error)),))
    try:
        return _parsed(root, account)
    except RecursionError:
        return ParsedReturns(refusals=(unreadable(body, "nested too deeply"),))


def _parsed(root: Node, account: str) -> ParsedReturns:
    found = _returns_in(root)
    if found is None:
        remedy = "Answers of GET /v3/returns hold returns."
        return ParsedReturns(refusals=(refusal(root.drift("not_a_return", remedy), None),))
    read = [each for node in found for each in _read(node, account)]
    return ParsedReturns(
        returns=tuple(each for each in read if isinstance(each, ChannelReturn)),
        refusals=tuple(each for each in read if isinstance(each, Refusal)),
        drift=unknown_fields(root.value, _KNOWN),
    )


def _returns_in(root: Node) -> list[Node] | None:
    if root.has("returnOrders"):
        return list(root["returnOrders"].each())
    return [root] if root.has("returnOrderId") and root.has("returnOrderLines") else None


def _read(found: Node, account: str) -> Iterator[ChannelReturn | Refusal]:
    return_id = found["returnOrderId"].text() or None
    try:
        yield from list(_returns_of(found, account))
    except SchemaDrift as drift:
        yield refusal(drift, return_id)
    except (ValidationError, MoneyError) as error:
        yield refusal(found.drift("invalid", f"The return cannot be kept: {first_line(error)}."), return_id)


def _returns_of(found: Node, account: str) -> Iterator[ChannelReturn]:
    """A buyer may return goods of several purchase orders at once: that is a return of each."""
    by_order: dict[str, list[Node]] = {}
    for line in found["returnOrderLines"].each():
        by_order.setdefault(line["purchaseOrderId"].identifier(), []).append(line)
    if not by_order:
        raise found["returnOrderLines"].drift("items_absent", "A return has lines: read it again.")
    return_id = found["returnOrderId"].identifier()
    alone = len(by_order) == 1
    for order_id, lines in by_order.items():
        yield ChannelReturn(
            return_id=return_id if alone else f"{return_id}{SEPARATOR}{order_id}",
            order_key=OrderKey(channel=CHANNEL, account=account, external_id=order_id),
            version=changed_at(found, lines),
            state=_state(lines),
            lines=tuple(_line(line) for line in lines),
            rma="" if alone else return_id,
            requested_at=found["returnOrderDate"].moment_if_readable(),
            refunded=_refunded(lines),
            **_label(found),
        )


def changed_at(found: Node, lines: list[Node]) -> datetime:
    """The newest of the lines' times; of their events, where the status has not moved."""
    times = [line["statusTime"] for line in lines]
    times += [event["eventTime"] for line in lines for event in line["returnTrackingDetail"].each()]
    times += [part["statusTime"] for line in lines for part in line["currentTrackingStatuses"].each()]
    moments = [moment for each in times if (moment := each.moment_if_readable())]
    return max(moments) if moments else found["returnOrderDate"].moment()


def _state(lines: list[Node]) -> ReturnState:
    """That of the line that is furthest behind; cancelled lines hold up nothing."""
    states = {_word(line["status"]) for line in lines}
    waiting = [state for state in _HOW_FAR if state in states]
    return waiting[0] if waiting else ReturnState.CANCELLED


def _word(status: Node) -> ReturnState:
    if not status:
        raise status.drift("missing", "The return's status is needed: read it again.")
    found = VOCABULARY.return_states.get(status.text().upper())
    if found is None:
        known = ", ".join(VOCABULARY.return_states)
        raise status.drift("unknown_status", f"Known are {known}; map the new status, then replay the return.")
    return found


def _line(line: Node) -> ReturnLine:
    return ReturnLine(
        return_line_id=line["returnOrderLineNumber"].identifier(),
        line_id=line["purchaseOrderLineNumber"].text() or None,
        sku=line["item"]["sku"].text(),
        quantity=quantity_of(line),
        reason=line["returnReason"].text() or line["reasonCode"].text(),
    )


def quantity_of(line: Node) -> int:
    """`measurementValue` in the US, `amount` in Mexico."""
    stated = line["quantity"]
    return (stated["measurementValue"] if stated.has("measurementValue") else stated["amount"]).quantity()


def refunded_units(line: Node) -> int:
    return line["refundedQty"].quantity() if line["refundedQty"] else 0


def _refunded(lines: list[Node]) -> Money | None:
    """What was paid back so far: charges of one unit, and their taxes, for each unit that is refunded."""
    paid = [(line, refunded_units(line)) for line in lines]
    amounts = [_per_unit(line) * units for line, units in paid if units]
    amounts += [_mexican(line) for line in lines if _is_paid_in_mexico(line)]
    return Money.total(amounts, amounts[0].currency) if amounts else None


def _is_paid_in_mexico(line: Node) -> bool:
    return bool(line["refundAmount"]) and _word(line["status"]) is ReturnState.CLOSED


def _mexican(line: Node) -> Money:
    amount = line["refundAmount"]
    return amount.money(_currency(amount["currency"]))


def _per_unit(line: Node) -> Money:
    price = line["unitPrice"]
    currency = _currency(price["currencyUnit"])
    total = Money.zero(currency)
    for charge in line["charges"].each():
        parts = [charge["chargePerUnit"], *(tax["taxPerUnit"] for tax in charge["tax"].each())]
        whole = Money.total(
            (part.money(currency, "currencyAmount", "currencyUnit") for part in parts if part), currency
        )
        lowers = charge["isDiscount"].value is True and whole.amount > 0
        total = total - whole if lowers else total + whole
    return total


def _currency(code: Node) -> str:
    try:
        return Money.zero(code.text()).currency
    except ValueError:
        raise code.drift("wrong_value", "A currency is a code of ISO 4217, like USD.") from None


def _label(found: Node) -> dict[str, Any]:
    """Carrier and number of the first label, or of Mexico's first shipment."""
    for group in found["returnLineGroups"].each():
        for label in group["labels"].each():
            for carrier in label["carrierInfoList"].each():
                return {"carrier": carrier["carrierName"].text(), "tracking": carrier["trackingNo"].text()}
    for shipment in found["returnOrderShipments"].each():
        return {"tracking": shipment["trackingNumber"].text()}
    return {}
