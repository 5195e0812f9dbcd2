"""An order of Orders API 2026-01-01: its fields to facts in our words."""

from __future__ import annotations

from typing import Any

from connectors.amazon.assembly import Facts, Item
from connectors.amazon.node import Node
from connectors.amazon.sheet import TAX, Sheet
from connectors.amazon.vocabulary import CURRENCIES, DEEMED_SUPPLIER, STATES, side, state
from models.money import Money, MoneyError
from models.order import Address, Buyer, ChannelState, OrderKey, Parcel, Remitter

WITH_PROCEEDS = "Read the order with includedData=PROCEEDS."
WHEN_PAID = "Payment is not authorised yet: the order is read again, with its prices, once its status is UNSHIPPED."


def facts(node: Node, account: str) -> Facts:
    """Raises `SchemaDrift` naming what is needed and not there."""
    external_id = node["orderId"].identifier()
    order_state = state(node["fulfillment"]["fulfillmentStatus"], STATES)
    currency = _currency(node, order_state)
    total_node = node["proceeds"]["grandTotal"]
    region = node["salesChannel"]["marketplaceId"].text()
    items = [_item(item, order_state, currency) for item in node["orderItems"].each()]
    if not items:
        raise node["orderItems"].drift("items_absent", "An order has items: read it with getOrder.")
    return Facts(
        items=items,
        sheet=Sheet.read(node["proceeds"]["breakdowns"], currency),
        total=total_node.money(currency) if total_node else None,
        total_node=total_node,
        state=order_state,
        region=region,
        rest=_rest(node, order_state, currency, OrderKey(channel="amazon", account=account, external_id=external_id)),
    )


def _currency(node: Node, order_state: ChannelState) -> str:
    """The currency of the order's amounts. Raises `SchemaDrift` when there is no amount and the order needs one."""
    items = list(node["orderItems"].each())
    stated = [node["proceeds"]["grandTotal"], *(item["proceeds"]["proceedsTotal"] for item in items)]
    stated += [breakdown["subtotal"] for breakdown in node["proceeds"]["breakdowns"].listed()]
    stated += [part["subtotal"] for item in items for part in item["proceeds"]["breakdowns"].listed()]
    if not any(stated):
        _require_proceeds(node, order_state)
        stated += [item["product"]["price"]["unitPrice"] for item in items]
    found = next((amount["currencyCode"] for amount in stated if amount["currencyCode"]), None)
    marketplace = node["salesChannel"]["marketplaceId"]
    if found is None and marketplace.text() in CURRENCIES:
        return CURRENCIES[marketplace.text()]
    return known_currency(found or node["proceeds"]["grandTotal"]["currencyCode"])


def known_currency(node: Node) -> str:
    try:
        return Money.zero(node.identifier()).currency
    except (MoneyError, ValueError):
        raise node.drift("wrong_value", "A currency is a code of ISO 4217, like USD.") from None


def _require_proceeds(node: Node, order_state: ChannelState) -> None:
    if order_state is ChannelState.PENDING:
        raise node["proceeds"].drift("payment_pending", WHEN_PAID)
    if order_state is not ChannelState.CANCELLED:
        raise node["proceeds"].drift("proceeds_absent", WITH_PROCEEDS)


def _item(node: Node, order_state: ChannelState, currency: str) -> Item:
    line_id = node["orderItemId"].identifier()
    product, proceeds = node["product"], node["proceeds"]
    ordered, shipped, cancelled = _quantities(node, order_state)
    unit_price = product["price"]["unitPrice"]
    total = proceeds["proceedsTotal"]
    sheet = Sheet.read(proceeds["breakdowns"], currency)
    promotion = next((part["promotionId"].text() for part in node["promotion"]["breakdowns"].listed()), "")
    return Item(
        node=node,
        line_id=line_id,
        sku=product["sellerSku"].text() or product["asin"].text() or f"item:{line_id}",
        title=product["title"].text(),
        ordered=ordered,
        shipped=shipped,
        cancelled=cancelled,
        unit_price=unit_price.money(currency) if unit_price else None,
        sheet=sheet,
        stated_total=total.money(currency) if total else None,
        remitter=_remitter(node["tax"], taxed=bool(sheet.of(TAX))),
        promotion=promotion or None,
        price_path=unit_price.path,
    )


