"""Which invoices a payment pays, and their reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from connectors.erp.tryton.entries import Entries
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.parties import Parties
from connectors.erp.tryton.reconciling import LINE, settle
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.ledger import AccountRole, Payment
from models.money import Money

INVOICE_FIELDS = ["state", "move", "party", "account", "currency.code", "amount_to_pay", "payment_lines.id"]


class Part(NamedTuple):
    invoice: int | None
    """None: more was paid than is due."""
    amount: Money
    settles: bool
    """Nothing is left to pay of the invoice."""


class Paying:
    def __init__(self, client: TrytonClient, masters: Masters, parties: Parties, entries: Entries) -> None:
        self._client, self._masters, self._parties, self._entries = client, masters, parties, entries

    async def lines(self, payment: Payment, invoices: Sequence[Record]) -> list[Record]:
        """Clearing (or a cost) against receivables; a difference of exchange rates goes to the adjustments."""
        source = await self._masters.account(payment.account)
        clears = payment.account is AccountRole.CLEARING
        channel = await self._parties.of_channel_account(payment.channel_account) if clears else None
        value = await self._entries.in_books(payment.amount, payment.on)
        label = f"{payment.order_key} {payment.settlement_id}".strip()
        made = [await self._entries.line(source, payment.amount, value, party=channel, label=label)]
        rest = value
        for part in _parts(payment.amount, invoices):
            worth = await self._worth(part, invoices, payment.on)
            rest -= worth
            made.append(await self._receivable(part, worth, invoices, label))
        if rest:
            account = await self._masters.account(AccountRole.ADJUSTMENT)
            made.append(await self._entries.line(account, -rest, -rest, party=None, label=f"{label}: exchange rates"))
        return made

    async def reconcile(self, invoices: Sequence[Record], on: date) -> None:
        """Reconcile each invoice whose entry and payments come to nothing."""
        for invoice in invoices:
            known = await self._client.read("account.invoice", invoice["id"], INVOICE_FIELDS)
            lines = await self._open_lines(known)
            balance = sum((line["debit"] - line["credit"] for line in lines), Decimal(0))
            if len(lines) > 1 and not balance:
                await settle(self._client, [line["id"] for line in lines], on)

    async def _worth(self, part: Part, invoices: Sequence[Record], on: date) -> Money:
        """A part that settles an invoice is worth what the books have open of it, whatever the day's rate."""
        if part.settles:
            invoice = next(each for each in invoices if each["id"] == part.invoice)
            lines = await self._open_lines(invoice)
            own = (await self._masters.company_currency())["code"]
            return Money.of(sum((line["debit"] - line["credit"] for line in lines), Decimal(0)), own)
        return await self._entries.in_books(part.amount, on)

    async def _receivable(self, part: Part, worth: Money, invoices: Sequence[Record], label: str) -> Record:
        invoice = next((each for each in invoices if each["id"] == part.invoice), invoices[0])
        line = await self._entries.line(invoice["account"], -part.amount, -worth, party=invoice["party"], label=label)
        return {**line, "invoice_payment": part.invoice} if part.invoice is not None else line

    async def _open_lines(self, invoice: Record) -> list[Record]:
        """What is not reconciled of the invoice's receivable and of what was paid of it."""
        paid = [line["id"] for line in invoice["payment_lines"]]
        domain = [
            ["account", "=", invoice["account"]],
            ["reconciliation", "=", None],
            ["OR", ["move", "=", invoice["move"]], ["id", "in", paid]],
        ]
        return await self._client.search(LINE, domain, ["debit", "credit"])


def more_than_due(amount: Money, invoices: Sequence[Record]) -> bool:
    """Money that came of which a part has no invoice."""
    return amount.amount > 0 and _parts(amount, invoices)[-1].invoice is None


def _parts(amount: Money, invoices: Sequence[Record]) -> list[Part]:
    """Spread a payment over what is due, the oldest first: invoices for money that came, credit notes for money paid
    back."""
    parts: list[Part] = []
    left = amount
    for invoice in invoices:
        if invoice["currency"]["code"] != amount.currency:
            continue
        due = Money.of(invoice["amount_to_pay"], amount.currency)
        if not due or not left or (due.amount > 0) != (left.amount > 0):
            continue
        taken = due if abs(due.amount) <= abs(left.amount) else left
        parts.append(Part(invoice["id"], taken, taken == due))
        left -= taken
    return [*parts, Part(None, left, False)] if left else parts
