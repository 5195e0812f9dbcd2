"""What the shop's payment provider pays out: sales that have left, less fees and refunds, adding up exactly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.contract import Refused
from sandbox.core import Sandbox
from sandbox.storefront_book import Book, Document, moment_of, written
from sandbox.storefront_money import rounded, text, total, withheld

FEE_RATE = Decimal("0.029")
FEE_EACH = {"JPY": Decimal(30)}
MOST = 100
"""Payouts on a page."""
CHARGES = {"shipping": "shipping", "gift_wrap": "gift_wrap"}
"""Kind of charge -> type of payout line; what a buyer pays beside that counts as goods."""


class Payouts:
    def __init__(self, sandbox: Sandbox, book: Book) -> None:
        self._sandbox = sandbox
        self._book = book
        self._payouts = sandbox.shelf.collection("storefront.payouts")
        self._settled = sandbox.shelf.collection("storefront.settled")

    def close_period(self) -> list[str]:
        """One payout a currency; returns their ids."""
        by_currency: dict[str, list[Document]] = {}
        for order in self._book.orders.values():
            if rows := list(self._rows(order)):
                by_currency.setdefault(order["currency"], []).extend(rows)
        return [self._pay(currency, rows) for currency, rows in by_currency.items()]

    async def listed(self, request: Request) -> Response:
        since = moment_of(request.query_params.get("paid_since", "1970-01-01T00:00:00Z"))
        after = request.query_params.get("cursor", "0")
        if since is None or not after.isdecimal():
            raise Refused("invalid", "paid_since", "paid_since is a time with its zone, cursor one of ours.", 400)
        rows = [row for row in self._payouts.values() if (moment_of(row["paid_at"]) or since) >= since]
        here = rows[int(after) : int(after) + MOST]
        body: Document = {"payouts": [{k: v for k, v in row.items() if k != "lines"} for row in here]}
        if len(rows) > int(after) + MOST:
            body["next_cursor"] = str(int(after) + MOST)
        return JSONResponse(body)

    async def one(self, request: Request) -> Response:
        found = self._payouts.get(str(request.path_params["payout_id"]))
        if found is None:
            raise Refused("not_found", "id", "There is no such payout.", 404)
        return JSONResponse(found)

    def _rows(self, order: Document) -> Iterator[Document]:
        """Of an order that has left: the sale once, and each refund once."""
        if order["state"] not in ("shipped", "delivered"):
            return
        if self._first_time(order["id"]):
            yield from _sale(order)
        for refund in order["refunds"]:
            if self._first_time(f"{order['id']}/{refund['id']}"):
                amount = -Decimal(refund["amount"])
                yield _row(order, "refund", f"refund / {refund.get('reason') or 'other'}", amount)

    def _first_time(self, name: str) -> bool:
        if name in self._settled:
            return False
        self._settled.put(name, True)
        return True

    def _pay(self, currency: str, rows: list[Document]) -> str:
        payout_id = f"PO-{self._book.number('payout')}"
        amount = text(total(rows), currency)
        now = written(datetime.now(UTC))
        payout = {"id": payout_id, "currency": currency, "amount": amount, "paid_at": now, "lines": rows}
        self._payouts.put(payout_id, payout)
        self._book.record("payout_paid", payout_id, amount=amount, currency=currency)
        return payout_id


def _sale(order: Document) -> Iterator[Document]:
    for line in order["lines"]:
        more = {"line_id": line["id"], "sku": line["sku"], "quantity": line["quantity"]}
        yield _row(order, "goods", "sale / goods", Decimal(line["price"]), **more)
        if off := total(line.get("discounts")):
            yield _row(order, "promotion", "sale / discount", -off, **more)
    for charge in order.get("charges") or ():
        amount = Decimal(charge["amount"]) - total(charge.get("discounts"))
        if amount:
            kind = CHARGES.get(charge["kind"], "goods")
            yield _row(order, kind, f"sale / {charge['kind']}", amount)
    parts = [*order["lines"], *(order.get("charges") or ())]
    on_top = sum((total(part.get("taxes")) for part in parts), Decimal(0))
    if on_top and not order["prices_include_tax"]:
        yield _row(order, "tax", "sale / tax", on_top)
    if kept := withheld(order):
        yield _row(order, "tax_withheld", "sale / tax that the marketplace remits", -kept)
    paid = Decimal(order["total"]) - withheld(order)
    fee = rounded(paid * FEE_RATE + FEE_EACH.get(order["currency"], Decimal("0.30")), order["currency"])
    yield _row(order, "fee", "payment / fee", -fee)


def _row(order: Document, kind: str, label: str, amount: Decimal, **more: object) -> Document:
    return {
        "type": kind,
        "label": label,
        "amount": text(amount, order["currency"]),
        "order_id": order["id"],
        "posted_at": written(datetime.now(UTC)),
        **more,
    }
