"""A long settlement report, and the orders that it pays: the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from models.money import Money
from models.order import ChannelState, Order, OrderKey, OrderLine

COLUMNS = ("settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
           "transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
           "amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "posted-date-time",
           "order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
           "promotion-id")  # fmt: skip
PARTS = (("ItemPrice", "Principal"), ("ItemPrice", "Tax"), ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"),
         ("ItemFees", "Commission"), ("ItemFees", "FBAPerUnitFulfillmentFee"))  # fmt: skip
PURCHASED = "2026-06-01T00:00:00+00:00"


def write(path: Path, lines: int) -> None:
    """A settlement report of so many amounts, five an order."""
    total = sum((Decimal(row[4]) for row in _amounts(lines)), start=Decimal(0))
    period = [f"2026-06-{day} 00:00:00 UTC" for day in ("01", "14", "16")]
    name = settlement_id(lines)
    with path.open("w", encoding="utf-8") as file:
        file.write("\t".join(COLUMNS) + "\n")
        file.write("\t".join([name, *period, str(total), "EUR", *[""] * 18]) + "\n")
        for number, order, kind, description, amount in _amounts(lines):
            cells = [name, "", "", "", "", "", "Order", order, "", "", f"S{number}", "amazon.de", kind, description]
            cells += [amount, "MFN", "2026-06-10 00:00:00 UTC", "2026-06-10 08:14:22 UTC", "L1"]
            file.write("\t".join([*cells, "", "", "SKU-1", "1", ""]) + "\n")


def settlement_id(lines: int) -> str:
    """Of its own for each size, so that several can be posted into one database."""
    return f"990{lines}"


def orders(lines: int, account: str) -> Iterator[Order]:
    """Every order of the report."""
    return (_order(_order_id(lines, number), price(number), account) for number in range(lines // len(PARTS)))


def _amounts(lines: int) -> Iterator[tuple[int, str, str, str, str]]:
    for number in range(lines):
        order, part = divmod(number, len(PARTS))
        goods = price(order)
        tax = (goods * Decimal("0.19")).quantize(Decimal("0.01"))
        amounts = (goods, tax, -tax, -(goods * Decimal("0.15")).quantize(Decimal("0.01")), Decimal("-3.20"))
        yield number, _order_id(lines, order), *PARTS[part], str(amounts[part])


def _order_id(lines: int, number: int) -> str:
    return f"{lines}-{number:07}"


def price(order: int) -> Decimal:
    """Different, and the same in every run."""
    return Decimal(500 + order * 7919 % 19_501) / 100


def _order(external_id: str, amount: Decimal, account: str) -> Order:
    goods = Money.of(amount, "EUR")
    tax = Money.rounded(goods.amount * Decimal("0.19"), "EUR")
    return Order.model_validate(
        {
            "key": OrderKey(channel="amazon", account=account, external_id=external_id),
            "purchased_at": PURCHASED,
            "version": PURCHASED,
            "state": ChannelState.SHIPPED,
            "currency": "EUR",
            "lines": (
                OrderLine.model_validate(
                    {"line_id": "L1", "sku": "SKU-1", "quantity": 1, "goods": goods,
                     "taxes": [{"amount": tax, "remitter": "channel"}]}
                ),
            ),
            "total": goods + tax,
        }
    )  # fmt: skip
