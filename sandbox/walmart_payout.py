"""What Walmart pays for an order, row by row, as the reconciliation report v1 tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from sandbox.walmart_answers import Payload, exact, rounded
from sandbox.walmart_book import WFS, node_type
from sandbox.walmart_units import CANCELLED, SHIPPED, lines, ordered, units_in

COMMISSION = Decimal("0.15")
WFS_FEE = Decimal("3.45")
"""For a unit that Walmart ships."""
AMOUNTS = {"PRODUCT": "Product Price", "SHIPPING": "Shipping"}
TAXES = {"PRODUCT": "Product tax", "SHIPPING": "Shipping tax"}


@dataclass(frozen=True)
class Row:
    kind: str
    description: str
    amount_type: str
    amount: Decimal
    order: Payload
    line: Payload
    quantity: int


def sale_rows(order: Payload, settled: dict[str, int]) -> Iterator[Row]:
    """For the units that left since the last period; `settled`: line -> units that were paid before."""
    for line in lines(order):
        before, after = settled.get(str(line["lineNumber"]), 0), units_in(line, SHIPPED)
        if after > before:
            yield from _line_rows(order, line, before, after)


def _line_rows(order: Payload, line: Payload, before: int, after: int) -> Iterator[Row]:
    """Shares of the line's charges, so that those of all periods add up to what the buyer paid."""
    whole, units = ordered(line) - units_in(line, CANCELLED), after - before

    def share(amount: Decimal) -> Decimal:
        return rounded(amount * after / whole) - rounded(amount * before / whole)

    def row(amount_type: str, amount: Decimal) -> Iterator[Row]:
        if amount:
            yield Row("Sale", "Purchase", amount_type, amount, order, line, units)

    sums, taxes = _sums(line)
    for kind, amount in sums.items():
        yield from row(AMOUNTS.get(kind, "Fee/Reimbursement"), share(amount))
        # Walmart remits the tax that it has collected: the pair nets to nothing.
        yield from row(TAXES.get(kind, "Product tax"), share(taxes[kind]))
        yield from row(f"{TAXES.get(kind, 'Product tax')} withheld", -share(taxes[kind]))
    yield from row("Commission on Product", -rounded(share(sums.get("PRODUCT", Decimal(0))) * COMMISSION))
    if node_type(order) == WFS:
        yield Row("Service Fee", "WFS Fulfillment fee", "Fee/Reimbursement", -WFS_FEE * units, order, line, units)


def _sums(line: Payload) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Charge type -> amount, and -> tax; discounts are part of the price."""
    sums: dict[str, Decimal] = {}
    taxes: dict[str, Decimal] = {}
    for charge in line["charges"]["charge"]:
        kind = charge["chargeType"]
        sums[kind] = sums.get(kind, Decimal(0)) + exact(charge["chargeAmount"]["amount"])
        taxes[kind] = taxes.get(kind, Decimal(0)) + _tax(charge)
    return sums, taxes


def _tax(charge: Payload) -> Decimal:
    stated = charge.get("tax")
    return exact(stated["taxAmount"]["amount"]) if stated else Decimal(0)


def refund_rows(order: Payload, settled: dict[str, int]) -> Iterator[Row]:
    """For the refunds since the last period; `settled`: line -> number of its refund charges that were told before."""
    for line in lines(order):
        for entry in refund_charges(line)[settled.get(str(line["lineNumber"]), 0) :]:
            charge = entry["charge"]
            yield from _refund(order, line, charge["chargeType"], exact(charge["chargeAmount"]["amount"]), _tax(charge))


def refund_charges(line: Payload) -> list[Payload]:
    found: list[Payload] = (line.get("refund") or {}).get("refundCharges", {}).get("refundCharge", [])
    return found


def _refund(order: Payload, line: Payload, kind: str, amount: Decimal, tax: Decimal) -> Iterator[Row]:
    rows = {
        AMOUNTS.get(kind, "Fee/Reimbursement"): amount,
        TAXES.get(kind, "Product tax"): tax,
        f"{TAXES.get(kind, 'Product tax')} withheld": -tax,
    }
    if kind == "PRODUCT":
        rows["Commission on Product"] = -rounded(amount * COMMISSION)
    for amount_type, value in rows.items():
        if value:
            yield Row("Refund", "Return Refund", amount_type, value, order, line, 0)
