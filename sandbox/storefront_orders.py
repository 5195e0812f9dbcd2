"""Invents orders of the shop, as its contract states them: told by their traits, drawn from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.goods import Listing
from sandbox.storefront_book import written
from sandbox.storefront_money import rounded, text
from sandbox.traits import Traits

FIRST_NUMBER = 20_000
ACKNOWLEDGE_WITHIN = timedelta(hours=4)
SHIP_WITHIN = timedelta(days=2)
FREE_SHIPPING_FROM = Decimal(100)
DISCOUNT = Decimal("0.1")
UNKNOWN_POSTAL_CODE = "00000"
PEOPLE = ("Ines Grünwald", "Bob Norman", "Łukasz Żak", "Aoi 田中", "Renée O'Connor", "Jürgen Weiß")
Document = dict[str, Any]


@dataclass(frozen=True)
class Market:
    """A country's shop: its money, its tax, an address."""

    region: str
    currency: str
    factor: Decimal
    """Of a listing's price."""
    included: bool
    rate: str
    address: dict[str, Any]


GERMANY = Market(
    "shop.de", "EUR", Decimal(1), True, "0.19",
    {"lines": ["Kastanienallee 12"], "city": "Berlin", "postal_code": "10435", "country": "DE"},
)  # fmt: skip
AMERICA = Market(
    "shop.com", "USD", Decimal(1), False, "0.06",
    {"lines": ["92 Chestnut Street"], "city": "Louisville", "region": "KY", "postal_code": "40202", "country": "US"},
)  # fmt: skip
JAPAN = Market(
    "shop.jp", "JPY", Decimal(160), True, "0.1",
    {"lines": ["神宮前 1-2-3"], "city": "渋谷区", "region": "東京都", "postal_code": "150-0001", "country": "JP"},
)  # fmt: skip


class OrderWriter:
    """`number`: the shop's own count of its orders."""

    def __init__(self, traits: Traits, seed: int, number: int, now: datetime) -> None:
        self._traits = traits
        self._number = FIRST_NUMBER + number
        self._chance = random.Random(f"{seed}/storefront-order/{traits.number}")
        self._now = now
        self._market = self._drawn_market()

    def write(self) -> Document:
        lines = [self._line(i, listing, units) for i, (listing, units) in enumerate(self._traits.items, start=1)]
        charges = [self._shipping(sum((Decimal(line["price"]) for line in lines), Decimal(0)))]
        if self._traits.gift:
            charges.append(self._charge("gift_wrap", "Green paper", Decimal("3.00")))
        return {
            **self._head(),
            **self._people(),
            "lines": lines,
            "charges": charges,
            "total": text(self._total([*lines, *charges]), self._market.currency),
            "parcels": [],
            "refunds": [],
        }

    def _drawn_market(self) -> Market:
        if self._traits.channel_tax or self._traits.tax_trouble:
            return AMERICA
        if self._traits.number > 8 and self._chance.random() < 0.06:
            return JAPAN
        return GERMANY if self._chance.random() < 0.6 else AMERICA

    def _head(self) -> Document:
        unpaid = self._traits.number > 8 and not self._traits.cancel and self._chance.random() < 0.05
        return {
            "id": f"SF-{self._number}",
            "number": f"#{self._number}",
            "created_at": written(self._now),
            "updated_at": written(self._now),
            "state": "pending" if unpaid else "open",
            "currency": self._market.currency,
            "prices_include_tax": self._market.included,
            "fulfilled_by": "marketplace" if self._traits.channel_fulfilled else "seller",
            "service_level": "express" if self._chance.random() < 0.2 else "standard",
            "acknowledge_by": written(self._now + ACKNOWLEDGE_WITHIN),
            "ship_by": written(self._now + SHIP_WITHIN),
            "region": self._market.region,
            "gift": self._traits.gift,
            "extras": {"sales_channel": "web"},
        }

    def _line(self, number: int, listing: Listing, quantity: int) -> Document:
        unit_price = rounded(listing.price * self._market.factor, self._market.currency)
        price = unit_price * quantity
        off = rounded(price * DISCOUNT, self._market.currency) if self._traits.discount else Decimal(0)
        return {
            "id": str(number),
            "sku": listing.sku,
            "title": listing.title,
            "quantity": quantity,
            "unit_price": str(unit_price),
            "price": str(price),
            "discounts": [{"amount": str(off), "funded_by": "seller", "code": "TENOFF"}] if off else [],
            "taxes": [self._tax(price - off)],
            "quantity_shipped": 0,
            "quantity_cancelled": 0,
        }

    def _shipping(self, goods: Decimal) -> Document:
        free = goods >= FREE_SHIPPING_FROM * self._market.factor
        return self._charge("shipping", "Parcel", Decimal(0) if free else Decimal("4.90"))

    def _charge(self, kind: str, label: str, amount: Decimal) -> Document:
        amount = rounded(amount * self._market.factor, self._market.currency)
        return {"kind": kind, "label": label, "amount": str(amount), "taxes": [self._tax(amount)] if amount else []}

    def _tax(self, base: Decimal) -> Document:
        rate = Decimal(self._market.rate)
        amount = base * rate / (1 + rate) if self._market.included else base * rate
        return {
            "amount": text(amount, self._market.currency),
            "collected_by": "marketplace" if self._traits.channel_tax else "seller",
            "rate": self._market.rate,
            "jurisdiction": self._market.address["country"],
        }

    def _total(self, parts: list[Document]) -> Decimal:
        prices = sum((Decimal(part.get("price") or part["amount"]) for part in parts), Decimal(0))
        off = sum((Decimal(row["amount"]) for part in parts for row in part.get("discounts", ())), Decimal(0))
        taxes = sum((Decimal(row["amount"]) for part in parts for row in part["taxes"]), Decimal(0))
        return prices - off + (Decimal(0) if self._market.included else taxes)

    def _people(self) -> Document:
        name = self._chance.choice(PEOPLE)
        home = {"name": name, **self._market.address}
        ship_to = {**home, "postal_code": UNKNOWN_POSTAL_CODE} if self._traits.tax_trouble else home
        return {
            "buyer": {"name": name, "email": f"buyer{self._traits.number}@example.com"},
            "ship_to": ship_to,
            "bill_to": home,
        }
