"""What the Odoo twin does with lines of bank statements: each makes its entry, and posts it, as it is created."""

from __future__ import annotations

from decimal import Decimal

from sandbox.odoo_books import Ledger
from sandbox.odoo_records import Record, Records

STATEMENT_LINE = "account.bank.statement.line"


class Bank:
    def __init__(self, records: Records, ledger: Ledger) -> None:
        self._records, self._ledger = records, ledger

    def created(self, line: Record) -> None:
        """`counterpart_account_id` takes the place of the journal's suspense account, and is not kept."""
        journal = self._records.get("account.journal", line["journal_id"])
        company = self._records.get("res.company", journal["company_id"])
        self._ledger.require_unlocked(company, line["date"])
        currency = journal.get("currency_id") or company["currency_id"]
        counterpart = line.pop("counterpart_account_id", None) or journal["suspense_account_id"]
        amount = Decimal(str(line["amount"]))
        line |= {"company_id": company["id"], "currency_id": currency}
        move = self._records.add(
            "account.move",
            move_type="entry",
            company_id=company["id"],
            journal_id=journal["id"],
            ref=line["ref"],
            date=line["date"],
            line_ids=[
                [0, 0, self._line(journal["default_account_id"], amount, currency, line)],
                [0, 0, self._line(counterpart, -amount, currency, line)],
            ],
        )
        line["move_id"] = move
        entry = self._records.get("account.move", move)
        self._ledger.created(entry)
        self._ledger.post(entry)

    def removed(self, line: Record) -> None:
        """With its entry, which no one need set to draft first."""
        for each in self._records.all("account.move.line", move_id=line["move_id"]):
            self._records.remove("account.move.line", each["id"])
        self._records.remove("account.move", line["move_id"])

    def _line(self, account: int, amount: Decimal, currency: int, line: Record) -> Record:
        company = self._records.get("res.company", line["company_id"])
        value = self._ledger.in_books(amount, currency, company["currency_id"])
        return {
            "account_id": account,
            "partner_id": False,
            "name": line["payment_ref"],
            "debit": max(value, Decimal(0)),
            "credit": max(-value, Decimal(0)),
            "currency_id": currency,
            "amount_currency": amount,
        }
