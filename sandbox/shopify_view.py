"""An order of the book as GraphQL shows it. Fields that take arguments are functions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.shopify_book import LOCATIONS
from sandbox.shopify_money import paid_back, payments_of, to_shop, to_shown
from sandbox.shopify_pages import connection, first_of, gid, utc

Document = dict[str, Any]

FULFILMENT = {"fulfilled": "FULFILLED", "partial": "PARTIALLY_FULFILLED", "restocked": "RESTOCKED"}
FINANCIAL = frozenset(
    {"AUTHORIZED", "EXPIRED", "PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED", "VOIDED"}
)
FULFILMENT_STATES = frozenset({"CANCELLED", "ERROR", "FAILURE", "OPEN", "PENDING", "SUCCESS"})
RESTOCK = frozenset({"CANCEL", "LEGACY_RESTOCK", "NO_RESTOCK", "RETURN"})


def order_view(order: Document, waiting: list[Document]) -> Document:
    """`waiting`: the order's fulfilment orders. Returns and suggested refunds are for the endpoint to add."""
    return _OrderView(order, waiting).show()


def bag_view(order: Document, amount: Decimal) -> Document:
    """An amount of the shop's currency, in both."""
    shown = order.get("presentment_currency") or order["currency"]
    return {
        "shopMoney": {"amount": str(amount), "currencyCode": order["currency"]},
        "presentmentMoney": {"amount": str(to_shown(order, amount)), "currencyCode": shown},
    }


def payment_view(order: Document, payment: Document, parent: Document | None = None) -> Document:
    """A payment, or a refund of one."""
    return {
        "__typename": "OrderTransaction",
        "id": gid("OrderTransaction", payment["id"]),
        "kind": payment["kind"].upper(),
        "status": payment["status"].upper(),
        "gateway": payment["gateway"],
        "errorCode": payment.get("error_code"),
        "test": bool(order.get("test")),
        "createdAt": utc(payment.get("created_at") or order.get("updated_at")),
        "amountSet": bag_view(order, to_shop(order, Decimal(str(payment["amount"])))),
        "parentTransaction": payment_view(order, parent) if parent else None,
    }


