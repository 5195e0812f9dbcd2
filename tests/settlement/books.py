"""An ERP's books, for tests: they keep what they are told by its reference, add it up, and can refuse."""

from __future__ import annotations

from decimal import Decimal

from connectors.errors import NOT_FOUND, Declined
from models.bank import StatementLine
from models.ledger import AccountRole, Journal, Payment


class Books:
    def __init__(self) -> None:
        self.journals: dict[str, Journal] = {}
        self.reversed: list[str] = []
        self.payments: dict[str, Payment] = {}
        self.closed = self.closed_for_payments = False
        self.not_invoiced = {"302-1"}
        self.payouts_on = AccountRole.BANK
        self.banked: dict[str, StatementLine] = {}

    async def post_journal(self, journal: Journal, *, retry: bool) -> str:
        self._require_open()
        assert {line.account for line in journal.lines if line.label == "payout"} <= {self.payouts_on}
        assert self.journals.setdefault(journal.journal_id, journal) == journal
        return f"JE-{list(self.journals).index(journal.journal_id) + 1}"

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str:
        if journal.journal_id not in self.journals:
            raise Declined("no such journal", code=NOT_FOUND)
        assert self.journals[journal.journal_id] == journal
        if journal.journal_id not in self.reversed:
            self._require_open()
            self.reversed.append(journal.journal_id)
        return "JE-R"

    async def post_payment(self, payment: Payment, *, retry: bool) -> str:
        self._require_open(self.closed_for_payments)
        if payment.order_key.external_id in self.not_invoiced:
            raise Declined("nothing is invoiced", code=NOT_FOUND)
        assert self.payments.setdefault(payment.payment_id, payment) == payment
        return "PAY"

    async def post_statement_line(self, line: StatementLine, *, retry: bool) -> str:
        self._require_open()
        assert self.banked.setdefault(line.reference, line) == line
        return f"BNK-{list(self.banked).index(line.reference) + 1}"

    def balance(self, role: AccountRole) -> Decimal:
        standing = [journal for name, journal in self.journals.items() if name not in self.reversed]
        lines = [line for journal in standing for line in journal.lines if line.account is role]
        balance = sum((line.amount.amount for line in lines), start=Decimal(0))
        payments = [each.amount.amount for each in self.payments.values() if each.account is role]
        return balance + sum(payments, start=Decimal(0))

    def paid(self, order_id: str) -> Decimal:
        own = [each.amount.amount for each in self.payments.values() if each.order_key.external_id == order_id]
        return sum(own, start=Decimal(0))

    def _require_open(self, closed: bool = False) -> None:
        if self.closed or closed:
            raise Declined("the period is closed", code="period_closed")
