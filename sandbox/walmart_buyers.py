"""Invents purchase orders: what buyers in the US order of our goods, as Walmart would state it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.goods import Listing
from sandbox.traits import Traits
from sandbox.walmart_answers import Payload, milliseconds, money, rounded
from sandbox.walmart_book import SELLER, WFS
from sandbox.walmart_units import CREATED, each

FREE_SHIPPING_FROM = Decimal(35)
SHIPPING = Decimal("5.99")
SUBSCRIPTION_DISCOUNT = Decimal("0.05")
METHODS = {"Value": 6, "Standard": 4, "Express": 4, "OneDay": 1}
"""Method -> days until delivery."""


@dataclass(frozen=True)
class Person:
    name: str
    street: str
    city: str
    state: str
    postal_code: str
    tax_rate: Decimal
    """Of the state and city; none in some states."""


TAXED = (
    Person("Ada Miller", "2201 Westlake Ave", "Seattle", "WA", "98121", Decimal("0.1035")),
    Person("Jose Ortega", "410 Congress Ave", "Austin", "TX", "73301", Decimal("0.0825")),
    Person("Grace Kim", "1 Cross St", "Canton", "MI", "48187", Decimal("0.06")),
)
UNTAXED = (
    Person("Lena Fischer", "88 SW Morrison St", "Portland", "OR", "97204", Decimal(0)),
    Person("Sam Doyle", "12 Elm St", "Manchester", "NH", "03101", Decimal(0)),
)


def invent(traits: Traits, seed: int, sequence: int, at: datetime) -> Payload:
    """A purchase order as `GET /v3/orders` shows it. `sequence` makes its id unique in the account."""
    chance = random.Random(f"{seed}/walmart/{sequence}")
    person = chance.choice(TAXED if traits.channel_tax else UNTAXED)
    method = "Express" if traits.number % 5 == 0 else chance.choice(("Value", "Value", "Standard"))
    return {
        "purchaseOrderId": f"1{sequence:06d}{chance.randrange(10**6):06d}",
        "customerOrderId": f"2{sequence:06d}{chance.randrange(10**8):08d}",
        "customerEmailId": f"{chance.getrandbits(128):032X}@relay.walmart.com",
        "orderType": "REGULAR",
        "orderDate": milliseconds(at),
        "shippingInfo": _shipping_info(person, method, at, chance),
        "orderLines": {
            "orderLine": [
                _line(traits, person, number, listing, quantity, at)
                for number, (listing, quantity) in enumerate(traits.items, start=1)
            ]
        },
        "shipNode": {"type": WFS if traits.channel_fulfilled else SELLER},
    }


def _shipping_info(person: Person, method: str, at: datetime, chance: random.Random) -> Payload:
    ship = at + timedelta(days=1 if METHODS[method] == 1 else 2)
    return {
        "phone": f"555{chance.randrange(10**7):07d}",
        "estimatedShipDate": milliseconds(ship),
        "estimatedDeliveryDate": milliseconds(at + timedelta(days=METHODS[method] + 1)),
        "methodCode": method,
        "postalAddress": {
            "name": person.name,
            "address1": person.street,
            "city": person.city,
            "state": person.state,
            "postalCode": person.postal_code,
            "country": "USA",
            "addressType": "RESIDENTIAL",
        },
    }


def _line(traits: Traits, person: Person, number: int, listing: Listing, quantity: int, at: datetime) -> Payload:
    goods = listing.price * quantity
    discount = rounded(goods * SUBSCRIPTION_DISCOUNT) if traits.discount else Decimal(0)
    charges = [_charge("PRODUCT", "ItemPrice", goods, "Tax1", (goods - discount) * person.tax_rate)]
    if discount:
        charges.append(_charge("PRODUCT", "SubscriptionDiscount", -discount))
    if goods < FREE_SHIPPING_FROM:
        charges.append(_charge("SHIPPING", "Shipping", SHIPPING, "Tax2", SHIPPING * person.tax_rate))
    return {
        "lineNumber": str(number),
        "item": {"productName": listing.title, "sku": listing.sku, "condition": "New"},
        "charges": {"charge": charges},
        "orderLineQuantity": each(quantity),
        "statusDate": milliseconds(at),
        "orderLineStatuses": {"orderLineStatus": [{"status": CREATED, "statusQuantity": each(quantity)}]},
        "fulfillment": {"fulfillmentOption": "S2H", "shipMethod": "VALUE"},
    }


def _charge(kind: str, name: str, amount: Decimal, tax_name: str = "", tax: Decimal = Decimal(0)) -> Payload:
    charge = {"chargeType": kind, "chargeName": name, "chargeAmount": money(amount)}
    return {**charge, "tax": {"taxName": tax_name, "taxAmount": money(tax)}} if tax else charge