class _OrderView:
    def __init__(self, order: Document, waiting: list[Document]) -> None:
        self._order = order
        self._waiting = waiting
        self._currency = order.get("currency") or "USD"
        self._shown = order.get("presentment_currency") or self._currency
        self._lines = {str(line["id"]): self._line(line) for line in order.get("line_items") or ()}

    def show(self) -> Document:
        return {**self._head(), **self._money(), **self._people(), **self._parts()}

    def _head(self) -> Document:
        order = self._order
        financial = str(order.get("financial_status") or "").upper()
        reason = order.get("cancel_reason")
        tags = order.get("tags") or ""
        return {
            "__typename": "Order",
            "id": gid("Order", order["id"]),
            "legacyResourceId": str(order["id"]),
            "name": order.get("name") or f"#{order['id']}",
            "createdAt": utc(order.get("created_at")),
            "processedAt": utc(order.get("processed_at") or order.get("created_at")),
            "updatedAt": utc(order.get("updated_at")),
            "closedAt": utc(order.get("closed_at")),
            "cancelledAt": utc(order.get("cancelled_at")),
            "cancelReason": str(reason).upper() if reason else None,
            "test": bool(order.get("test")),
            "taxesIncluded": bool(order.get("taxes_included")),
            "dutiesIncluded": bool(order.get("duties_included")),
            "displayFinancialStatus": financial if financial in FINANCIAL else None,
            "displayFulfillmentStatus": FULFILMENT.get(str(order.get("fulfillment_status")), "UNFULFILLED"),
            "note": order.get("note"),
            "poNumber": order.get("po_number"),
            "sourceName": order.get("source_name"),
            "confirmationNumber": order.get("confirmation_number"),
            "tags": [tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else tags,
            "customAttributes": [
                {"key": row["name"], "value": row.get("value")} for row in order.get("note_attributes") or ()
            ],
            "discountCodes": [row["code"] for row in order.get("discount_codes") or () if row.get("code")],
        }

    def _money(self) -> Document:
        tip = self._bag(self._order, "total_tip_received")
        rounding = self._bag(self._order, "total_cash_rounding_payment_adjustment")
        names = {
            "totalPriceSet": "total_price",
            "currentTotalPriceSet": "current_total_price" if "current_total_price" in self._order else "total_price",
            "subtotalPriceSet": "subtotal_price",
            "totalTaxSet": "total_tax",
            "totalDiscountsSet": "total_discounts",
        }
        return {
            "currencyCode": self._currency,
            "presentmentCurrencyCode": self._shown,
            **{name: self._bag_or_none(self._order, field) for name, field in names.items()},
            "totalShippingPriceSet": self._bag(self._order, "total_shipping_price"),
            "totalTipReceivedSet": tip,
            "originalTotalDutiesSet": self._bag_or_none(self._order, "original_total_duties"),
            "originalTotalAdditionalFeesSet": self._bag_or_none(self._order, "original_total_additional_fees"),
            "totalCashRoundingAdjustment": {"paymentSet": rounding, "refundSet": self._bag({}, "none")},
            "additionalFees": [],
            "taxLines": self._taxes(self._order),
        }

    def _people(self) -> Document:
        customer = self._order.get("customer")
        return {
            "email": self._order.get("email") or self._order.get("contact_email"),
            "phone": self._order.get("phone"),
            "customer": {
                "id": gid("Customer", customer.get("id")),
                "firstName": customer.get("first_name"),
                "lastName": customer.get("last_name"),
            }
            if customer
            else None,
            "shippingAddress": self._address(self._order.get("shipping_address")),
            "billingAddress": self._address(self._order.get("billing_address")),
        }

    def _parts(self) -> Document:
        fulfilments = [self._fulfilment(each) for each in self._order.get("fulfillments") or ()]
        shipping = [self._shipping(row) for row in self._order.get("shipping_lines") or ()]
        return {
            "lineItems": connection(list(self._lines.values())),
            "shippingLines": connection(shipping),
            "fulfillments": first_of(fulfilments),
            "fulfillmentsCount": {"count": len(fulfilments)},
            "refunds": first_of([self._refund(each) for each in self._order.get("refunds") or ()]),
            "transactions": first_of([payment_view(self._order, each) for each in payments_of(self._order)]),
            "fulfillmentOrders": connection([self._fulfilment_order(each) for each in self._waiting]),
        }

    def _line(self, line: Document) -> Document:
        quantity = line["quantity"]
        fulfillable = line.get("fulfillable_quantity", quantity)
        return {
            "__typename": "LineItem",
            "id": gid("LineItem", line["id"]),
            "sku": line.get("sku"),
            "name": line.get("name") or line.get("title") or "",
            "title": line.get("title") or line.get("name") or "",
            "quantity": quantity,
            "currentQuantity": line.get("current_quantity", quantity),
            "unfulfilledQuantity": fulfillable,
            "refundableQuantity": line.get("current_quantity", quantity),
            "requiresShipping": line.get("requires_shipping") is not False,
            "isGiftCard": bool(line.get("gift_card")),
            "variant": _reference("ProductVariant", line.get("variant_id")),
            "product": _reference("Product", line.get("product_id")),
            "originalUnitPriceSet": self._bag_or_none(line, "price"),
            "totalDiscountSet": self._bag(line, "total_discount"),
            "discountAllocations": [self._allocation(row) for row in line.get("discount_allocations") or ()],
            "taxLines": first_of(self._taxes(line)),
            "duties": [
                {"id": gid("Duty", row.get("id")), "price": _bag_of(row), "taxLines": self._taxes(row)}
                for row in line.get("duties") or ()
            ],
        }

    def _shipping(self, row: Document) -> Document:
        return {
            "id": gid("ShippingLine", row["id"]) if row.get("id") else None,
            "code": row.get("code"),
            "title": row.get("title") or row.get("code") or "",
            "isRemoved": bool(row.get("is_removed")),
            "originalPriceSet": self._bag_or_none(row, "price"),
            "discountedPriceSet": self._bag_or_none(row, "discounted_price") or self._bag_or_none(row, "price"),
            "discountAllocations": [self._allocation(each) for each in row.get("discount_allocations") or ()],
            "taxLines": self._taxes(row),
        }

    def _allocation(self, row: Document) -> Document:
        index = row.get("discount_application_index") or 0
        known = self._order.get("discount_applications") or []
        application = known[index] if index < len(known) else {}
        code = application.get("code")
        kind = "DiscountCodeApplication" if code else "ManualDiscountApplication"
        title = application.get("title") or application.get("description") or "discount"
        return {
            "allocatedAmountSet": self._bag_or_none(row, "amount"),
            "discountApplication": {"__typename": kind, "index": index, "code": code, "title": title},
        }

    def _taxes(self, part: Document) -> list[Document]:
        return [
            {
                "title": row.get("title") or "",
                "rate": row.get("rate"),
                "channelLiable": row.get("channel_liable"),
                "priceSet": self._bag_or_none(row, "price"),
            }
            for row in part.get("tax_lines") or ()
        ]

    def _fulfilment(self, fulfilment: Document) -> Document:
        status = str(fulfilment.get("status")).upper()
        number = fulfilment.get("tracking_number")
        tracking = [{"company": fulfilment.get("tracking_company"), "number": number, "url": None}]
        return {
            "__typename": "Fulfillment",
            "id": gid("Fulfillment", fulfilment["id"]),
            "legacyResourceId": str(fulfilment["id"]),
            "name": fulfilment.get("name") or "",
            "status": status if status in FULFILMENT_STATES else "PENDING",
            "createdAt": utc(fulfilment.get("created_at")),
            "updatedAt": utc(fulfilment.get("updated_at") or fulfilment.get("created_at")),
            "trackingInfo": first_of(tracking if number or fulfilment.get("tracking_company") else []),
            "fulfillmentLineItems": connection(
                [
                    {
                        "id": gid("FulfillmentLineItem", f"{fulfilment['id']}{index}"),
                        "quantity": line["quantity"],
                        "lineItem": self._lines[str(line["id"])],
                    }
                    for index, line in enumerate(fulfilment.get("line_items") or ())
                ]
            ),
        }

    def _refund(self, refund: Document) -> Document:
        rows = refund.get("refund_line_items") or ()
        parents = payments_of(self._order)
        transactions = [
            payment_view(self._order, each, parents[0] if parents else None)
            for each in refund.get("transactions") or ()
            if each.get("kind") == "refund"
        ]
        back = paid_back(refund, included=bool(self._order.get("taxes_included")))
        return {
            "__typename": "Refund",
            "id": gid("Refund", refund["id"]),
            "createdAt": utc(refund.get("created_at")),
            "note": refund.get("note"),
            "totalRefundedSet": bag_view(self._order, back),
            "transactions": connection(transactions),
            "refundLineItems": connection([self._refund_line(row) for row in rows]),
        }

    def _refund_line(self, row: Document) -> Document:
        restock = str(row.get("restock_type")).upper()
        return {
            "id": gid("RefundLineItem", row.get("id")),
            "quantity": row["quantity"],
            "restockType": restock if restock in RESTOCK else "NO_RESTOCK",
            "lineItem": self._lines[str(row["line_item_id"])],
        }

    def _fulfilment_order(self, waiting: Document) -> Document:
        location = {"id": gid("Location", LOCATIONS[waiting["location"]]), "name": waiting["location"]}
        return {
            "__typename": "FulfillmentOrder",
            "id": gid("FulfillmentOrder", waiting["id"]),
            "orderId": gid("Order", self._order["id"]),
            "status": waiting["status"],
            "requestStatus": "UNSUBMITTED",
            "assignedLocation": {"name": waiting["location"], "location": location},
            "lineItems": connection(
                [
                    {
                        "id": gid("FulfillmentOrderLineItem", line["id"]),
                        "lineItem": self._lines[line["line_item_id"]],
                        "sku": self._lines[line["line_item_id"]]["sku"],
                        "remainingQuantity": line["remaining"],
                        "totalQuantity": line["total"],
                    }
                    for line in waiting["lines"]
                ]
            ),
        }

    def _address(self, address: Document | None) -> Document | None:
        if not address:
            return None
        names = "address1 address2 city company country name phone province zip"
        return {
            "id": gid("MailingAddress", self._order["id"]),
            **{name: address.get(name) for name in names.split()},
            "firstName": address.get("first_name"),
            "lastName": address.get("last_name"),
            "provinceCode": address.get("province_code"),
            "countryCodeV2": address.get("country_code"),
        }

    def _bag_or_none(self, part: Document, field: str) -> Document | None:
        stated = part.get(f"{field}_set")
        if isinstance(stated, dict) and stated.get("shop_money"):
            return _bag_of(stated)
        if part.get(field) is None:
            return None
        money = {"amount": part[field], "currencyCode": self._currency}
        return {"shopMoney": money, "presentmentMoney": money}

    def _bag(self, part: Document, field: str) -> Document:
        nothing = {"amount": "0.0", "currencyCode": self._currency}
        return self._bag_or_none(part, field) or {"shopMoney": nothing, "presentmentMoney": nothing}


def _bag_of(stated: Document) -> Document:
    shop = stated["shop_money"]
    shown_money = stated.get("presentment_money") or shop
    return {
        "shopMoney": {"amount": shop["amount"], "currencyCode": shop["currency_code"]},
        "presentmentMoney": {"amount": shown_money["amount"], "currencyCode": shown_money["currency_code"]},
    }


def _reference(kind: str, number: Any) -> Document | None:
    return {"__typename": kind, "id": gid(kind, number)} if number else None
