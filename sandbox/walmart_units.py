"""Units of an order line and their statuses: the line's only state, moved from one status to the next."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sandbox.walmart_answers import Payload, exact, milliseconds, money, now

CREATED, ACKNOWLEDGED, SHIPPED, CANCELLED = "Created", "Acknowledged", "Shipped", "Cancelled"
OPEN = (CREATED, ACKNOWLEDGED)


def each(units: int) -> Payload:
    return {"unitOfMeasurement": "EACH", "amount": str(units)}


def lines(order: Payload) -> list[Payload]:
    found: list[Payload] = order["orderLines"]["orderLine"]
    return found


def line_of(order: Payload, number: str) -> Payload | None:
    return next((line for line in lines(order) if str(line["lineNumber"]) == number), None)


def statuses(line: Payload) -> list[Payload]:
    found: list[Payload] = line["orderLineStatuses"]["orderLineStatus"]
    return found


def ordered(line: Payload) -> int:
    return int(line["orderLineQuantity"]["amount"])


def units_in(line: Payload, *words: str) -> int:
    return sum(int(status["statusQuantity"]["amount"]) for status in statuses(line) if status["status"] in words)


def open_lines(order: Payload) -> Iterator[Payload]:
    return (line for line in lines(order) if units_in(line, *OPEN))


def move(line: Payload, units: int, sources: tuple[str, ...], target: Payload) -> None:
    """Take units out of the sources, in their order, and put them into a new status (or its like)."""
    left = units
    for word in sources:
        for status in [status for status in statuses(line) if status["status"] == word]:
            taken = min(left, int(status["statusQuantity"]["amount"]))
            status["statusQuantity"] = each(int(status["statusQuantity"]["amount"]) - taken)
            left -= taken
    kept = [status for status in statuses(line) if int(status["statusQuantity"]["amount"])]
    like = next((s for s in kept if {**s, "statusQuantity": 0} == {**target, "statusQuantity": 0}), None)
    if like:
        like["statusQuantity"] = each(int(like["statusQuantity"]["amount"]) + units)
    else:
        kept.append({"status": target["status"], "statusQuantity": each(units), **target})
    line["orderLineStatuses"]["orderLineStatus"] = kept
    touch(line)


def touch(line: Payload) -> None:
    """The time of the line's last change, later than the one before."""
    line["statusDate"] = max(milliseconds(now()), int(line.get("statusDate") or 0) + 1)


def cancel(line: Payload, units: int, reason: str) -> None:
    """Cancelled units cost nothing any more; shipping does, until the whole line is cancelled."""
    before = ordered(line) - units_in(line, CANCELLED)
    target = {"status": CANCELLED, "cancellationReason": reason}
    move(line, units, OPEN, target)
    for charge in line["charges"]["charge"]:
        if charge["chargeType"] == "PRODUCT" or units == before:
            _scale(charge, Decimal(before - units) / before)


def _scale(charge: Payload, factor: Decimal) -> None:
    charge["chargeAmount"] = money(exact(charge["chargeAmount"]["amount"]) * factor)
    if tax := charge.get("tax"):
        tax["taxAmount"] = money(exact(tax["taxAmount"]["amount"]) * factor)
