"""Invents orders: what buyers in the US, Germany and Japan order of our goods, as Amazon would state it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.amazon_answers import Payload, written
from sandbox.goods import Listing
from sandbox.traits import Traits


@dataclass(frozen=True)
class Marketplace:
    """A country's Amazon: its money, its tax, its people."""

    marketplace_id: str
    name: str
    prefix: str
    currency: str
    unit: Decimal
    """Smallest amount."""
    factor: Decimal
    """Of a listing's price, to have plausible prices in the currency."""
    tax_rate: Decimal
    tax_included: bool
    people: tuple[tuple[str, str, str, str, str, str], ...]
    """Name, street, city, region, postal code, country."""

    def money(self, amount: Decimal) -> Payload:
        return {"amount": str(amount.quantize(self.unit)), "currencyCode": self.currency}

    def rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.unit, rounding=ROUND_HALF_UP)

    def tax(self, price: Decimal) -> Decimal:
        """The tax on a price, or the part of the price that is tax."""
        rate = self.tax_rate
        return self.rounded(price * rate / (1 + rate) if self.tax_included else price * rate)


US = Marketplace(
    "ATVPDKIKX0DER", "Amazon.com", "112", "USD", Decimal("0.01"), Decimal(1), Decimal("0.0825"), False,
    (
        ("Ada Miller", "2201 Westlake Ave", "Seattle", "WA", "98121", "US"),
        ("Jose Ortega", "410 Terry Ave N", "Austin", "TX", "73301", "US"),
        ("Grace Kim", "1 Cross St", "Canton", "MI", "48187", "US"),
    ),
)  # fmt: skip
DE = Marketplace(
    "A1PA6795UKMFR9", "Amazon.de", "302", "EUR", Decimal("0.01"), Decimal(1), Decimal("0.19"), True,
    (
        ("Jürgen Groß", "Königstraße 7", "München", "", "80331", "DE"),
        ("Anna Schäfer", "Bahnhofstr. 12", "Leipzig", "", "04109", "DE"),
    ),
)  # fmt: skip
JP = Marketplace(
    "A1VC38T7YXB528", "Amazon.co.jp", "250", "JPY", Decimal(1), Decimal(150), Decimal("0.10"), True,
    (("山田 太郎", "丸の内1-9-1", "千代田区", "東京都", "100-0005", "JP"),),
)  # fmt: skip
FREE_SHIPPING_FROM = Decimal(50)
SHIPPING = Decimal("5.99")
GIFT_WRAP = Decimal("3.99")
DISCOUNT = Decimal("0.10")
FIRST_VARIED = 9
"""Orders before this one are the special ones of `traits.draw`, all in the US."""


def invent(traits: Traits, seed: int, sequence: int, at: datetime) -> Payload:
    """The order payload of Orders 2026-01-01 with every dataset. `sequence` makes its id unique in the account."""
    chance = random.Random(f"{seed}/amazon/{sequence}")
    place = US if traits.number < FIRST_VARIED else chance.choices((US, DE, JP), (7, 2, 1))[0]
    order_id = f"{place.prefix}-{sequence:07d}-{chance.randrange(10**7):07d}"
    items = [_item(traits, place, order_id, index, *each) for index, each in enumerate(traits.items)]
    person = chance.choice(place.people)
    order = {
        "orderId": order_id,
        "createdTime": written(at),
        "lastUpdatedTime": written(at),
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": place.marketplace_id, "marketplaceName": place.name},
        "buyer": {"buyerName": person[0], "buyerEmail": f"b{sequence:07d}@marketplace.amazon.com"},
        "recipient": {"deliveryAddress": _address(person)},
        "proceeds": {"grandTotal": place.money(sum((_total(item) for item in items), Decimal(0)))},
        "fulfillment": _fulfilment(traits, at),
        "orderItems": items,
    }
    if chance.random() < 0.2:
        order["programs"] = ["PRIME"]
    return order


