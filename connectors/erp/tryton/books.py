"""Journals and payments as accounting entries of Tryton; what pays an invoice is reconciled with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from connectors.erp.tryton.banking import Banking
from connectors.erp.tryton.billing import POSTED, Billing
from connectors.erp.tryton.entries import Entries
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.parties import Parties
from connectors.erp.tryton.paying import INVOICE_FIELDS, Paying, more_than_due
from connectors.errors import NOT_FOUND, Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.ledger import Journal, Payment

MOVE = "account.move"
REVERSED = "#reversed"


class Books:
    def __init__(
        self, client: TrytonClient, masters: Masters, parties: Parties, billing: Billing, banking: Banking
    ) -> None:
        self._client, self._masters, self._billing, self._banking = client, masters, billing, banking
        self._entries = Entries(client, masters, parties)
        self._paying = Paying(client, masters, parties, self._entries)

    async def post(self, journal: Journal) -> str:
        """The posted entry of a journal; returns its number."""
        number = await self._post(journal.journal_id, journal.on, lambda: self._entries.of(journal.lines, journal.on))
        if journal.replaces and journal.sends:
            await self._banking.offset(f"{journal.replaces}{REVERSED}", journal.journal_id, journal.on)
        return number

    async def reverse(self, journal: Journal) -> str:
        """The opposite entry. Raises `Declined` when the journal was never posted."""
        original = await self._find(journal.journal_id)
        if original is None or original["state"] != "posted":
            raise Declined(f"tryton: journal {journal.journal_id} is not posted", code=NOT_FOUND, field="journal_id")
        lines = tuple(line.model_copy(update={"amount": -line.amount}) for line in journal.lines)
        changes = {"journal_id": f"{journal.journal_id}{REVERSED}", "lines": lines, "replaces": ""}
        number = await self.post(journal.model_copy(update=changes))
        if journal.sends:
            await self._banking.offset(journal.journal_id, f"{journal.journal_id}{REVERSED}", journal.on)
        return number

    async def pay(self, payment: Payment) -> str:
        """The entry that moves a payment to the order's invoices; returns its number."""
        documents = await self._billing.of_order(payment.order_key, INVOICE_FIELDS)
        invoices = [document for document in documents if document["state"] in POSTED]
        if not invoices:
            text = f"tryton: nothing of {payment.order_key} is invoiced"
            raise Declined(text, code=NOT_FOUND, field="order_key")

        async def lines() -> list[Record]:
            if more_than_due(payment.amount, invoices) and not await self._billing.is_complete(payment.order_key):
                text = f"tryton: {payment.amount} is more than is invoiced of {payment.order_key} by now"
                raise Declined(text, code=NOT_FOUND, field="amount")
            return await self._paying.lines(payment, invoices)

        number = await self._post(payment.payment_id, payment.on, lines)
        await self._paying.reconcile(invoices, payment.on)
        return number

    async def _post(self, reference: str, on: date, lines: Callable[[], Awaitable[list[Record]]]) -> str:
        found = await self._find(reference)
        if found is None:
            values = {
                "company": self._client.company,
                "journal": await self._masters.journal("general"),
                "period": await self._masters.open_period(on),
                "date": on,
                "description": reference,
                "lines": [["create", await lines()]],
            }
            made = await self._client.create(MOVE, values, lambda: self._find(reference), ["state", "number"])
            # Tryton does not hold the description to be unique: of two that were made at once the older stays.
            found = await self._find(reference) or made
            if found["id"] != made["id"]:
                await self._client.delete(MOVE, made["id"])
        if found["state"] != "posted":
            await self._client.post(MOVE, found["id"], ("posted",))
        return str((await self._client.read(MOVE, found["id"], ["number"]))["number"])

    async def _find(self, reference: str) -> Record | None:
        domain = [["description", "=", reference], ["company", "=", self._client.company]]
        return await self._client.first(MOVE, domain, ["state", "number"])
