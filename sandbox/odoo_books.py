"""What the Odoo twin does with invoices, entries and reconciliation. Exchange differences are not booked by it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from models.money import Money
from sandbox.odoo_records import OdooError, Record, Records

LOCKS = ("fiscalyear_lock_date", "sale_lock_date", "hard_lock_date")
SIGNS = {"out_invoice": -1, "out_refund": 1}
"""Kind of document -> the sign of its lines in the books: revenue is credited, and taken back."""
PREFIXES = {"out_invoice": "INV", "out_refund": "RINV", "entry": "MISC"}


class Ledger:
    def __init__(self, records: Records) -> None:
        self._records = records

    def created(self, move: Record) -> None:
        """Amounts in the currency of the document and in that of the company, and what the customer owes."""
        move |= {"state": "draft", "name": False, "amount_total": Decimal(0), "amount_residual": Decimal(0)}
        lines = self._records.all("account.move.line", move_id=move["id"])
        for line in lines:
            self._complete(move, line)
        if move["move_type"] in SIGNS:
            self._receivable(move, lines)

    def post(self, move: Record) -> None:
        if move["state"] != "draft":
            raise OdooError("odoo.exceptions.UserError", "The entry must be in draft.")
        company = self._records.get("res.company", move["company_id"])
        self.require_unlocked(company, move["date"])
        lines = self._records.all("account.move.line", move_id=move["id"])
        if sum(line["balance"] for line in lines):
            raise OdooError("odoo.exceptions.UserError", "The entry is not balanced.")
        prefix, year = PREFIXES[move["move_type"]], move["date"][:4]
        number = self._records.number(f"{prefix} {year} {company['id']}")
        move |= {"state": "posted", "name": f"{prefix}/{year}/{number:05}"}
        for line in lines:
            line["parent_state"] = "posted"

    def require_unlocked(self, company: Record, on: str) -> None:
        for name in LOCKS:
            if (locked := company.get(name)) and on <= locked:
                text = f"You cannot add/modify entries prior to and inclusive of: {name} {locked}."
                raise OdooError("odoo.exceptions.UserError", text)

    def require_draft(self, move: Record) -> None:
        if move["state"] != "draft":
            text = "You cannot delete an item linked to a posted entry."
            raise OdooError("odoo.exceptions.UserError", text)
        for line in self._records.all("account.move.line", move_id=move["id"]):
            self._records.remove("account.move.line", line["id"])

    def reconcile(self, ids: Iterable[int]) -> None:
        """Debits against credits of one account, the oldest first, in their own currency."""
        lines = [self._records.get("account.move.line", each) for each in ids]
        if any(line["reconciled"] for line in lines):
            text = "You are trying to reconcile some entries that are already reconciled."
            raise OdooError("odoo.exceptions.UserError", text)
        debits = [line for line in lines if line["amount_residual_currency"] > 0]
        credits = [line for line in lines if line["amount_residual_currency"] < 0]
        for debit in debits:
            for credit in credits:
                amount = min(debit["amount_residual_currency"], -credit["amount_residual_currency"])
                debit["amount_residual_currency"] -= amount
                credit["amount_residual_currency"] += amount
        for line in lines:
            line["reconciled"] = not line["amount_residual_currency"]
            self._residual_of(line["move_id"])

    def in_books(self, amount: Decimal, currency: int, own: int) -> Decimal:
        """An amount of one currency in another, the company's own."""
        name, books = (self._records.get("res.currency", each)["name"] for each in (currency, own))
        rate = Decimal(1) if name == books else self._rate(name)
        return Money.rounded(amount / rate, books).amount

    def _complete(self, move: Record, line: Record) -> None:
        account = self._records.get("account.account", line["account_id"])
        common = {"parent_state": "draft", "company_id": move["company_id"], "move_type": move["move_type"]}
        line |= {**common, "account_type": account["account_type"], "reconciled": False, "display_type": "product"}
        line.setdefault("sale_line_ids", [])
        line.setdefault("partner_id", move.get("partner_id") or False)
        if move["move_type"] in SIGNS:
            total = Money.rounded(_exact(line["price_unit"]) * line["quantity"], self._currency(move)).amount
            line["price_subtotal"] = total
            self._booked(line, move, SIGNS[move["move_type"]] * total)
        else:
            line["balance"] = _exact(line["debit"]) - _exact(line["credit"])
            line["amount_residual_currency"] = _exact(line.get("amount_currency", line["balance"]))

    def _receivable(self, move: Record, lines: list[Record]) -> None:
        """Opposite to all other lines, in each of the two currencies, so that the document balances."""
        total = sum((line["price_subtotal"] for line in lines), Decimal(0))
        account = next(
            each
            for each in self._records.all("account.account", account_type="asset_receivable")
            if move["company_id"] in each["company_ids"]
        )
        made = self._records.add(
            "account.move.line", move_id=move["id"], account_id=account["id"], name=move["ref"], debit=0, credit=0
        )
        line = self._records.get("account.move.line", made)
        self._complete({**move, "move_type": "entry"}, line)
        line |= {"display_type": "payment_term", "move_type": move["move_type"], "price_subtotal": Decimal(0)}
        line["balance"] = -sum((each["balance"] for each in lines), Decimal(0))
        line["amount_residual_currency"] = -SIGNS[move["move_type"]] * total
        move |= {"amount_total": total, "amount_residual": total}

    def _booked(self, line: Record, move: Record, amount: Decimal) -> None:
        company = self._records.get("res.company", move["company_id"])
        line["balance"] = self.in_books(amount, move["currency_id"], company["currency_id"])
        line["amount_residual_currency"] = amount

    def _residual_of(self, move_id: int) -> None:
        move = self._records.get("account.move", move_id)
        if move["move_type"] in SIGNS:
            owed = self._records.all("account.move.line", move_id=move_id, display_type="payment_term")
            move["amount_residual"] = abs(sum((line["amount_residual_currency"] for line in owed), Decimal(0)))

    def _currency(self, move: Record) -> str:
        return str(self._records.get("res.currency", move["currency_id"])["name"])

    def _rate(self, currency: str) -> Decimal:
        [rate] = self._records.search("res.currency.rate", [["currency_id.name", "=", currency]])
        return Decimal(rate["rate"])


def _exact(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
