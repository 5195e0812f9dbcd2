"""Billing cycles (SBC11) and transaction lines (TL02): what the operator pays for what was shipped."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.mirakl_answers import CENT, Payload, exact, invalid, now, number, read_moment, written
from sandbox.mirakl_pages import by_token
from sandbox.mirakl_shelf import ENDED, MiraklShelf, lines

COMMISSION = Decimal("0.12")
VAT = Decimal("0.20")
SHOP = {"id": 2001, "model": "MARKETPLACE", "domains": ["PRODUCT"]}
PAYABLE = ("SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED")
TAXES = {"taxes": "ORDER_AMOUNT_TAX", "shipping_taxes": "ORDER_SHIPPING_AMOUNT_TAX"}
Entry = tuple[str, Decimal, Payload]
"""Type, signed amount, entities."""


class MiraklPayout:
    def __init__(self, shelf: MiraklShelf) -> None:
        self._shelf = shelf
        self._cycles = shelf.sandbox.shelf.collection("mirakl_cycles")
        self._rows = shelf.sandbox.shelf.collection("mirakl_transactions")

    async def cycles(self, request: Request) -> Response:
        """SBC11, sorted by creation."""
        query = request.query_params
        states, ids = query.getlist("pay_out_state"), query.getlist("id")
        since = read_moment(query["start_date"], "start_date") if "start_date" in query else None
        found = [
            cycle
            for cycle in self._cycles.values()
            if (not states or cycle["pay_out"]["state"] in states)
            and (not ids or cycle["id"] in ids)
            and (since is None or read_moment(cycle["date_created"], "date_created") >= since)
        ]
        return by_token(request, found, lambda cycle: f"{cycle['date_created']} {cycle['id']}", 1000)

    async def transactions(self, request: Request) -> Response:
        """TL02, here of one or several cycles, the oldest first."""
        query = request.query_params
        if query.get("sort", "dateCreated,ASC") != "dateCreated,ASC":
            raise invalid("sort: this sandbox sorts by dateCreated,ASC")
        wanted = [cycle for each in query.getlist("seller_billing_cycle_id") for cycle in each.split(",")]
        types = query.getlist("transaction_type")
        found = [
            row
            for row in self._rows.values()
            if (not wanted or row["seller_billing_cycle_id"] in wanted) and (not types or row["type"] in types)
        ]
        return by_token(request, found, lambda row: f"{row['date_created']} {row['id']}", 2000)

    def close_period(self) -> list[str]:
        """Pay what was shipped and not yet paid, less what was paid back; one cycle a currency."""
        entries: dict[str, list[Entry]] = {}
        for record in self._shelf.records():
            found = list(_entries(record))
            if found:
                entries.setdefault(record["order"]["currency_iso_code"], []).extend(found)
                self._shelf.kept(record)
        return [self._paid(currency, found) for currency, found in sorted(entries.items())]

    def _paid(self, currency: str, entries: list[Entry]) -> str:
        cycle, at = str(uuid.uuid4()), now()
        payout = sum((amount for _, amount, _ in entries), Decimal(0))
        balance = Decimal(0)
        for place, (kind, amount, entities) in enumerate([*entries, ("PAYMENT", -payout, {})]):
            balance += amount
            moment = written(at + timedelta(milliseconds=place))
            self._write(cycle, currency, moment, kind, amount, balance, entities)
        self._cycles.put(
            cycle,
            {
                "id": cycle,
                "currency_iso_code": currency,
                "date_created": written(at),
                "amount_transferred_to_seller": number(payout),
                "amount_transferred_to_operator": 0,
                "pay_out": {"state": "PAID", "transaction_date": written(at), "reference": f"P-{cycle[:8]}"},
                "payment_voucher_number": f"{len(self._cycles) + 1:06d}",
                "pay_out_psp_code": "NOT_SPECIFIED",
                "shop": {"shop_id": SHOP["id"], "shop_name": "Decora"},
            },
        )
        self._shelf.sandbox.ledger.record("mirakl", "cycle_paid", cycle, amount=str(payout), currency=currency)
        return cycle

    def _write(
        self, cycle: str, currency: str, at: str, kind: str, amount: Decimal, balance: Decimal, entities: Payload
    ) -> None:
        row_id = str(uuid.uuid4())
        row = {
            "id": row_id,
            "type": kind,
            "date_created": at,
            "last_updated": at,
            "amount": number(amount),
            "amount_credited": number(max(amount, Decimal(0))),
            "amount_debited": number(max(-amount, Decimal(0))),
            "balance": number(balance),
            "currency_iso_code": currency,
            "entities": entities,
            "payment_state": "PAID",
            "pay_out_psp_code": "NOT_SPECIFIED",
            "seller_billing_cycle_id": cycle,
            "shop": SHOP,
        }
        self._rows.put(row_id, row)


def _entries(record: Payload) -> Iterator[Entry]:
    """What is due for an order; what has been written is marked on the record, and never written again."""
    order = record["order"]
    if order.get("order_state") not in PAYABLE:
        return
    for line in lines(order):
        entities = {
            "domain": "PRODUCT",
            "order": {"id": record["id"], "commercial_id": order.get("commercial_id", record["id"])},
            "order_line": {"id": line["order_line_id"]},
        }
        if not record.get("settled") and line.get("order_line_state") not in ENDED:
            yield from ((kind, amount, entities) for kind, amount in _sold(order, line))
        for refund in line.get("refunds") or []:
            if refund["id"] not in record.setdefault("refunds_settled", []):
                record["refunds_settled"].append(refund["id"])
                named = {**entities, "refund": {"id": refund["id"]}}
                yield from ((kind, amount, named) for kind, amount in _refunded(order, line, refund))
    record["settled"] = True


def _sold(order: Payload, line: Payload) -> Iterator[tuple[str, Decimal]]:
    """What the buyer paid before refunds, what the operator keeps of it, and its commission."""
    price = _before_refunds(line, "price", "amount")
    shipping = _before_refunds(line, "shipping_price", "shipping_amount")
    yield from _filled(("ORDER_AMOUNT", price), ("ORDER_SHIPPING_AMOUNT", shipping))
    if order.get("order_tax_mode") == "TAX_EXCLUDED":
        for name, kind in TAXES.items():
            tax = _tax(line, name) + sum((_tax(refund, name) for refund in line.get("refunds") or []), Decimal(0))
            kept = tax if _operator_remits(line, name) else Decimal(0)
            yield from _filled((kind, tax), (f"OPERATOR_REMITTED_{kind}", -kept))
    commission = _commission(price + shipping)
    yield from _filled(("COMMISSION_FEE", -commission), ("COMMISSION_VAT", -_rounded(commission * VAT)))


def _refunded(order: Payload, line: Payload, refund: Payload) -> Iterator[tuple[str, Decimal]]:
    amount, shipping = exact(refund["amount"]), exact(refund["shipping_amount"])
    yield from _filled(("REFUND_ORDER_AMOUNT", -amount), ("REFUND_ORDER_SHIPPING_AMOUNT", -shipping))
    if order.get("order_tax_mode") == "TAX_EXCLUDED":
        for name, kind in TAXES.items():
            tax = _tax(refund, name)
            kept = tax if _operator_remits(line, name) else Decimal(0)
            yield from _filled((f"REFUND_{kind}", -tax), (f"OPERATOR_REMITTED_REFUND_{kind}", kept))
    commission = _commission(amount + shipping)
    yield from _filled(("REFUND_COMMISSION_FEE", commission), ("REFUND_COMMISSION_VAT", _rounded(commission * VAT)))


def _filled(*entries: tuple[str, Decimal]) -> Iterator[tuple[str, Decimal]]:
    return (entry for entry in entries if entry[1])


def _before_refunds(line: Payload, field: str, taken: str) -> Decimal:
    refunds = (exact(refund.get(taken) or 0) for refund in line.get("refunds") or [])
    return exact(line.get(field) or 0) + sum(refunds, Decimal(0))


def _tax(holder: Payload, name: str) -> Decimal:
    return sum((exact(tax["amount"]) for tax in holder.get(name) or []), Decimal(0))


def _operator_remits(line: Payload, name: str) -> bool:
    parts: list[Any] = [
        part for tax in line.get(name) or [] for part in (tax.get("amount_breakdown") or {}).get("parts", [])
    ]
    return any(part.get("payable_to_shop") is False for part in parts)


def _commission(amount: Decimal) -> Decimal:
    return _rounded(amount * COMMISSION)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
