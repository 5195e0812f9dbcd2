"""Invents orders: what buyers in France, Germany and Spain order of our goods, as Mirakl would state it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.goods import Listing
from sandbox.mirakl_answers import CENT, Payload, number, written
from sandbox.mirakl_shelf import add_up, permit
from sandbox.traits import Traits

PEOPLE = (
    ("Camille", "Durand", "12 rue des Lilas", "69003", "Lyon", "FRA", "France"),
    ("Jürgen", "Groß", "Königstraße 7", "80331", "München", "DEU", "Deutschland"),
    ("Lucía", "Núñez", "Calle Mayor 3", "28013", "Madrid", "ESP", "España"),
)
SHIPPING = Decimal("4.90")
FREE_SHIPPING_FROM = Decimal(60)
DISCOUNT = Decimal("0.10")
TAX_RATE = Decimal("0.20")
COMMISSION = Decimal("0.12")
SHIP_WITHIN = timedelta(days=3)


def invent(traits: Traits, seed: int, sequence: int, at: datetime) -> tuple[Payload, Payload]:
    """The order as the seller first sees it, and what of `customer` is shown once the buyer has been debited."""
    chance = random.Random(f"{seed}/mirakl/{sequence}")
    person = chance.choice(PEOPLE)
    commercial_id = f"DEC-{sequence:05d}-{chance.randrange(10**5):05d}"
    order_id = f"{commercial_id}-A"
    order: Payload = {
        **_names(commercial_id, order_id, at),
        "currency_iso_code": "EUR",
        "order_tax_mode": "TAX_EXCLUDED" if traits.channel_tax else "TAX_INCLUDED",
        "customer": _customer(person, sequence),
        "order_lines": [_line(traits, order_id, place, *each, at) for place, each in enumerate(traits.items, start=1)],
        "total_commission": 0,
    }
    _ship_for(order, traits)
    permit(order)
    add_up(order)
    order["total_commission"] = number(Decimal(str(order["total_price"])) * COMMISSION)
    return order, _addresses(person)


def _names(commercial_id: str, order_id: str, at: datetime) -> Payload:
    return {
        "order_id": order_id,
        "commercial_id": commercial_id,
        "order_state": "WAITING_ACCEPTANCE",
        "created_date": written(at),
        "last_updated_date": written(at),
        "channel": {"code": "INIT", "label": "Decora"},
        "fulfillment": {"center": {"code": "DEFAULT"}},
        "fully_refunded": False,
        "has_customer_message": False,
        "has_incident": False,
        "has_invoice": False,
        "leadtime_to_ship": SHIP_WITHIN.days,
        "payment_workflow": "PAY_ON_ACCEPTANCE",
        "payment_type": "CARD",
        "customer_notification_email": f"{order_id.lower()}@notification.example",
        "shipping_deadline": written(at + SHIP_WITHIN),
        "shipping_type_code": "STD",
        "shipping_type_label": "Standard",
        "shipping_zone_code": "EU",
        "shipping_zone_label": "Europe",
        "order_additional_fields": [],
        "references": {},
    }


def _customer(person: tuple[str, ...], sequence: int) -> Payload:
    return {"customer_id": f"C{sequence:06d}", "firstname": person[0], "lastname": person[1], "locale": "fr_FR"}


def _addresses(person: tuple[str, ...]) -> Payload:
    first, last, street, postal_code, city, code, country = person
    address = {
        "firstname": first,
        "lastname": last,
        "street_1": street,
        "zip_code": postal_code,
        "city": city,
        "country_iso_code": code,
        "country": country,
    }
    return {"shipping_address": {**address, "phone": "+33 1 23 45 67 89"}, "billing_address": address}


def _line(traits: Traits, order_id: str, place: int, listing: Listing, quantity: int, at: datetime) -> Payload:
    full = listing.price * quantity
    deduced = _rounded(full * DISCOUNT) if traits.discount else Decimal(0)
    line: Payload = {
        "order_line_id": f"{order_id}-{place}",
        "order_line_index": place,
        "order_line_state": "WAITING_ACCEPTANCE",
        "created_date": written(at),
        "last_updated_date": written(at),
        "offer_id": 2000 + place,
        "offer_sku": listing.sku,
        "offer_state_code": "11",
        "product_sku": f"MKP-{listing.sku}",
        "product_title": listing.title,
        "category_code": "OUTDOOR",
        "category_label": "Outdoor",
        "quantity": quantity,
        "price_unit": number(listing.price),
        "origin_unit_price": number(listing.price),
        "price": number(full - deduced),
        "shipping_price": 0,
        "taxes": [_tax(full - deduced)] if traits.channel_tax else [],
        "shipping_taxes": [],
        "cancelations": [],
        "refunds": [],
        "can_refund": False,
        "order_line_additional_fields": [],
        "product_medias": [],
        "promotions": [_promotion(deduced)] if deduced else [],
        "commission_fee": number((full - deduced) * COMMISSION),
        "commission_rate_vat": 20,
        "commission_vat": 0,
        "total_commission": number((full - deduced) * COMMISSION),
        "total_price": 0,
        "description": "",
    }
    return line


def _ship_for(order: Payload, traits: Traits) -> None:
    """Shipping is a price of the first line's; it is taxed like the goods."""
    first = order["order_lines"][0]
    goods = sum((listing.price * quantity for listing, quantity in traits.items), Decimal(0))
    if goods >= FREE_SHIPPING_FROM:
        return
    first["shipping_price"] = number(SHIPPING)
    if traits.channel_tax:
        first["shipping_taxes"] = [_tax(SHIPPING)]


def _tax(price: Decimal) -> Payload:
    """A tax that the operator collects and remits: not payable to the shop."""
    amount = number(_rounded(price * TAX_RATE))
    part = {"amount": amount, "commissionable": False, "debitable_from_customer": True, "payable_to_shop": False}
    return {
        "code": "VAT",
        "amount": amount,
        "rate": 20,
        "tax_calculation_rule": "PROPORTIONAL_TO_AMOUNT",
        "amount_breakdown": {"parts": [part]},
    }


def _promotion(deduced: Decimal) -> Payload:
    configuration = {"type": "PERCENTAGE_OFF", "percentage_off": 10, "internal_description": "Ten percent off"}
    return {"id": "PROMO-10", "apportioned": False, "configuration": configuration, "deduced_amount": number(deduced)}


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