def _address(person: tuple[str, str, str, str, str, str]) -> Payload:
    names = ("name", "addressLine1", "city", "stateOrRegion", "postalCode", "countryCode")
    return {name: value for name, value in zip(names, person, strict=True) if value} | {"addressType": "RESIDENTIAL"}


def _fulfilment(traits: Traits, at: datetime) -> Payload:
    ship, deliver = at + timedelta(days=2), at + timedelta(days=6)
    return {
        "fulfillmentStatus": "UNSHIPPED",
        "fulfilledBy": "AMAZON" if traits.channel_fulfilled else "MERCHANT",
        "fulfillmentServiceLevel": "EXPEDITED" if traits.number % 5 == 0 else "STANDARD",
        "shipByWindow": {"earliestDateTime": written(at), "latestDateTime": written(ship)},
        "deliverByWindow": {"earliestDateTime": written(ship), "latestDateTime": written(deliver)},
    }


def _item(
    traits: Traits, place: Marketplace, order_id: str, index: int, listing: Listing, quantity: int
) -> dict[str, Any]:
    price = place.rounded(listing.price * place.factor)
    item: dict[str, Any] = {
        "orderItemId": f"{order_id.replace('-', '')[:13]}{index + 1}",
        "quantityOrdered": quantity,
        "product": {
            "asin": f"B0{abs(hash_of(listing.sku)):08d}",
            "title": listing.title,
            "sellerSku": listing.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
            "price": {"unitPrice": place.money(price)},
        },
        "proceeds": _proceeds(traits, place, price * quantity),
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": quantity},
    }
    if traits.discount:
        item["promotion"] = {"breakdowns": [{"promotionId": "AUTUMN-10"}]}
    if traits.gift:
        item["fulfillment"]["packing"] = {"giftOption": {"giftMessage": "Enjoy!", "giftWrapLevel": "Classic"}}
    if traits.asks_to_cancel and not traits.channel_fulfilled:
        request = {"requester": "BUYER", "cancelReason": "Ordered by mistake"}
        item["cancellation"] = {"cancellationRequest": request}
    if traits.channel_tax:
        collection = {"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services, Inc."}
        item["tax"] = {"taxCollections": [collection]}
    return item


def hash_of(text: str) -> int:
    """Eight digits that are always the same for a text."""
    return random.Random(text).randrange(10**8)


def _proceeds(traits: Traits, place: Marketplace, goods: Decimal) -> Payload:
    """Line totals; where tax is included in prices, its breakdown says how much of them it is."""
    parts = {"ITEM": goods}
    if goods < FREE_SHIPPING_FROM * place.factor:
        parts["SHIPPING"] = place.rounded(SHIPPING * place.factor)
    if traits.gift:
        parts["GIFT_WRAP"] = place.rounded(GIFT_WRAP * place.factor)
    discount = place.rounded(goods * DISCOUNT) if traits.discount else Decimal(0)
    breakdowns = [{"type": kind, "subtotal": place.money(amount)} for kind, amount in parts.items()]
    total = sum(parts.values(), Decimal(0)) - discount
    if discount:
        breakdowns.append(_detailed(place, "DISCOUNT", {"ITEM": -discount}))
    if traits.channel_tax or place.tax_included:
        taxes = {kind: place.tax(amount - (discount if kind == "ITEM" else 0)) for kind, amount in parts.items()}
        breakdowns.append(_detailed(place, "TAX", taxes))
        total += Decimal(0) if place.tax_included else sum(taxes.values(), Decimal(0))
    return {"proceedsTotal": place.money(total), "breakdowns": breakdowns}


def _detailed(place: Marketplace, kind: str, parts: dict[str, Decimal]) -> Payload:
    return {
        "type": kind,
        "subtotal": place.money(sum(parts.values(), Decimal(0))),
        "detailedBreakdowns": [{"subtype": on, "value": place.money(amount)} for on, amount in parts.items()],
    }


def _total(item: Payload) -> Decimal:
    return Decimal(item["proceeds"]["proceedsTotal"]["amount"])
