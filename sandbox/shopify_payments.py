"""Shopify Payments: one payout a currency over the orders that were shipped, with their balance transactions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.core import Sandbox
from sandbox.shopify_book import ACCOUNT, OrderBook
from sandbox.shopify_money import paid_back, rounded
from sandbox.shopify_pages import connection, gid
from sandbox.shopify_search import COMPARE, terms

Document = dict[str, Any]
CARD_RATE = Decimal("0.029")
CARD_FEE = {"JPY": Decimal(30)}
UNEXPECTED = "anomaly_debit"
"""A transaction type that nobody expects, now and then: it has to end as a named residual."""
FIRST_PAYOUT_ID = 110_000_000_000
FIRST_TRANSACTION_ID = 3_300_000_000_000


class Payments:
    def __init__(self, sandbox: Sandbox, book: OrderBook) -> None:
        self._sandbox = sandbox
        self._book = book
        self.payouts = sandbox.shelf.collection("shopify.payouts")
        self.transactions = sandbox.shelf.collection("shopify.balance_transactions")
        self._settled = sandbox.shelf.collection("shopify.settled")

    def close_period(self) -> list[str]:
        """Pay out; returns the ids of the payouts."""
        rows: dict[str, list[Document]] = {}
        for _, order_id in sorted(self._book.listed()):
            order = self._book.get(order_id)
            if order and _shipped(order):
                rows.setdefault(order["currency"], []).extend(self._unsettled(order))
        return [self._pay(currency, found) for currency, found in rows.items() if found]

    def _unsettled(self, order: Document) -> Iterator[Document]:
        """The charge of an order and its refunds, each once: a refund may come in a later payout than its charge."""
        order_id, currency = str(order["id"]), order["currency"]
        if order_id not in self._settled:
            self._settled.put(order_id, True)
            yield self._charge(order, currency)
        for refund in order.get("refunds") or ():
            key = f"{order_id}/refund/{refund.get('id')}"
            amount = _to_pay_back(order, refund)
            if amount and key not in self._settled:
                self._settled.put(key, True)
                yield self._row("refund", -amount, Decimal(0), currency, order)

    def _pay(self, currency: str, rows: list[Document]) -> str:
        payout_id = str(FIRST_PAYOUT_ID + self._book.number("payout"))
        if random.Random(f"{self._sandbox.options.seed}/{payout_id}").random() < 0.5:
            rows.append(self._row(UNEXPECTED, rounded(Decimal("-1.00"), currency), Decimal(0), currency))
        amount = sum((Decimal(row["net"]) for row in rows), Decimal(0))
        rows.append(self._row("payout", -amount, Decimal(0), currency))
        for row in rows:
            self.transactions.put(str(row["id"]), {**row, "payout_id": int(payout_id), "payout_status": "paid"})
        payout = {
            "id": int(payout_id),
            "status": "paid",
            "date": _today().date().isoformat(),
            "currency": currency,
            "amount": str(amount),
            "issued_at": _today().isoformat(),
        }
        self.payouts.put(payout_id, payout)
        self._sandbox.ledger.record(
            "shopify", "payout_paid", f"shopify/{ACCOUNT}/{payout_id}", amount=str(amount), currency=currency
        )
        return payout_id

    def _charge(self, order: Document, currency: str) -> Document:
        amount = Decimal(order["total_price"]) - _channel_tax(order)
        fee = rounded(amount * CARD_RATE + CARD_FEE.get(currency, Decimal("0.30")), currency)
        return self._row("charge", rounded(amount, currency), fee, currency, order)

    def _row(self, kind: str, amount: Decimal, fee: Decimal, currency: str, order: Document | None = None) -> Document:
        return {
            "id": FIRST_TRANSACTION_ID + self._book.number("balance_transaction"),
            "type": kind,
            "test": False,
            "currency": currency,
            "amount": str(amount),
            "fee": str(fee),
            "net": str(amount - fee),
            "source_order_id": order["id"] if order else None,
            "source_order_name": order.get("name") if order else None,
            "processed_at": _today().isoformat(),
        }

    def of_payout(self, payout_id: str) -> list[Document]:
        return [row for row in self.transactions.values() if str(row["payout_id"]) == payout_id]

    def account_view(self) -> Document:
        """`shopifyPaymentsAccount`."""
        return {
            "id": gid("ShopifyPaymentsAccount", 1),
            "payouts": self._filtered(self.payouts.values, payout_view, PAYOUT_FIELDS),
            "balanceTransactions": self._filtered(self.transactions.values, transaction_view, TRANSACTION_FIELDS),
        }

    def _filtered(
        self, rows: Callable[[], list[Document]], view: Callable[[Document], Document], fields: dict[str, str]
    ) -> Callable[..., Document]:
        def page(info: Any, query: str | None = None, reverse: bool = False, **arguments: Any) -> Document:
            wanted = [(fields[name], COMPARE[sign], value) for name, sign, value in terms(query) if name in fields]
            chosen = [row for row in rows() if all(compare(str(row[f]), value) for f, compare, value in wanted)]
            views = [view(row) for row in (reversed(chosen) if reverse else chosen)]
            return connection(views)(info, **arguments)

        return page


PAYOUT_FIELDS = {"status": "status", "id": "id", "issued_at": "issued_at", "currency": "currency"}
TRANSACTION_FIELDS = {"payments_transfer_id": "payout_id", "transaction_type": "type", "payout_status": "payout_status"}


def payout_view(payout: Document) -> Document:
    return {
        "__typename": "ShopifyPaymentsPayout",
        "id": gid("ShopifyPaymentsPayout", payout["id"]),
        "legacyResourceId": str(payout["id"]),
        "issuedAt": payout["issued_at"],
        "status": payout["status"].upper(),
        "net": {"amount": payout["amount"], "currencyCode": payout["currency"]},
    }


def transaction_view(row: Document) -> Document:
    order = row["source_order_id"]
    return {
        "id": gid("ShopifyPaymentsBalanceTransaction", row["id"]),
        "type": "TRANSFER" if row["type"] == "payout" else row["type"].upper(),
        "test": row["test"],
        "transactionDate": row["processed_at"],
        **{name: {"amount": row[name], "currencyCode": row["currency"]} for name in ("amount", "fee", "net")},
        "associatedOrder": {"id": gid("Order", order), "name": row["source_order_name"] or ""} if order else None,
        "associatedPayout": {
            "id": gid("ShopifyPaymentsPayout", row["payout_id"]),
            "status": row["payout_status"].upper(),
        },
    }


def _shipped(order: Document) -> bool:
    return order.get("fulfillment_status") == "fulfilled" and not order.get("cancelled_at")


def _to_pay_back(order: Document, refund: Document) -> Decimal:
    """Without the share of the tax that the channel has kept, and pays back itself."""
    back = paid_back(refund, included=bool(order.get("taxes_included")))
    total = Decimal(order["total_price"])
    kept = _channel_tax(order)
    return back if not kept or not total else rounded(back * (total - kept) / total, order["currency"])


def _channel_tax(order: Document) -> Decimal:
    """Tax that the channel remits itself, and therefore keeps."""
    parts = [*(order.get("line_items") or ()), *(order.get("shipping_lines") or ())]
    rows = [tax for part in parts for tax in part.get("tax_lines") or () if tax.get("channel_liable")]
    return sum((Decimal(str(tax["price"])) for tax in rows), Decimal(0))


def _today() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
