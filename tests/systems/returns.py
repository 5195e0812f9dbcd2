"""Credit notes and returned goods to send to the systems."""

from __future__ import annotations

from typing import Any

from models.channel import RefundReason
from models.refundable import Standing, lines_of
from models.refunds import RefundClaim, credit_lines
from models.systems import Condition, CreditNote, ReturnedItem, ReturnReceipt
from tests.systems.orders import AT, CORRELATION_ID, order


def credit_note(number: str = "R-1", units: dict[str, int] | None = None, **claim: Any) -> CreditNote:
    """One tent of the order in `orders.py`, unless told otherwise."""
    wanted = RefundClaim(
        request_id=number,
        order_key=order().key,
        reason=RefundReason.GOODWILL,
        units={"L1": 1} if units is None else units,
        **claim,
    )
    return CreditNote(
        note_id=f"{order().key}#credit:{number}",
        order_key=order().key,
        correlation_id=str(CORRELATION_ID),
        issued_at=AT,
        lines=credit_lines(lines_of(order(), Standing(), wanted)),
        reason=wanted.reason,
    )


def receipt(number: str = "P-1", **changes: Any) -> ReturnReceipt:
    """One tent that can be sold again, and a stove that cannot."""
    fields: dict[str, Any] = {
        "receipt_id": f"{order().key}#receipt:{number}",
        "order_key": order().key,
        "correlation_id": str(CORRELATION_ID),
        "node": "BER-1",
        "received_at": AT,
        "items": (
            ReturnedItem(line_id="L1", item="TENT-4P", quantity=1, condition=Condition.RESELL),
            ReturnedItem(line_id="L2", item="STOVE-GAS", quantity=1, condition=Condition.SCRAP),
        ),
        **changes,
    }
    return ReturnReceipt(**fields)
