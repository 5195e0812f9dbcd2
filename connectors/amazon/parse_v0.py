"""An order of Orders API v0, with its items: its fields to the same facts.

For compatibility: Amazon ends the v0 reads on 2027-03-27."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from connectors.amazon.assembly import Facts, Item
from connectors.amazon.documents import Found
from connectors.amazon.node import MONEY_V0, Node
from connectors.amazon.reading import WHEN_PAID, known_currency, seller_remits
from connectors.amazon.sheet import DISCOUNT, DISCOUNT_TAX, ITEM, TAX, Sheet
from connectors.amazon.vocabulary import CURRENCIES, DEEMED_SUPPLIER, STATES_V0, side, state
from models.money import Money
from models.order import Address, Buyer, ChannelState, OrderKey, Remitter

AMOUNTS = (
    ("ItemPrice", ITEM, ITEM),
    ("ShippingPrice", "SHIPPING", "SHIPPING"),
    ("CODFee", "COD_FEE", "COD_FEE"),
    ("ItemTax", TAX, ITEM),
    ("ShippingTax", TAX, "SHIPPING"),
    ("PromotionDiscount", DISCOUNT, ITEM),
    ("ShippingDiscount", DISCOUNT, "SHIPPING"),
    ("CODFeeDiscount", DISCOUNT, "COD_FEE"),
    ("PromotionDiscountTax", DISCOUNT_TAX, ITEM),
    ("ShippingDiscountTax", DISCOUNT_TAX, "SHIPPING"),
)
"""Field of an item, what it is, and what it is on. `ItemPrice` is the whole line's."""
GIFT_AMOUNTS = (("GiftWrapPrice", "GIFT_WRAP", "GIFT_WRAP"), ("GiftWrapTax", TAX, "GIFT_WRAP"))
"""The same in the item's `BuyerInfo`."""


def items_for(order: Node, beside: Node, found: Found) -> Node | None:
    """The object that holds the order's items: the order itself, one beside it, or one elsewhere in the document."""
    external_id = order["AmazonOrderId"].value
    for candidate in (order, beside, *found.items_v0):
        same = candidate["AmazonOrderId"].value in (external_id, None)
        if same and _list_of_items(candidate) is not None:
            return candidate
    return None


def _list_of_items(node: Node) -> Node | None:
    for name in ("OrderItems", "orderItems", "items"):
        inner = node[name]["payload"] if node[name].has("payload") else node[name]
        for items in (inner, inner["OrderItems"]):
            if isinstance(items.value, list):
                return items
    return None


def facts_v0(node: Node, beside: Node, found: Found, account: str) -> Facts:
    """Raises `SchemaDrift` naming what is needed and not there."""
    external_id = node["AmazonOrderId"].identifier()
    order_state = state(node["OrderStatus"], STATES_V0)
    total = node["OrderTotal"]
    if not total and order_state is ChannelState.PENDING:
        raise total.drift("payment_pending", WHEN_PAID)
    holder = items_for(node, beside, found)
    items_node = _list_of_items(holder) if holder else None
    if not items_node:
        raise node["OrderItems"].drift("items_absent", "Fetch getOrderItems and send the items beside the order.")
    own_items = Node(items_node.value, items_node.path, node.unread)
    currency = _currency(node, own_items)
    key = OrderKey(channel="amazon", account=account, external_id=external_id)
    address = next((a for a in found.addresses_v0 if a["AmazonOrderId"].value == node["AmazonOrderId"].value), beside)
    return Facts(
        items=[_item(item, order_state, currency) for item in own_items.each()],
        sheet=Sheet(currency, {}, {}),
        total=total.money(currency, MONEY_V0) if total else _nothing(node, order_state, currency),
        total_node=total,
        state=order_state,
        region=node["MarketplaceId"].text(),
        rest=_rest(node, own_items, _address_of(node, address), order_state, currency, key),
    )


def _nothing(node: Node, order_state: ChannelState, currency: str) -> Money:
    """Cancelled and replacement orders state no total: there is nothing to pay."""
    if order_state is ChannelState.CANCELLED or node["IsReplacementOrder"].flag():
        return Money.zero(currency)
    raise node["OrderTotal"].drift("proceeds_absent", "The order's total is needed: read it again with getOrder.")


def _currency(node: Node, items: Node) -> str:
    stated = [node["OrderTotal"], *(item["ItemPrice"] for item in items.each())]
    found = next((amount["CurrencyCode"] for amount in stated if amount["CurrencyCode"]), None)
    if found is None and node["MarketplaceId"].text() in CURRENCIES:
        return CURRENCIES[node["MarketplaceId"].text()]
    return known_currency(found or node["OrderTotal"]["CurrencyCode"])


def _item(node: Node, order_state: ChannelState, currency: str) -> Item:
    line_id = node["OrderItemId"].identifier()
    ordered, shipped, cancelled = _quantities(node, order_state)
    sheet = _sheet(node, currency)
    return Item(
        node=node,
        line_id=line_id,
        sku=node["SellerSKU"].text() or node["ASIN"].text() or f"item:{line_id}",
        title=node["Title"].text(),
        ordered=ordered,
        shipped=shipped,
        cancelled=cancelled,
        unit_price=_unit_price(sheet, ordered),
        sheet=sheet,
        stated_total=None,
        remitter=_remitter(node, taxed=bool(sheet.of(TAX))),
        promotion=next((code.text() for code in node["PromotionIds"].listed()), None) or None,
        price_path=node["ItemPrice"].path,
    )


