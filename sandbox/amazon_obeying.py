"""What Amazon does on an order feed: cancels an order, cancels units, pays money back. A message is done or refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree as Xml

from models.money import Money, MoneyError
from sandbox.amazon_answers import Payload
from sandbox.amazon_cancels import cancel_all, cancel_units, counts
from sandbox.amazon_envelopes import Message, Problem, Wrong, messages
from sandbox.amazon_refunds import AmazonRefunds, Components
from sandbox.amazon_returns import AmazonReturns
from sandbox.amazon_shelf import AmazonShelf, order_key
from sandbox.ledger import Ledger

REASONS = frozenset(
    {
        "NoInventory", "ShippingAddressUndeliverable", "CustomerExchange", "BuyerCanceled", "GeneralAdjustment",
        "PricingError", "CarrierCreditDecision", "RiskAssessmentInformationNotValid", "CarrierCoverageFailure",
        "CustomerReturn", "MerchandiseNotReceived",
    }
)  # fmt: skip
NOT_FOUND, BAD_STATE, BAD_ITEM, BAD_REASON, TOO_MUCH = "13010", "13011", "13012", "13013", "13014"
"""Codes of this sandbox: Amazon publishes no list of its own."""


class Obeying:
    def __init__(self, shelf: AmazonShelf, refunds: AmazonRefunds, returns: AmazonReturns, ledger: Ledger) -> None:
        self._shelf = shelf
        self._refunds = refunds
        self._returns = returns
        self._ledger = ledger

    def acknowledgements(self, content: bytes) -> tuple[int, list[Problem]]:
        """`POST_ORDER_ACKNOWLEDGEMENT_DATA`; raises `Unreadable`."""
        return self._each(messages(content, "OrderAcknowledgement"), self._acknowledge)

    def adjustments(self, content: bytes) -> tuple[int, list[Problem]]:
        """`POST_PAYMENT_ADJUSTMENT_DATA`; raises `Unreadable`."""
        return self._each(messages(content, "OrderAdjustment"), self._adjust)

    def _each(self, found: list[Message], obey: Callable[[Message, Payload], None]) -> tuple[int, list[Problem]]:
        problems = []
        for message in found:
            order_id = message.text("AmazonOrderID")
            try:
                obey(message, self._record(order_id))
            except Wrong as wrong:
                problems.append(Problem(message.message_id, wrong.code, str(wrong), order_id))
        return len(found), problems

    def _record(self, order_id: str) -> Payload:
        record = self._shelf.get(order_id)
        if record is None:
            raise Wrong(NOT_FOUND, f"The order {order_id!r} does not exist.")
        if record["order"]["fulfillment"].get("fulfilledBy") == "AMAZON":
            raise Wrong(BAD_STATE, f"The order {order_id} is fulfilled by Amazon.")
        return record

    def _acknowledge(self, message: Message, record: Payload) -> None:
        order = record["order"]
        match message.text("StatusCode"):
            case "Success":
                alias = {"aliasId": message.text("MerchantOrderID"), "aliasType": "SELLER_ORDER_ID"}
                order["orderAliases"] = [alias]
            case "Failure":
                self._cancel_all(message, order)
            case word:
                raise Wrong(BAD_ITEM, f"StatusCode {word!r} is neither Success nor Failure.")
        self._shelf.changed(record)

    def _cancel_all(self, message: Message, order: Payload) -> None:
        state = order["fulfillment"]["fulfillmentStatus"]
        if state != "UNSHIPPED":
            raise Wrong(BAD_STATE, f"The order is {state}: it cannot be cancelled.")
        items = message.body.findall("Item")
        named = {_text(item, "AmazonOrderItemCode") for item in items}
        open_items = {item["orderItemId"] for item in order["orderItems"] if counts(item)[1]}
        if named != open_items:
            raise Wrong(BAD_ITEM, "The items are not those of the order; to cancel a part, send an order adjustment.")
        reasons = {_reason(_text(item, "CancelReason")) for item in items}
        units = {item["orderItemId"]: counts(item)[1] for item in order["orderItems"]}
        cancel_all(order, {"cancelledBy": "MERCHANT", "cancelReason": min(reasons)})
        self._ledger.record("amazon", "cancelled", order_key(order["orderId"]), units=units, reason=min(reasons))

    def _adjust(self, message: Message, record: Payload) -> None:
        """All of a message or nothing of it: what it asks for is checked before any of it is done."""
        order, items = record["order"], message.body.findall("AdjustedItem")
        if not items:
            raise Wrong(BAD_ITEM, "An adjustment has at least one AdjustedItem.")
        known = {item["orderItemId"]: item for item in order["orderItems"]}
        units: dict[str, int] = {}
        paid: list[tuple[str, str, Components]] = []
        for adjusted in items:
            item_id, reason = _text(adjusted, "AmazonOrderItemCode"), _reason(_text(adjusted, "AdjustmentReason"))
            if item_id not in known:
                raise Wrong(BAD_ITEM, f"The order has no item {item_id!r}.")
            if count := _cancelled(adjusted, known[item_id], order):
                units[item_id] = units.get(item_id, 0) + count
            if components := self._components(adjusted, known[item_id], order["orderId"]):
                paid.append((item_id, reason, components))
        if not units and not paid:
            raise Wrong(BAD_ITEM, "The adjustment adjusts nothing.")
        self._do(record, units, paid)

    def _do(self, record: Payload, units: dict[str, int], paid: list[tuple[str, str, Components]]) -> None:
        order_id = record["order"]["orderId"]
        if units:
            cancel_units(record["order"], units, {"cancelledBy": "MERCHANT", "cancelReason": "NoInventory"})
            self._ledger.record("amazon", "cancelled", order_key(order_id), units=units)
            self._shelf.changed(record)
        if paid:
            self._refunds.pay(order_id, paid)
            for item_id, _, components in paid:
                self._returns.refunded(record["order"], item_id, components)

    def _components(self, adjusted: Xml.Element, item: Payload, order_id: str) -> Components:
        """What is to be paid back of an item. Raises `Wrong` for more than is left, or before it was shipped."""
        components = {}
        left = self._refunds.left(order_id, item)
        for component in adjusted.findall("ItemPriceAdjustments/Component"):
            kind, amount = _text(component, "Type"), _money(component)
            if counts(item)[0] < 1:
                raise Wrong(BAD_STATE, f"Item {item['orderItemId']} was not shipped: there is nothing to pay back.")
            if kind not in left or amount.currency != left[kind].currency or amount.amount > left[kind].amount:
                raise Wrong(TOO_MUCH, f"{kind} {amount} exceeds {left.get(kind, 'nothing')} that is left to pay back.")
            components[kind] = amount
        return components


def _cancelled(adjusted: Xml.Element, item: Payload, order: Payload) -> int:
    text = _text(adjusted, "QuantityCancelled")
    if not text:
        return 0
    state, (_, left) = order["fulfillment"]["fulfillmentStatus"], counts(item)
    if state not in ("UNSHIPPED", "PARTIALLY_SHIPPED"):
        raise Wrong(BAD_STATE, f"The order is {state}: nothing of it can be cancelled.")
    if not text.isdecimal() or not 1 <= int(text) <= left:
        raise Wrong(TOO_MUCH, f"QuantityCancelled {text} is not between 1 and the {left} units left to ship.")
    return int(text)


def _money(component: Xml.Element) -> Money:
    amount = component.find("Amount")
    try:
        money = Money.of(Decimal((amount.text or "") if amount is not None else ""), _currency(amount))
    except (InvalidOperation, MoneyError, ValueError):
        raise Wrong(BAD_ITEM, "A component has an Amount with its currency.") from None
    if money.amount <= 0:
        raise Wrong(BAD_ITEM, "An amount to pay back is positive.")
    return money


def _currency(amount: Xml.Element | None) -> str:
    return amount.get("currency", "") if amount is not None else ""


def _reason(word: str) -> str:
    if word not in REASONS:
        raise Wrong(BAD_REASON, f"{word!r} is not a reason that Amazon knows.")
    return word


def _text(element: Xml.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
