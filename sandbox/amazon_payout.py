"""Settlement reports, flat file V2: what Amazon pays for shipped orders, row by row, adding up exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from models.money import Money, MoneyError
from sandbox.amazon_answers import Payload
from sandbox.amazon_prices import read

COLUMNS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
    "transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
    "amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "posted-date-time",
    "order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
    "promotion-id",
)  # fmt: skip
COMMISSION = Decimal("0.15")
REFUND_COMMISSION = Decimal("0.20")
"""What Amazon keeps of a commission when the sale is refunded."""
TAX_EXCLUSIVE = ("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2")
"""US and Canada, where prices are stated without tax."""
PRICES = {"ITEM": "Principal", "SHIPPING": "Shipping", "GIFT_WRAP": "GiftWrap"}
TAXES = {"ITEM": "Tax", "SHIPPING": "ShippingTax", "GIFT_WRAP": "GiftWrapTax"}
_FULFILMENT = {"AMAZON": "AFN", "MERCHANT": "MFN"}
WITHHELD = {
    "ITEM": "MarketplaceFacilitatorTax-Principal",
    "SHIPPING": "MarketplaceFacilitatorTax-Shipping",
    "GIFT_WRAP": "MarketplaceFacilitatorTax-Other",
}


@dataclass(frozen=True)
class Row:
    """One amount. `order` and `item` are empty for what belongs to no order."""

    transaction: str
    kind: str
    description: str
    amount: Money
    order: Payload
    item: Payload


def order_rows(order: Payload) -> list[Row]:
    """What is paid for an order: all the buyer paid but the tax that Amazon remits, less fees.

    Raises `MoneyError` for an order whose amounts cannot be read.
    """
    rows = [row for item in order["orderItems"] for row in _item_rows(order, item)]
    if not rows:
        raise MoneyError("the order states no amount")
    currency = rows[0].amount.currency
    missing = _owed(order, rows, currency) - Money.total((row.amount for row in rows), currency)
    if missing:
        # Prices that include tax, or parts that only the order states (a tip): principal takes the difference.
        index = next((i for i, row in enumerate(rows) if row.description == "Principal"), 0)
        first = rows[index]
        rows[index] = Row(first.transaction, first.kind, first.description, first.amount + missing, order, first.item)
    return [*rows, *_fees(order, rows)]


def _item_rows(order: Payload, item: Payload) -> Iterator[Row]:
    for kind, on, amount in _amounts(item):
        if kind == "TAX":
            yield Row("Order", "ItemPrice", TAXES.get(on, "Tax"), amount, order, item)
            if _by_amazon(item):
                yield Row("Order", "ItemWithheldTax", WITHHELD.get(on, WITHHELD["ITEM"]), -amount, order, item)
        elif kind == "DISCOUNT":
            off = amount if amount.amount < 0 else -amount
            yield Row("Order", "Promotion", PRICES.get(on, "Principal"), off, order, item)
        else:
            yield Row("Order", "ItemPrice", PRICES.get(kind, kind), amount, order, item)


def _amounts(item: Payload) -> Iterator[tuple[str, str, Money]]:
    """Type, what it is on, and amount, of each breakdown or its details where these are all of it."""
    breakdowns = item.get("proceeds", {}).get("breakdowns") or []
    if not any(breakdown.get("type") == "ITEM" for breakdown in breakdowns):
        yield "ITEM", "ITEM", read(item["product"]["price"]["unitPrice"]) * item["quantityOrdered"]
    for breakdown in breakdowns:
        whole = read(breakdown["subtotal"])
        details = [(part["subtype"], read(part["value"])) for part in breakdown.get("detailedBreakdowns") or []]
        if details and Money.total((amount for _, amount in details), whole.currency) == whole:
            yield from ((breakdown["type"], on, amount) for on, amount in details)
        else:
            yield breakdown["type"], "ITEM", whole


def _owed(order: Payload, rows: list[Row], currency: str) -> Money:
    total = order.get("proceeds", {}).get("grandTotal")
    paid = Money.total((row.amount for row in rows), currency)
    if not total:
        return paid
    withheld = Money.total((row.amount for row in rows if row.kind == "ItemWithheldTax"), currency)
    exclusive = order.get("salesChannel", {}).get("marketplaceId") in TAX_EXCLUSIVE
    return paid if exclusive and read(total) == paid else read(total) + withheld


def _fees(order: Payload, rows: list[Row]) -> Iterator[Row]:
    for item in order["orderItems"]:
        goods = [row.amount for row in rows if row.item is item and row.description == "Principal"]
        price = Money.total(goods, rows[0].amount.currency)
        fee = -Money.rounded(price.amount * COMMISSION, price.currency)
        if fee:
            yield Row("Order", "ItemFees", "Commission", fee, order, item)
        if order.get("fulfillment", {}).get("fulfilledBy") == "AMAZON":
            per_unit = Money.rounded(Decimal("-3.50") * item["quantityOrdered"], price.currency)
            yield Row("Order", "ItemFees", "FBAPerUnitFulfillmentFee", per_unit, order, item)


def _by_amazon(item: Payload) -> bool:
    tax = item.get("tax") or {}
    models = {part.get("model") for part in tax.get("taxCollections") or []}
    schemes = {part.get("reportingScheme") for part in tax.get("taxCalculationBreakdowns") or []}
    return bool(models & {"MARKETPLACE_FACILITATOR"} or schemes & {"IOSS", "UOSS"})


def refund_rows(order: Payload, refund: Payload) -> list[Row]:
    """What a refund costs the seller: the money, less the commission that Amazon gives back, and a fee for doing so."""
    items = {item["orderItemId"]: item for item in order["orderItems"]}
    rows: list[Row] = []
    for paid in refund["items"]:
        item = items[paid["item"]]
        amounts = {kind: Money.model_validate(amount) for kind, amount in paid["components"].items()}
        rows += [Row("Refund", "ItemPrice", kind, -amount, order, item) for kind, amount in amounts.items()]
        if principal := amounts.get("Principal"):
            commission = Money.rounded(principal.amount * COMMISSION, principal.currency)
            kept = Money.rounded(commission.amount * REFUND_COMMISSION, principal.currency)
            fees = (("Commission", commission), ("RefundCommission", -kept))
            rows += [Row("Refund", "ItemFees", name, fee, order, item) for name, fee in fees if fee]
    return rows


def flat_file(settlement_id: str, rows: list[Row], currency: str, start: datetime, end: datetime) -> tuple[str, Money]:
    """The report and its total."""
    total = Money.total((row.amount for row in rows), currency)
    head = {
        "settlement-start-date": _time(start),
        "settlement-end-date": _time(end),
        "deposit-date": _time(end),
        "total-amount": str(total.amount),
    }
    lines = [COLUMNS, _cells(settlement_id, currency, head)]
    lines += [_cells(settlement_id, currency, _fields(row, end)) for row in rows]
    return "\n".join("\t".join(line) for line in lines) + "\n", total


def _cells(settlement_id: str, currency: str, fields: dict[str, str]) -> tuple[str, ...]:
    whole = {"settlement-id": settlement_id, "currency": currency, **fields}
    return tuple(whole.get(column, "") for column in COLUMNS)


def _fields(row: Row, posted: datetime) -> dict[str, str]:
    return {
        "transaction-type": row.transaction,
        "order-id": str(row.order.get("orderId", "")),
        "marketplace-name": str(row.order.get("salesChannel", {}).get("marketplaceName", "")),
        "amount-type": row.kind,
        "amount-description": row.description,
        "amount": str(row.amount.amount),
        "fulfillment-id": _FULFILMENT.get(row.order.get("fulfillment", {}).get("fulfilledBy"), ""),
        "posted-date": f"{posted:%Y-%m-%d} 00:00:00 UTC",
        "posted-date-time": _time(posted),
        "order-item-code": str(row.item.get("orderItemId", "")),
        "sku": str(row.item.get("product", {}).get("sellerSku", "")),
        "quantity-purchased": str(row.item.get("quantityOrdered", "")),
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
