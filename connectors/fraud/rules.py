"""A plain rule check of an order, for when the fraud service is away. Pure.

Rules `rules-2026-11`; the points of all that apply are added, 60 and more mean `review`:

| rule | points |
|---|---|
| total above the limit of its currency (`AMOUNT_LIMITS`; no rule for other currencies) | 60 |
| a line of more than 50 units | 30 |
| ship-to incomplete, though goods are to be shipped by the merchant | 20 |
| ship-to is a freight forwarder | 40 |
| ship-to and bill-to are in different countries | 20 |
| disposable e-mail address | 30 |
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from connectors.ports import FraudVerdict
from models.order import FulfilmentSide, Order

VERSION = "rules-2026-11"
REVIEW_FROM = 60
MANY_UNITS = 50
AMOUNT_LIMITS = {
    currency: Decimal(limit)
    for currency, limit in {
        "EUR": 5000, "USD": 5500, "GBP": 4500, "CHF": 5000, "CAD": 7500, "AUD": 8000, "SEK": 55000, "NOK": 55000,
        "DKK": 37000, "PLN": 22000, "CZK": 125000, "JPY": 800000, "KWD": 1600, "MXN": 100000,
    }.items()
}  # fmt: skip
FORWARDERS = ("freight forward", "forwarding", "shipito", "myus.com", "reship", "parcel forward", "mail drop")
DISPOSABLE = frozenset({"mailinator.com", "guerrillamail.com", "10minutemail.com", "yopmail.com", "trashmail.com"})

Finding = tuple[int, str]


class FraudRules:
    """`ports.Fraud`'s verdict without a call; each reason names the value and the limit it broke."""

    def assess(self, order: Order) -> FraudVerdict:
        findings = [finding for rule in RULES if (finding := rule(order))]
        score = min(100, sum(points for points, _ in findings))
        return FraudVerdict(
            decision="review" if score >= REVIEW_FROM else "approve",
            score=score,
            source=VERSION,
            reasons=tuple(reason for _, reason in findings),
        )


def _amount(order: Order) -> Finding | None:
    limit = AMOUNT_LIMITS.get(order.currency)
    if limit is None or order.total.amount <= limit:
        return None
    return 60, f"amount: {order.total} is above {limit} {order.currency}"


def _units(order: Order) -> Finding | None:
    most = max(order.lines, key=lambda line: line.quantity)
    return (30, f"units: {most.quantity} of {most.sku}") if most.quantity > MANY_UNITS else None


def _address(order: Order) -> Finding | None:
    shipped = order.fulfilled_by is FulfilmentSide.MERCHANT and any(line.needs_shipping for line in order.lines)
    if not shipped:
        return None
    missing = order.ship_to.missing if order.ship_to else ["ship_to"]
    return (20, f"address: {', '.join(missing)} missing") if missing else None


def _forwarder(order: Order) -> Finding | None:
    if order.ship_to is None:
        return None
    text = " ".join((order.ship_to.name, order.ship_to.company, *order.ship_to.lines)).lower()
    sign = next((sign for sign in FORWARDERS if sign in text), None)
    return (40, f"forwarder: the ship-to says {sign!r}") if sign else None


def _countries(order: Order) -> Finding | None:
    if order.ship_to is None or order.bill_to is None:
        return None
    ship, bill = order.ship_to.country.upper(), order.bill_to.country.upper()
    return (20, f"countries: billed in {bill}, shipped to {ship}") if ship and bill and ship != bill else None


def _email(order: Order) -> Finding | None:
    domain = order.buyer.email.rpartition("@")[2].lower()
    return (30, f"email: {domain} gives out throw-away addresses") if domain in DISPOSABLE else None


RULES: tuple[Callable[[Order], Finding | None], ...] = (_amount, _units, _address, _forwarder, _countries, _email)