def _unit_price(sheet: Sheet, ordered: int) -> Money | None:
    """Only where the line's price divides: a rounded unit price would be an invented one."""
    if ITEM not in sheet.totals:
        return None
    parts = sheet.of(ITEM).allocate([1] * ordered) if ordered <= 1000 else []
    return parts[0] if len({part.amount for part in parts}) == 1 else None


def _sheet(node: Node, currency: str) -> Sheet:
    totals: dict[str, Money] = {}
    details: dict[tuple[str, str], Money] = {}
    for kind, on, amount in _amounts(node, currency):
        totals[kind] = totals[kind] + amount if kind in totals else amount
        details[kind, on] = amount
    return Sheet(currency, totals, details)


def _amounts(node: Node, currency: str) -> Iterator[tuple[str, str, Money]]:
    for holder, fields in ((node, AMOUNTS), (node["BuyerInfo"], GIFT_AMOUNTS)):
        for name, kind, on in fields:
            if holder[name]:
                amount = holder[name].money(currency, MONEY_V0)
                yield kind, on, -amount if kind in (DISCOUNT, DISCOUNT_TAX) and amount.amount < 0 else amount


def _quantities(node: Node, order_state: ChannelState) -> tuple[int, int, int]:
    """Ordered, shipped, cancelled. Items of cancelled orders are often stated with 0 ordered."""
    ordered = node["QuantityOrdered"].quantity()
    shipped_node = node["QuantityShipped"]
    shipped = shipped_node.quantity() if shipped_node else (ordered if order_state is ChannelState.SHIPPED else 0)
    if ordered == 0:
        return max(1, shipped), shipped, max(1, shipped) - shipped
    if shipped > ordered:
        raise shipped_node.drift("wrong_value", f"Only {ordered} are ordered: read the order again.")
    finished = order_state in (ChannelState.CANCELLED, ChannelState.SHIPPED)
    return ordered, shipped, ordered - shipped if finished else 0


def _remitter(node: Node, *, taxed: bool) -> Remitter:
    collection, category = node["TaxCollection"], node["DeemedResellerCategory"]
    by_amazon = collection["ResponsibleParty"].text().lower().startswith("amazon")
    if collection["Model"].text() == "MarketplaceFacilitator" or by_amazon:
        return Remitter.CHANNEL
    if category.text() in DEEMED_SUPPLIER:
        return Remitter.CHANNEL
    return seller_remits([collection["Model"], category], taxed=taxed)


def _rest(
    node: Node, items: Node, address: Address | None, order_state: ChannelState, currency: str, key: OrderKey
) -> dict[str, Any]:
    rest = {
        "key": key,
        "purchased_at": node["PurchaseDate"].moment(),
        "version": node["LastUpdateDate"].moment(),
        "fulfilled_by": side(node["FulfillmentChannel"], order_state),
        "currency": currency,
        "buyer": _buyer(node["BuyerInfo"]),
        "ship_to": address,
        "service_level": _service_level(node["ShipmentServiceLevelCategory"].text()),
        "ship_by": node["LatestShipDate"].moment_if_readable(),
        "deliver_by": node["LatestDeliveryDate"].moment_if_readable(),
        "cancel_requested": _cancel_requested(items, order_state),
        "replacement_of": node["ReplacedOrderId"].text() or None,
        "gift": any(item["IsGift"].flag() for item in items.each()),
    }
    return {**rest, "extras": _extras(node)}


def _buyer(node: Node) -> Buyer:
    return Buyer(
        name=node["BuyerName"].text(),
        email=node["BuyerEmail"].text(),
        company=node["BuyerTaxInfo"]["CompanyLegalName"].text(),
        purchase_order=node["PurchaseOrderNumber"].text(),
    )


def _address_of(node: Node, other: Node) -> Address | None:
    places = (node, other, other["address"], other["address"]["payload"])
    found = next((place["ShippingAddress"] for place in places if place["ShippingAddress"]), None)
    return _address(Node(found.value, found.path, node.unread)) if found else None


def _address(node: Node) -> Address | None:
    lines = (node[f"AddressLine{number}"].text() for number in (1, 2, 3))
    address = Address(
        name=node["Name"].text(),
        company=node["CompanyName"].text(),
        lines=tuple(line for line in lines if line),
        city=node["City"].text(),
        district=node["District"].text() or node["County"].text() or node["Municipality"].text(),
        region=node["StateOrRegion"].text(),
        postal_code=node["PostalCode"].text(),
        country=node["CountryCode"].text(),
        phone=node["Phone"].text(),
    )
    return address if address != Address() else None


def _service_level(category: str) -> str:
    """`SecondDay` -> `second_day`, as Orders 2026-01-01 says it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", category).lower() or "standard"


def _cancel_requested(items: Node, order_state: ChannelState) -> str | None:
    if order_state in (ChannelState.SHIPPED, ChannelState.CANCELLED):
        return None
    requests = (item["BuyerRequestedCancel"] for item in items.each())
    reasons = (r["BuyerCancelReason"].text() for r in requests if r["IsBuyerRequestedCancel"].flag())
    return next((reason or "requested by the buyer" for reason in reasons), None)


def _extras(node: Node) -> dict[str, str]:
    flags = {"PRIME": "IsPrime", "AMAZON_BUSINESS": "IsBusinessOrder", "PREMIUM": "IsPremiumOrder"}
    extras = {
        "marketplace": node["SalesChannel"].text(),
        "programs": ",".join(program for program, name in flags.items() if node[name].flag()),
        "seller_order_id": node["SellerOrderId"].text(),
        "ship_not_before": node["EarliestShipDate"].text(),
        "deliver_not_before": node["EarliestDeliveryDate"].text(),
        "unreadable": ",".join(sorted(set(node.unread))),
    }
    return {name: value for name, value in extras.items() if value}
