"""Lines of an accounting entry: amounts in the company's currency, and in their own where that is another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.parties import Parties
from connectors.errors import Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.ledger import JournalLine
from models.money import Money

ZERO = Decimal(0)


class Entries:
    def __init__(self, client: TrytonClient, masters: Masters, parties: Parties) -> None:
        self._client, self._masters, self._parties = client, masters, parties

    async def of(self, lines: Sequence[JournalLine], on: date) -> list[Record]:
        """Lines of `account.move`. Each currency balances, so what rounding leaves goes to its largest line."""
        own = (await self._masters.company_currency())["code"]
        values = [await self.in_books(line.amount, on) for line in lines]
        for currency in {line.amount.currency for line in lines} - {own}:
            numbers = [number for number, line in enumerate(lines) if line.amount.currency == currency]
            largest = max(numbers, key=lambda number: abs(values[number].amount))
            values[largest] -= Money.total((values[number] for number in numbers), own)
        return [await self._line(line, value) for line, value in zip(lines, values, strict=True)]

    async def in_books(self, amount: Money, on: date) -> Money:
        """The amount in the company's currency, by the ERP's own rate of the day."""
        own = (await self._masters.company_currency())["code"]
        if amount.currency == own:
            return amount
        theirs, ours = await self._rate(amount.currency, on), await self._rate(own, on)
        return Money.rounded(amount.amount * ours / theirs, own)

    async def line(self, account: int, amount: Money, value: Money, *, party: int | None, label: str) -> Record:
        """`amount` as it was paid, `value` in the company's currency; positive amounts are debits."""
        booked: Record = {
            "account": account,
            "debit": max(value.amount, ZERO),
            "credit": max(-value.amount, ZERO),
            "description": label,
        }
        if party is not None:
            booked["party"] = party
        if amount.currency != value.currency:
            booked["second_currency"] = await self._masters.currency(amount.currency)
            booked["amount_second_currency"] = amount.amount
        return booked

    async def _line(self, line: JournalLine, value: Money) -> Record:
        account = await self._masters.account_record(line.account)
        party = None
        if account["party_required"]:
            if not line.channel_account:
                text = f"tryton: a line on {account['code']} ({line.account}) needs a channel account"
                raise Declined(text, code="invalid", field="lines.channel_account")
            party = await self._parties.of_channel_account(line.channel_account)
        label = " ".join(part for part in (line.label, str(line.order_key or ""), line.source) if part)
        return await self.line(account["id"], line.amount, value, party=party, label=label)

    async def _rate(self, currency: str, on: date) -> Decimal:
        record = await self._masters.currency(currency)
        found = await self._client.read("currency.currency", record, ["rate"], date=on)
        if not found.get("rate"):
            raise Declined(f"tryton: no rate for {currency} on {on}: enter one", code="no_rate", field="currency")
        return Decimal(found["rate"])
