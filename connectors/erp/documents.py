"""The documents of the ERP contract (`docs/contracts/erp.md`), made from canonical models. Amounts are texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.contract import correlation_of
from connectors.ports import CreditNote, ErpOrder, ReturnReceipt
from models.catalogue import ComponentLine
from models.fulfilment import ConfirmedParcel
from models.money import Money
from models.order import Address, Charge, Discount, Order, OrderKey, OrderLine, Tax

Document = dict[str, Any]


def sales_order(request: ErpOrder, company: str) -> Document:
    order = request.order
    items = _by_line(request.components)
    return {
        "external_reference": str(order.key),
        "correlation_id": correlation_of(order),
        "company": company,
        "channel": order.key.channel,
        "account": order.key.account,
        "ordered_at": order.purchased_at.isoformat(),
        "currency": order.currency,
        "fulfilled_by": order.fulfilled_by.value,
        "service_level": order.service_level,
        "ship_by": order.ship_by.isoformat() if order.ship_by else None,
        "test": order.test,
        "customer": order.buyer.model_dump(mode="json"),
        "ship_to": _address(order.ship_to),
        "bill_to": _address(order.bill_to),
        "lines": [_line(line, items.get(line.line_id, [])) for line in order.lines],
        "charges": [_charge(charge) for charge in order.charges],
        "totals": _totals(order),
        "assessed_seller_tax": _amount(request.seller_tax),
        "entity": request.entity,
        "ships_from": [{"node": node, "entity": entity} for node, entity in sorted(request.ships_from.items())],
        "books": _books(request),
    }


def change(request: ErpOrder, company: str) -> Document:
    """The order as it is wanted now: cancelled quantities are cumulative, amounts are those of the ordered quantity."""
    return {**sales_order(request, company), "revision": request.revision}


def parcel_reference(parcel: ConfirmedParcel) -> str:
    """A warehouse numbers its parcels as it likes: unique only together with the order."""
    return f"{parcel.order_key}#{parcel.shipment_id}"


def shipment(parcel: ConfirmedParcel) -> Document:
    return {
        **_posting(parcel),
        "package_number": parcel.package_number,
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking,
        "shipped_at": parcel.shipped_at.isoformat(),
        "goods": [each.model_dump() for each in parcel.goods],
    }


def invoice(parcel: ConfirmedParcel) -> Document:
    """No amount: the ERP computes it from the order it holds."""
    return {**_posting(parcel), "supplied_at": parcel.shipped_at.isoformat()}


def cancellation(key: OrderKey, correlation_id: str) -> Document:
    return {"external_reference": str(key), "correlation_id": correlation_id}


def credit_note(note: CreditNote) -> Document:
    return {
        "external_reference": note.note_id,
        "correlation_id": note.correlation_id,
        "order_reference": str(note.order_key),
        "issued_at": note.issued_at.isoformat(),
        "currency": note.total.currency,
        "reason": note.reason.value,
        "lines": [
            {
                "line_reference": line.line_id,
                "quantity": line.quantity,
                "goods": _amount(line.goods),
                "shipping": _amount(line.shipping),
                "seller_tax": _amount(line.seller_tax),
                "channel_tax": _amount(line.channel_tax),
            }
            for line in note.lines
        ],
        "total": _amount(note.total),
        **({"entity": note.entity} if note.entity else {}),
    }


def goods_return(receipt: ReturnReceipt) -> Document:
    return {
        "external_reference": receipt.receipt_id,
        "correlation_id": receipt.correlation_id,
        "order_reference": str(receipt.order_key) if receipt.order_key else None,
        "node": receipt.node,
        "received_at": receipt.received_at.isoformat(),
        "items": [
            {
                "line_reference": item.line_id,
                "item": item.item,
                "quantity": item.quantity,
                "condition": item.condition.value,
            }
            for item in receipt.items
        ],
        **({"entity": receipt.entity} if receipt.entity else {}),
    }


def _posting(parcel: ConfirmedParcel) -> Document:
    return {
        "external_reference": parcel_reference(parcel),
        "correlation_id": parcel.correlation_id,
        "order_reference": str(parcel.order_key),
        "units": [{"line_reference": line, "quantity": units} for line, units in parcel.units.items()],
    }


def _books(request: ErpOrder) -> Document | None:
    """The order's total in the currency of the selling entity's books, and the rate of its day."""
    ledger = request.ledger
    if ledger is None:
        return None
    total = ledger.value_of(request.order.total)
    return {"currency": ledger.currency, "rate": str(ledger.rate), "rate_on": str(ledger.on), "total": _amount(total)}


def _by_line(components: Iterable[ComponentLine]) -> dict[str, list[ComponentLine]]:
    lines: dict[str, list[ComponentLine]] = {}
    for component in components:
        lines.setdefault(component.line_id, []).append(component)
    return lines


def _line(line: OrderLine, items: list[ComponentLine]) -> Document:
    return {
        "line_reference": line.line_id,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "cancelled_quantity": line.cancelled,
        "amount": _amount(line.goods),
        "discounts": [_discount(discount) for discount in line.discounts],
        "taxes": [_tax(tax) for tax in line.taxes],
        "items": [{"item": item.item, "quantity": item.quantity, "amount": _amount(item.amount)} for item in items],
    }


def _charge(charge: Charge) -> Document:
    return {
        "kind": charge.kind.value,
        "label": charge.label,
        "line_reference": charge.line_id,
        "amount": _amount(charge.amount),
        "discounts": [_discount(discount) for discount in charge.discounts],
        "taxes": [_tax(tax) for tax in charge.taxes],
    }


def _tax(tax: Tax) -> Document:
    return {
        "amount": _amount(tax.amount),
        "remitter": tax.remitter.value,
        "included": tax.included,
        "jurisdiction": tax.jurisdiction,
        "rate": tax.rate,
    }


def _discount(discount: Discount) -> Document:
    return {"amount": _amount(discount.amount), "funded_by": discount.funded_by.value, "code": discount.code}


def _totals(order: Order) -> Document:
    totals = order.totals
    return {name: _amount(getattr(totals, name)) for name in type(totals).model_fields}


def _address(address: Address | None) -> Document | None:
    return address.model_dump(mode="json") if address else None


def _amount(money: Money) -> str:
    return str(money.amount)
