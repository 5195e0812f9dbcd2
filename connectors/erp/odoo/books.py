"""Journals and payments as entries in Odoo's books; what pays an invoice is reconciled with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal

from connectors.erp.odoo.banking import Banking
from connectors.erp.odoo.billing import INVOICE, MOVE, Billing
from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.erp.odoo.options import OdooOptions
from connectors.errors import NOT_FOUND, Declined
from models.ledger import AccountRole, Journal, JournalLine, Payment
from models.money import Money

LINE = "account.move.line"
REVERSED = "#reversed"
BY_PARTNER = frozenset({AccountRole.CLEARING, AccountRole.RESERVE})


class Books:
    def __init__(
        self, client: OdooClient, options: OdooOptions, masters: Masters, billing: Billing, banking: Banking
    ) -> None:
        self._client, self._options, self._masters = client, options, masters
        self._billing, self._banking = billing, banking

    async def post(self, journal: Journal) -> str:
        number = await self._post(journal.journal_id, journal.on, lambda: self._lines(journal.lines, journal.on))
        if journal.replaces and journal.sends:
            await self._banking.offset(f"{journal.replaces}{REVERSED}", journal.journal_id)
        return number

    async def reverse(self, journal: Journal) -> str:
        """The opposite entry. Raises `Declined` when the journal was never posted."""
        original = await self._find(journal.journal_id)
        if original is None or original["state"] != "posted":
            raise Declined(f"odoo: journal {journal.journal_id} is not posted", code=NOT_FOUND, field="journal_id")
        lines = tuple(line.model_copy(update={"amount": -line.amount}) for line in journal.lines)
        changes = {"journal_id": f"{journal.journal_id}{REVERSED}", "lines": lines, "replaces": ""}
        number = await self.post(journal.model_copy(update=changes))
        if journal.sends:
            await self._banking.offset(journal.journal_id, f"{journal.journal_id}{REVERSED}")
        return number

    async def pay(self, payment: Payment) -> str:
        """The entry that moves a payment to the order's receivables, reconciled as far as it goes."""
        documents = [each for each in await self._billing.of_order(payment.order_key) if each["state"] == "posted"]
        if not documents:
            text = f"odoo: nothing of {payment.order_key} is invoiced"
            raise Declined(text, code=NOT_FOUND, field="order_key")
        receivable = (await self._receivables(documents))[0]

        async def lines() -> list[Record]:
            due = sum(
                (Decimal(each["amount_residual"]) for each in documents if each["move_type"] == INVOICE), Decimal(0)
            )
            if payment.amount.amount > due and not await self._billing.is_complete(payment.order_key):
                text = f"odoo: {payment.amount} is more than is invoiced of {payment.order_key} by now"
                raise Declined(text, code=NOT_FOUND, field="amount")
            return await self._paying(payment, receivable)

        number = await self._post(payment.payment_id, payment.on, lines)
        await self._reconcile(payment, documents, receivable)
        return number

    async def _post(self, reference: str, on: date, lines: Callable[[], Awaitable[list[Record]]]) -> str:
        async def find() -> Record | None:
            return await self._find(reference)

        found = await find()
        if found is None:
            await self._masters.require_open(on)
            values = {
                "move_type": "entry",
                "company_id": self._client.company,
                "journal_id": await self._masters.journal(self._options.journal),
                "ref": reference,
                "date": on.isoformat(),
                "line_ids": [[0, 0, line] for line in await lines()],
            }
            made = await self._client.create(MOVE, values, find)
            found = await find() or {"id": made, "state": "draft"}
            if found["id"] != made:
                await self._client.unlink(MOVE, [made])
        if found["state"] != "posted":
            await self._client.press(MOVE, found["id"], "action_post", ("posted",))
        [posted] = await self._client.search(MOVE, [["id", "=", found["id"]]], ["name"])
        return str(posted["name"])

    async def _find(self, reference: str) -> Record | None:
        domain = [["ref", "=", reference], ["move_type", "=", "entry"], ["company_id", "=", self._client.company]]
        return await self._client.first(MOVE, domain, ["state", "name"])

    async def _lines(self, lines: Sequence[JournalLine], on: date) -> list[Record]:
        """Each currency balances, so what rounding leaves in the company's currency goes to its largest line."""
        own = (await self._masters.company())["currency_id"][1]
        values = [await self._in_books(line.amount, own, on) for line in lines]
        for currency in {line.amount.currency for line in lines} - {own}:
            numbers = [number for number, line in enumerate(lines) if line.amount.currency == currency]
            largest = max(numbers, key=lambda number: abs(values[number].amount))
            values[largest] -= Money.total((values[number] for number in numbers), own)
        return [await self._line(line, value) for line, value in zip(lines, values, strict=True)]

    async def _line(self, line: JournalLine, value: Money) -> Record:
        partner = None
        if line.account in BY_PARTNER:
            if not line.channel_account:
                text = f"odoo: a line on {line.account} needs a channel account"
                raise Declined(text, code="invalid", field="lines.channel_account")
            partner = await self._masters.of_channel_account(line.channel_account)
        label = " ".join(part for part in (line.label, str(line.order_key or ""), line.source) if part)
        return await self._booked(await self._masters.account(line.account), line.amount, value, partner, label)

    async def _booked(self, account: int, amount: Money, value: Money, partner: int | None, label: str) -> Record:
        return {
            "account_id": account,
            "partner_id": partner or False,
            "name": label,
            "debit": max(value.amount, Decimal(0)),
            "credit": max(-value.amount, Decimal(0)),
            "currency_id": await self._masters.currency(amount.currency),
            "amount_currency": amount.amount,
        }

    async def _paying(self, payment: Payment, receivable: Record) -> list[Record]:
        own = (await self._masters.company())["currency_id"][1]
        value = await self._in_books(payment.amount, own, payment.on)
        by_partner = payment.account in BY_PARTNER
        channel = await self._masters.of_channel_account(payment.channel_account) if by_partner else None
        source = await self._masters.account(payment.account)
        label = f"{payment.order_key} {payment.settlement_id}".strip()
        account, partner = receivable["account_id"][0], receivable["partner_id"][0]
        return [
            await self._booked(source, payment.amount, value, channel, label),
            await self._booked(account, -payment.amount, -value, partner, label),
        ]

    async def _receivables(self, documents: Sequence[Record]) -> list[Record]:
        domain = [
            ["move_id", "in", [document["id"] for document in documents]],
            ["account_type", "=", "asset_receivable"],
        ]
        return await self._client.search(LINE, domain, ["account_id", "partner_id", "reconciled", "move_id"])

    async def _reconcile(self, payment: Payment, documents: Sequence[Record], receivable: Record) -> None:
        """Odoo's own reconciliation: oldest first, partly where it has to be, exchange differences booked by it.

        Repeated without harm: what is reconciled is left out. A payment back meets credit notes, not invoices.
        """
        kind = INVOICE if payment.amount.amount > 0 else "out_refund"
        due = await self._receivables([each for each in documents if each["move_type"] == kind])
        entry = await self._find(payment.payment_id)
        domain = [["move_id", "=", (entry or {}).get("id")], ["account_id", "=", receivable["account_id"][0]]]
        mine = await self._client.search(LINE, domain, ["reconciled"])
        open_lines = [line["id"] for line in (*due, *mine) if not line["reconciled"]]
        if any(not line["reconciled"] for line in mine) and len(open_lines) > 1:
            await self._client.run(LINE, "reconcile", open_lines)

    async def _in_books(self, amount: Money, own: str, on: date) -> Money:
        """By the ERP's own rate of the day: units of a currency for one of the company's."""
        if amount.currency == own:
            return amount
        domain = [["currency_id.name", "=", amount.currency], ["name", "<=", on.isoformat()]]
        rates = await self._client.search("res.currency.rate", domain, ["name", "rate"])
        if not rates:
            text = f"odoo: no rate for {amount.currency} on {on}: enter one"
            raise Declined(text, code="no_rate", field="currency")
        latest = max(rates, key=lambda rate: str(rate["name"]))
        return Money.rounded(amount.amount / Decimal(latest["rate"]), own)
