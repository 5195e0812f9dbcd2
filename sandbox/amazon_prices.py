"""What an item costs and what is left of it: after units were cancelled, after money was paid back."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from models.money import Money, MoneyError
from sandbox.amazon_answers import Payload


def read(stated: Payload) -> Money:
    try:
        return Money.of(Decimal(str(stated["amount"])), str(stated["currencyCode"]))
    except InvalidOperation:
        raise MoneyError(f"{stated['amount']!r} is not an amount") from None


def write(money: Money) -> Payload:
    return {"amount": str(money.amount), "currencyCode": money.currency}


def scale(order: Payload, item: Payload, left: int, of: int) -> None:
    """Let the item, and with it the order, cost what is left of so many units."""
    proceeds = item.get("proceeds") or {}
    before = _stated_or_unit(item, of)
    if before is None:
        return
    if proceeds.get("breakdowns"):
        adds_tax = _adds_tax(proceeds)
        for breakdown in proceeds["breakdowns"]:
            _scale_breakdown(breakdown, left, of)
        after = _sum(proceeds["breakdowns"], with_tax=adds_tax)
        proceeds["proceedsTotal"] = write(after)
    else:
        after = _part(before, left, of)
    total = order.get("proceeds", {}).get("grandTotal")
    if total:
        order["proceeds"]["grandTotal"] = write(read(total) - (before - after))


def component_limits(item: Payload) -> dict[str, Money]:
    """What may be paid back of an item at most, by component type."""
    price = (item.get("product") or {}).get("price", {}).get("unitPrice")
    limits: dict[str, Money] = {}
    stated = (item.get("proceeds") or {}).get("breakdowns") or []
    if price and not any(breakdown["type"] == "ITEM" for breakdown in stated):
        _add(limits, "Principal", read(price) * item["quantityOrdered"])
    for breakdown in stated:
        for on, amount in _details(breakdown):
            _add(limits, *_limit(breakdown["type"], on, amount))
    return limits


def _limit(kind: str, on: str, amount: Money) -> tuple[str, Money]:
    if kind == "TAX":
        return {"ITEM": "Tax", "SHIPPING": "ShippingTax"}.get(on, "GiftWrapTax"), amount
    if kind == "DISCOUNT":
        return {"SHIPPING": "Shipping"}.get(on, "Principal"), -Money.of(abs(amount.amount), amount.currency)
    return {"ITEM": "Principal", "SHIPPING": "Shipping", "GIFT_WRAP": "GiftWrap"}.get(kind, "Other"), amount


def _stated_or_unit(item: Payload, of: int) -> Money | None:
    proceeds = item.get("proceeds") or {}
    if proceeds.get("proceedsTotal"):
        return read(proceeds["proceedsTotal"])
    if proceeds.get("breakdowns"):
        return _sum(proceeds["breakdowns"], with_tax=True)
    price = (item.get("product") or {}).get("price", {}).get("unitPrice")
    return read(price) * of if price else None


def _adds_tax(proceeds: Payload) -> bool:
    """Prices are without tax where the item's total is the sum of all its parts."""
    stated = proceeds.get("proceedsTotal")
    return not stated or read(stated) == _sum(proceeds["breakdowns"], with_tax=True)


def _sum(breakdowns: list[Payload], *, with_tax: bool) -> Money:
    parts = [(breakdown["type"], read(breakdown["subtotal"])) for breakdown in breakdowns]
    # Discounts are stated with either sign, and always lower the price.
    signed = [-Money.of(abs(part.amount), part.currency) if kind == "DISCOUNT" else part for kind, part in parts]
    counted = [part for (kind, _), part in zip(parts, signed, strict=True) if with_tax or kind != "TAX"]
    return Money.total(counted, parts[0][1].currency)


def _scale_breakdown(breakdown: Payload, left: int, of: int) -> None:
    subtotal = read(breakdown["subtotal"])
    details = breakdown.get("detailedBreakdowns") or []
    explained = Money.total((read(part["value"]) for part in details), subtotal.currency) == subtotal
    for part in details:
        part["value"] = write(_part(read(part["value"]), left, of))
    scaled = [read(part["value"]) for part in details]
    whole = Money.total(scaled, subtotal.currency) if details and explained else _part(subtotal, left, of)
    breakdown["subtotal"] = write(whole)


def _part(amount: Money, left: int, of: int) -> Money:
    return amount.allocate([left, of - left])[0] if of else amount


def _details(breakdown: Payload) -> list[tuple[str, Money]]:
    whole = read(breakdown["subtotal"])
    details = [(part["subtype"], read(part["value"])) for part in breakdown.get("detailedBreakdowns") or []]
    if details and Money.total((amount for _, amount in details), whole.currency) == whole:
        return details
    return [("ITEM", whole)]


def _add(sums: dict[str, Money], kind: str, amount: Money) -> None:
    sums[kind] = sums[kind] + amount if kind in sums else amount
