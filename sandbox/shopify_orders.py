"""Writes orders as Shopify's REST resource and webhooks show them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.goods import Listing
from sandbox.shopify_money import Purse, rounded
from sandbox.traits import Traits

FIRST_ORDER_ID = 6_100_000_000_000
FIRST_LINE_ID = 15_200_000_000_000
UNKNOWN_POSTAL_CODE = "00000"
YEN = Decimal(160)
FREE_SHIPPING_FROM = Decimal(100)
PEOPLE = (
    ("Ines", "Grünwald"),
    ("Bob", "Norman"),
    ("Łukasz", "Żak"),
    ("Aoi", "田中"),
    ("Renée", "O'Connor"),
    ("Jürgen", "Weiß"),
)


@dataclass(frozen=True)
class Market:
    """Where an order is from, and how it is taxed there."""

    currency: str
    included: bool
    rates: tuple[tuple[str, str], ...]
    address: dict[str, str]


GERMANY = Market(
    "EUR",
    True,
    (("DE VAT", "0.19"),),
    {"address1": "Kastanienallee 12", "city": "Berlin", "zip": "10435", "province": "Berlin", "province_code": "BE",
     "country": "Germany", "country_code": "DE", "phone": "+49 30 5550100"},
)  # fmt: skip
AMERICA = Market(
    "USD",
    False,
    (("State tax", "0.06"), ("County tax", "0.0225")),
    {"address1": "92 Chestnut Street", "city": "Louisville", "zip": "40202", "province": "Kentucky",
     "province_code": "KY", "country": "United States", "country_code": "US", "phone": "+1 502 555 0119"},
)  # fmt: skip
JAPAN = Market(
    "JPY",
    True,
    (("JP Consumption tax", "0.1"),),
    {"address1": "神宮前 1-2-3", "city": "渋谷区", "zip": "150-0001", "province": "東京都", "province_code": "JP-13",
     "country": "Japan", "country_code": "JP", "phone": "+81 3 5550 0110"},
)  # fmt: skip


class OrderWriter:
    """One order of the sandbox's shop, told by its traits and drawn from the seed."""

    def __init__(self, traits: Traits, seed: int, now: datetime) -> None:
        self._traits = traits
        self._chance = random.Random(f"{seed}/shopify-order/{traits.number}")
        self._now = now.isoformat()
        self.order_id = FIRST_ORDER_ID + traits.number * 1009
        self._market = self._drawn_market()
        swiss = self._market is GERMANY and traits.number > 8 and self._chance.random() < 0.1
        self._purse = Purse(self._market.currency, *(("CHF", Decimal("0.94")) if swiss else ()))

    def write(self) -> dict[str, Any]:
        lines = [self._line(index, listing, units) for index, (listing, units) in enumerate(self._traits.items)]
        shipping = self._shipping_line(sum((self._net(line) for line in lines), Decimal(0)))
        parts = [*lines, shipping]
        return {
            **self._head(),
            **self._money(lines, shipping),
            "tax_lines": self._order_taxes(parts),
            **self._people(),
            "line_items": lines,
            "shipping_lines": [shipping],
            "discount_applications": self._applications(),
            "discount_codes": [],
            "fulfillments": [],
            "refunds": [],
        }

    def _drawn_market(self) -> Market:
        if self._traits.channel_tax or self._traits.tax_trouble:
            return AMERICA
        if self._traits.number > 8 and self._chance.random() < 0.06:
            return JAPAN
        return GERMANY if self._chance.random() < 0.4 else AMERICA

    def _head(self) -> dict[str, Any]:
        number = 1000 + self._traits.number
        pending = self._traits.number > 8 and not self._traits.cancel and self._chance.random() < 0.05
        return {
            "id": self.order_id,
            "admin_graphql_api_id": f"gid://shopify/Order/{self.order_id}",
            "app_id": 580111,
            "name": f"#{number}",
            "number": self._traits.number,
            "order_number": number,
            "confirmation_number": f"C{self.order_id % 10**8:08d}",
            "created_at": self._now,
            "processed_at": self._now,
            "updated_at": self._now,
            "closed_at": None,
            "cancelled_at": None,
            "cancel_reason": None,
            "confirmed": True,
            "test": False,
            "currency": self._purse.currency,
            "presentment_currency": self._purse.presentment,
            "taxes_included": self._market.included,
            "duties_included": False,
            "estimated_taxes": False,
            "financial_status": "pending" if pending else "paid",
            "fulfillment_status": None,
            "payment_gateway_names": ["shopify_payments"],
            "source_name": "web",
            "tags": "gift, web" if self._traits.gift else "",
            "note": "Happy birthday!" if self._traits.gift else None,
            "note_attributes": [{"name": "wrapping", "value": "green"}] if self._traits.gift else [],
        }

    def _price(self, listing: Listing) -> Decimal:
        factor = YEN if self._purse.currency == "JPY" else Decimal(1)
        return rounded(listing.price * factor, self._purse.currency)

    def _line(self, index: int, listing: Listing, quantity: int) -> dict[str, Any]:
        line_id = FIRST_LINE_ID + self._traits.number * 100 + index
        price = self._price(listing)
        off = rounded(price * quantity / 10, self._purse.currency) if self._traits.discount else Decimal(0)
        allocation = {
            **self._purse.both("amount", off),
            "discount_application_index": 0,
        }
        return {
            "id": line_id,
            "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
            "sku": listing.sku,
            "title": listing.title,
            "name": listing.title,
            "variant_id": 44_000_000_000_000 + sum(listing.sku.encode()),
            "product_id": 8_000_000_000_000 + sum(listing.sku.encode()),
            "quantity": quantity,
            "current_quantity": quantity,
            "fulfillable_quantity": quantity,
            "fulfillment_status": None,
            "fulfillment_service": "manual",
            "requires_shipping": True,
            "gift_card": False,
            "taxable": True,
            **self._purse.both("price", price),
            **self._purse.both("total_discount", Decimal(0)),
            "discount_allocations": [allocation] if off else [],
            "tax_lines": self._taxes(price * quantity - off),
            "duties": [],
            "properties": [],
        }

    def _taxes(self, base: Decimal) -> list[dict[str, Any]]:
        rows = []
        for title, rate in self._market.rates:
            share = Decimal(rate) / (1 + Decimal(rate)) if self._market.included else Decimal(rate)
            amount = rounded(base * share, self._purse.currency)
            rows.append(
                {
                    "title": title,
                    "rate": float(rate),
                    **self._purse.both("price", amount),
                    "channel_liable": self._traits.channel_tax,
                }
            )
        return rows

    def _shipping_line(self, goods: Decimal) -> dict[str, Any]:
        factor = YEN if self._purse.currency == "JPY" else Decimal(1)
        express = self._chance.random() < 0.2
        free = goods >= FREE_SHIPPING_FROM * factor and not express
        title = "Express" if express else "Free shipping" if free else "Standard"
        full = rounded(Decimal("12.90" if express else "4.90") * factor, self._purse.currency)
        price = Decimal(0) if free else full
        return {
            "id": FIRST_LINE_ID + self._traits.number * 100 + 99,
            "code": title,
            "title": title,
            "source": "shopify",
            "is_removed": False,
            **self._purse.both("price", price),
            **self._purse.both("discounted_price", price),
            "discount_allocations": [],
            "tax_lines": self._taxes(price) if self._market.included and price else [],
        }

    def _net(self, line: dict[str, Any]) -> Decimal:
        off = sum((Decimal(row["amount"]) for row in line["discount_allocations"]), Decimal(0))
        return Decimal(line["price"]) * int(line["quantity"]) - off

    def _money(self, lines: list[dict[str, Any]], shipping: dict[str, Any]) -> dict[str, Any]:
        goods = sum((Decimal(line["price"]) * line["quantity"] for line in lines), Decimal(0))
        net = sum((self._net(line) for line in lines), Decimal(0))
        taxes = sum((Decimal(tax["price"]) for part in (*lines, shipping) for tax in part["tax_lines"]), Decimal(0))
        total = net + Decimal(shipping["price"]) + (Decimal(0) if self._market.included else taxes)
        amounts = {
            "total_line_items_price": goods,
            "total_discounts": goods - net,
            "subtotal_price": net,
            "current_subtotal_price": net,
            "total_tax": taxes,
            "current_total_tax": taxes,
            "total_price": total,
            "current_total_price": total,
        }
        stated = {name: value for field, amount in amounts.items() for name, value in self._both(field, amount)}
        return {
            **stated,
            "total_shipping_price_set": self._purse.bag(Decimal(shipping["price"])),
            "total_tip_received": "0.00",
            "original_total_duties_set": None,
            "original_total_additional_fees_set": None,
            "total_cash_rounding_payment_adjustment_set": self._purse.bag(Decimal(0)),
        }

    def _both(self, field: str, amount: Decimal) -> list[tuple[str, Any]]:
        return list(self._purse.both(field, amount).items())

    def _order_taxes(self, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = []
        for title, rate in self._market.rates:
            amounts = [Decimal(tax["price"]) for part in parts for tax in part["tax_lines"] if tax["title"] == title]
            stated = self._purse.both("price", sum(amounts, Decimal(0)))
            rows.append({"title": title, "rate": float(rate), **stated, "channel_liable": self._traits.channel_tax})
        return rows

    def _applications(self) -> list[dict[str, Any]]:
        if not self._traits.discount:
            return []
        return [
            {
                "type": "discount_code",
                "code": "TENOFF",
                "value": "10.0",
                "value_type": "percentage",
                "target_type": "line_item",
                "target_selection": "all",
                "allocation_method": "across",
            }
        ]

    def _people(self) -> dict[str, Any]:
        first, last = self._chance.choice(PEOPLE)
        name = "review" if self._traits.suspect else "buyer"
        email = f"{name}{self._traits.number}@example.com"
        person = {"first_name": first, "last_name": last, "name": f"{first} {last}", "company": None}
        home = {**person, **self._market.address, "address2": None}
        ship_to = {**home, "zip": UNKNOWN_POSTAL_CODE} if self._traits.tax_trouble else home
        return {
            "email": email,
            "contact_email": email,
            "phone": None,
            "po_number": None,
            "customer": {"id": 9_000_000_000 + self._traits.number, "email": email, **person, "phone": None},
            "billing_address": home,
            "shipping_address": None if self._traits.no_address else ship_to,
        }
