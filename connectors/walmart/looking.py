"""What an order says of an earlier attempt whose reply was lost: whether it has had its effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.walmart.bodies import charges
from connectors.walmart.node import Node
from connectors.walmart.order import Line, line_id_of, lines_of
from connectors.walmart.statuses import parcels_of, units_of
from models.channel import RefundLine, RefundRequest
from models.fulfilment import ConfirmedParcel


class Seen:
    """An order as it stands now."""

    def __init__(self, order: Node) -> None:
        self._order = order
        nodes = {line_id_of(node): node for node in lines_of(order)}
        self.lines = {line_id: Line(node, line_id, units_of(node)) for line_id, node in nodes.items()}

    @property
    def acknowledged(self) -> bool:
        return not any(line.units.created for line in self.lines.values())

    def has(self, parcel: ConfirmedParcel) -> bool:
        """True when the order carries this very parcel: a shipping call is taken whole or not at all."""
        known = parcels_of(self._order, ((line_id, line.node) for line_id, line in self.lines.items()))
        units = Counter[str]()
        for each in known:
            if each.tracking == parcel.tracking:
                units.update(each.quantities)
        return all(units[line_id] >= count for line_id, count in parcel.units.items())

    def uncancelled(self, units: Mapping[str, int]) -> dict[str, int]:
        """What of the units is not cancelled yet."""
        left = {line_id: count - self._cancelled(line_id) for line_id, count in units.items()}
        return {line_id: count for line_id, count in left.items() if count > 0}

    def _cancelled(self, line_id: str) -> int:
        return self.lines[line_id].units.cancelled if line_id in self.lines else 0

    def is_refunded(self, request: RefundRequest) -> bool:
        """True when every line of the request carries its refund."""
        return all(self._carries(line, request.request_id) for line in request.lines)

    def _carries(self, line: RefundLine, request_id: str) -> bool:
        """By the id in its comment. Where Walmart shows no comments, the same amounts count: never pay twice."""
        refunds = list(self.lines[line.line_id].node["refund"].each()) if line.line_id in self.lines else []
        comments = [text for refund in refunds if (text := refund["refundComments"].text())]
        if comments:
            return any(f"[{request_id}]" in text for text in comments)
        shown = [_amounts(each["charge"]) for r in refunds for each in r["refundCharges"].within("refundCharge")]
        return bool(shown) and all(_amounts(Node(charge)) in shown for charge in charges(line))


def _amounts(charge: Node) -> tuple[str, Decimal, Decimal]:
    taxes = (tax["taxAmount"]["amount"] for tax in charge["tax"].each())
    return (
        charge["chargeType"].text(),
        _number(charge["chargeAmount"]["amount"]),
        sum((_number(tax) for tax in taxes), Decimal(0)),
    )


def _number(node: Node) -> Decimal:
    value: Any = node.value
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) else Decimal(0)