def _quantities(node: Node, order_state: ChannelState) -> tuple[int, int, int]:
    """Ordered, shipped, cancelled. A shipped unit stays shipped, whatever else is said of it."""
    fulfilled, unfulfilled = node["fulfillment"]["quantityFulfilled"], node["fulfillment"]["quantityUnfulfilled"]
    ordered = node["quantityOrdered"].quantity()
    executed = bool(node["cancellation"]["cancellationExecution"])
    shipped = fulfilled.quantity() if fulfilled else 0
    if not fulfilled and order_state is ChannelState.SHIPPED and not executed:
        shipped = ordered
    if ordered == 0:
        return max(1, shipped), shipped, max(1, shipped) - shipped
    if shipped > ordered:
        raise fulfilled.drift("wrong_value", f"Only {ordered} are ordered: read the order again.")
    nothing_left = order_state is ChannelState.SHIPPED and not unfulfilled
    if executed or nothing_left or order_state is ChannelState.CANCELLED:
        return ordered, shipped, ordered - shipped
    left = unfulfilled.quantity() if unfulfilled else ordered - shipped
    return ordered, shipped, max(0, ordered - shipped - left)


def _remitter(tax: Node, *, taxed: bool) -> Remitter:
    """Amazon remits what it collects as marketplace facilitator, and VAT of which it is the deemed supplier (OSS).

    Raises `SchemaDrift` for a word that nobody knows beside a tax: somebody would pay it twice, or nobody would.
    """
    unknown: list[Node] = []
    for collection in tax["taxCollections"].listed():
        by_amazon = collection["responsibleParty"].text().lower().startswith("amazon")
        if collection["model"].text() == "MARKETPLACE_FACILITATOR" or by_amazon:
            return Remitter.CHANNEL
        unknown.append(collection["model"])
    for part in tax["taxCalculationBreakdowns"].listed():
        if part["reportingScheme"].text() in DEEMED_SUPPLIER:
            return Remitter.CHANNEL
        unknown.append(part["reportingScheme"])
    return seller_remits(unknown, taxed=taxed)


def seller_remits(unknown: list[Node], *, taxed: bool) -> Remitter:
    """The seller's tax, unless the order says something of it that is not understood."""
    word = next((node for node in unknown if node), None)
    if taxed and word is not None:
        remedy = "Who pays this tax to the authority must be known: map the new word, then replay the order."
        raise word.drift("unknown_tax_remitter", remedy)
    return Remitter.SELLER


def _rest(node: Node, order_state: ChannelState, currency: str, key: OrderKey) -> dict[str, Any]:
    fulfilment = node["fulfillment"]
    rest = {
        "key": key,
        "purchased_at": node["createdTime"].moment(),
        "version": node["lastUpdatedTime"].moment(),
        "fulfilled_by": side(fulfilment["fulfilledBy"], order_state),
        "currency": currency,
        "buyer": _buyer(node["buyer"]),
        "ship_to": _address(node["recipient"]["deliveryAddress"]),
        "service_level": fulfilment["fulfillmentServiceLevel"].text().lower() or "standard",
        "ship_by": fulfilment["shipByWindow"]["latestDateTime"].moment_if_readable(),
        "deliver_by": fulfilment["deliverByWindow"]["latestDateTime"].moment_if_readable(),
        "parcels": tuple(_parcels(node["packages"])),
        "cancel_requested": _cancel_requested(node, order_state),
        "cancel_reason": _cancel_reason(node) if order_state is ChannelState.CANCELLED else None,
        "replacement_of": _associated(node, "REPLACEMENT_ORIGINAL_ID") or None,
        "gift": any(item["fulfillment"]["packing"]["giftOption"] for item in node["orderItems"].listed()),
    }
    return {**rest, "extras": _extras(node)}


