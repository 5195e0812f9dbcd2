"""The XML messages of the order feeds `POST_ORDER_ACKNOWLEDGEMENT_DATA` and `POST_PAYMENT_ADJUSTMENT_DATA`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as Xml

from models.money import Money

CONTENT_TYPE = "text/xml; charset=UTF-8"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = f"{{{_INSTANCE}}}noNamespaceSchemaLocation"


@dataclass(frozen=True)
class AdjustedItem:
    """What changes of one order item: money that goes back, units that will not come."""

    line_id: str
    reason: str
    components: Mapping[str, Money] = field(default_factory=dict)
    """`Principal`, `Tax`, `Shipping`, `ShippingTax` -> what the buyer gets back, positive."""
    cancelled: int = 0


def cancellation(seller_id: str, order_id: str, lines: Iterable[str], reason: str) -> bytes:
    """An order is cancelled as a whole by acknowledging it as a failure, item by item."""
    root, message = _envelope(seller_id, "OrderAcknowledgement")
    _add(message, "AmazonOrderID", order_id)
    _add(message, "StatusCode", "Failure")
    for line_id in lines:
        item = Xml.SubElement(message, "Item")
        _add(item, "AmazonOrderItemCode", line_id)
        _add(item, "CancelReason", reason)
    return _written(root)


def adjustment(seller_id: str, order_id: str, items: Iterable[AdjustedItem]) -> bytes:
    root, message = _envelope(seller_id, "OrderAdjustment")
    _add(message, "AmazonOrderID", order_id)
    for adjusted in items:
        item = Xml.SubElement(message, "AdjustedItem")
        _add(item, "AmazonOrderItemCode", adjusted.line_id)
        _add(item, "AdjustmentReason", adjusted.reason)
        if adjusted.components:
            amounts = Xml.SubElement(item, "ItemPriceAdjustments")
            for kind, amount in adjusted.components.items():
                component = Xml.SubElement(amounts, "Component")
                _add(component, "Type", kind)
                _add(component, "Amount", str(amount.amount)).set("currency", amount.currency)
        if adjusted.cancelled:
            _add(item, "QuantityCancelled", str(adjusted.cancelled))
    return _written(root)


def _envelope(seller_id: str, kind: str) -> tuple[Xml.Element, Xml.Element]:
    """The envelope, and the one message in it that is to be filled."""
    Xml.register_namespace("xsi", _INSTANCE)
    root = Xml.Element("AmazonEnvelope", {_SCHEMA: "amzn-envelope.xsd"})
    header = Xml.SubElement(root, "Header")
    _add(header, "DocumentVersion", "1.01")
    _add(header, "MerchantIdentifier", seller_id)
    _add(root, "MessageType", kind)
    message = Xml.SubElement(root, "Message")
    _add(message, "MessageID", "1")
    return root, Xml.SubElement(message, kind)


def _add(parent: Xml.Element, name: str, text: str) -> Xml.Element:
    element = Xml.SubElement(parent, name)
    element.text = text
    return element


def _written(root: Xml.Element) -> bytes:
    content: bytes = Xml.tostring(root, encoding="UTF-8", xml_declaration=True)
    return content