def _buyer(node: Node) -> Buyer:
    return Buyer(
        name=node["buyerName"].text(),
        email=node["buyerEmail"].text(),
        company=node["buyerCompanyName"].text(),
        purchase_order=node["buyerPurchaseOrderNumber"].text(),
    )


def _address(node: Node) -> Address | None:
    if not node:
        return None
    lines = (node[f"addressLine{number}"].text() for number in (1, 2, 3))
    address = Address(
        name=node["name"].text(),
        company=node["companyName"].text(),
        lines=tuple(line for line in lines if line),
        city=node["city"].text(),
        district=node["districtOrCounty"].text() or node["municipality"].text(),
        region=node["stateOrRegion"].text(),
        postal_code=node["postalCode"].text(),
        country=node["countryCode"].text(),
        phone=node["phone"].text(),
    )
    return address if address != Address() else None


def _parcels(packages: Node) -> list[Parcel]:
    return [
        Parcel(
            parcel_id=package["packageReferenceId"].text() or str(number),
            carrier=package["carrier"].text(),
            tracking=package["trackingNumber"].text(),
            shipped_at=package["shipTime"].moment_if_readable(),
            quantities=_contents(package["packageItems"]),
        )
        for number, package in enumerate(packages.listed(), start=1)
    ]


def _contents(items: Node) -> dict[str, int]:
    contents: dict[str, int] = {}
    for item in items.listed():
        line_id, quantity = item["orderItemId"].text(), item["quantity"].quantity_if_readable()
        if line_id and quantity:
            contents[line_id] = contents.get(line_id, 0) + quantity
    return contents


def _cancel_requested(node: Node, order_state: ChannelState) -> str | None:
    if order_state in (ChannelState.SHIPPED, ChannelState.CANCELLED):
        return None
    for item in node["orderItems"].listed():
        request = item["cancellation"]["cancellationRequest"]
        if request and not item["cancellation"]["cancellationExecution"]:
            return request["cancelReason"].text() or f"requested by {request['requester'].text() or 'the buyer'}"
    return None


def _cancel_reason(node: Node) -> str | None:
    for item in node["orderItems"].listed():
        execution = item["cancellation"]["cancellationExecution"]
        words = (execution["cancelledBy"].text(), execution["cancelReason"].text())
        if any(words):
            return ": ".join(word for word in words if word)
    return "unfulfillable" if node["fulfillment"]["fulfillmentStatus"].value == "UNFULFILLABLE" else None


def _associated(node: Node, kind: str) -> str:
    found = (order for order in node["associatedOrders"].listed() if order["associationType"].text() == kind)
    return next((order["orderId"].text() for order in found), "")


def _extras(node: Node) -> dict[str, str]:
    fulfilment = node["fulfillment"]
    aliases = (a["aliasId"].text() for a in node["orderAliases"].listed() if a["aliasType"].text() == "SELLER_ORDER_ID")
    shipping = (item["fulfillment"]["shipping"]["internationalShipping"] for item in node["orderItems"].listed())
    extras = {
        "marketplace": node["salesChannel"]["marketplaceName"].text(),
        "programs": ",".join(program.text() for program in node["programs"].listed()),
        "seller_order_id": next(aliases, ""),
        "exchange_of": _associated(node, "EXCHANGE_ORIGINAL_ID"),
        "ship_not_before": fulfilment["shipByWindow"]["earliestDateTime"].text(),
        "deliver_not_before": fulfilment["deliverByWindow"]["earliestDateTime"].text(),
        "address_type": node["recipient"]["deliveryAddress"]["addressType"].text(),
        "ioss_number": next((part["iossNumber"].text() for part in shipping if part), ""),
        "unreadable": ",".join(sorted(set(node.unread))),
    }
    return {name: value for name, value in extras.items() if value}
