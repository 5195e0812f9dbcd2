"""Invoices for parcels, and credit notes: exact amounts, the seller's and the channel's tax on their own accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from connectors.erp.documents import parcel_reference
from connectors.erp.terms import Terms, priced, share
from connectors.erp.tryton.billed import (
    Billed,
    billed_units,
    is_credit,
    lines_by_origin,
    require_creditable,
    require_open,
)
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.options import TrytonOptions
from connectors.erp.tryton.parties import Parties
from connectors.erp.tryton.sales import Sales, lines_of, open_units, terms_of
from connectors.errors import Declined, Unavailable
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.fulfilment import ConfirmedParcel
from models.ledger import AccountRole
from models.money import Money
from models.order import OrderKey, Remitter
from models.systems import CreditNote, CreditNoteLine

INVOICE = "account.invoice"
FIELDS = ["number", "state", "reference", "total_amount", "lines.origin", "lines.quantity", "lines.note"]
POSTED = ("posted", "paid")


class Bill(NamedTuple):
    """What an invoice consists of, before it is written."""

    lines: list[Record]
    taxes: dict[tuple[Remitter, str], Money]


class Billing:
    def __init__(
        self, client: TrytonClient, options: TrytonOptions, masters: Masters, sales: Sales, parties: Parties
    ) -> None:
        self._client, self._options, self._masters = client, options, masters
        self._sales, self._parties = sales, parties

    async def invoice(self, parcel: ConfirmedParcel) -> str:
        """The posted invoice of a parcel; returns its number."""
        sale = await self._sales.required(parcel.order_key)
        reference = parcel_reference(parcel)
        number, others = await self._before(parcel.order_key, reference)
        if number:
            return number
        bill = await self._bill(sale, parcel, others)
        return await self._post(reference, parcel.order_key, sale, bill, parcel.shipped_at.date())

    async def credit(self, note: CreditNote) -> str:
        """The posted credit note; returns its number. Raises `Declined` beyond what was invoiced."""
        sale = await self._sales.required(note.order_key)
        number, others = await self._before(note.order_key, note.note_id)
        if number:
            return number
        require_creditable(sale, note, others)
        bill = await self._credit_bill(sale, note, others)
        return await self._post(note.note_id, note.order_key, sale, bill, note.issued_at.date())

    async def of_order(self, key: OrderKey, fields: Iterable[str] = FIELDS) -> list[Record]:
        """Invoices and credit notes of an order, in the order in which they were made."""
        domain = [["description", "=", str(key)], ["state", "!=", "cancelled"], ["company", "=", self._client.company]]
        return await self._client.search(INVOICE, domain, list(fields))

    async def is_complete(self, key: OrderKey) -> bool:
        """Every unit that was not cancelled is invoiced."""
        posted = [each for each in await self.of_order(key) if each["state"] in POSTED]
        billed = billed_units(posted, credit=False)
        return all(billed[line] >= units for line, units in open_units(await self._sales.required(key)).items())

    async def _before(self, key: OrderKey, reference: str) -> tuple[str, list[Record]]:
        """The number of the document with this reference, if it is posted, and the order's other posted documents.

        Drafts are thrown away, whosesoever they are: what an attempt that died left must not count as billed, and
        one that is to be posted yet was made without knowing what is posted now.
        """
        posted = []
        for each in await self.of_order(key):
            if each["state"] not in POSTED:
                await self._client.delete(INVOICE, each["id"])
            elif each["reference"] == reference:
                return str(each["number"]), []
            else:
                posted.append(each)
        return "", posted

    async def _bill(self, sale: Record, parcel: ConfirmedParcel, others: list[Record]) -> Bill:
        """The parcel's units; the first invoice of an order has the charges of the whole order, too."""
        before = billed_units(others, credit=False)
        require_open(sale, before, parcel)
        first = all(is_credit(each) for each in others)
        bill = Bill([], defaultdict(lambda: Money.zero(sale["currency"]["code"])))
        for line, terms in lines_of(sale, parcel.units):
            start = before[terms.line]
            await self._add(bill, sale, line, terms, start, start + parcel.units[terms.line])
        for line in sale["lines"] if first else []:
            terms = terms_of(line)
            if not terms.line:
                await self._add(bill, sale, line, terms, 0, 1)
        return bill

    async def _add(self, bill: Bill, sale: Record, line: Record, terms: Terms, start: int, end: int) -> None:
        """A sales line's share of the units from `start` to `end`, with its taxes."""
        currency = sale["currency"]["code"]
        net = share(terms.net, currency, start, end, terms.units)
        for tax in terms.taxes:
            bill.taxes[tax.remitter, tax.code] += share(tax.amount, currency, start, end, terms.units)
        if not terms.per_unit and not net:
            return
        billed = Billed(line=terms.line, units=end - start)
        goods = await self._goods(line) if terms.per_unit else {}
        origin = {"origin": f"sale.line,{line['id']}"}
        lines = await self._priced(net, (end - start) * terms.per_unit or 1, billed)
        bill.lines.extend({**each, **goods, **origin} for each in lines)

    async def _credit_bill(self, sale: Record, note: CreditNote, others: list[Record]) -> Bill:
        bill = Bill([], defaultdict(lambda: Money.zero(sale["currency"]["code"])))
        origins = lines_by_origin(others)
        for credited in note.lines:
            found = lines_of(sale, [credited.line_id])
            await self._credit_goods(bill, credited, [pair for pair in found if pair[1].per_unit], origins)
            for remitter, amount in ((Remitter.SELLER, credited.seller_tax), (Remitter.CHANNEL, credited.channel_tax)):
                if amount:
                    bill.taxes[remitter, self._sold_with(found, remitter)] -= amount
        return bill

    async def _credit_goods(
        self, bill: Bill, credited: CreditNoteLine, found: list[tuple[Record, Terms]], origins: Mapping[str, int]
    ) -> None:
        """Negative quantities that name the invoice's lines they take back, as Tryton's own credits have."""
        weights = [terms.net for _, terms in found]
        shares = credited.goods.allocate(weights if any(weights) else [1] * len(found))
        for (line, terms), amount in zip(found, shares, strict=True):
            billed = Billed(line=terms.line, units=credited.quantity)
            goods = await self._goods(line) if credited.quantity else {}
            named = _crediting(origins, line)
            for each in await self._priced(amount, credited.quantity * terms.per_unit or 1, billed):
                bill.lines.append({**each, **goods, **named, "quantity": -each["quantity"]})
        if credited.shipping:
            [each] = await self._priced(credited.shipping, 1, Billed(line=credited.line_id))
            bill.lines.append({**each, **_crediting(origins, found[0][0]), "quantity": -1})

    def _sold_with(self, found: list[tuple[Record, Terms]], remitter: Remitter) -> str:
        """Code of the tax that the order line was sold with, or the remitter's general one."""
        codes = [tax.code for _, terms in found for tax in terms.taxes if tax.remitter is remitter]
        return codes[0] if codes else self._options.general_code(remitter)

    async def _goods(self, line: Record) -> Record:
        return {"product": line["product"], "unit": await self._masters.unit()}

    async def _priced(self, net: Money, quantity: int, billed: Billed) -> list[Record]:
        common = {
            "type": "line",
            "company": self._client.company,
            "currency": await self._masters.currency(net.currency),
            "account": await self._masters.account(AccountRole.REVENUE),
            "note": billed.model_dump_json(),
        }
        return [{**common, "quantity": units, "unit_price": price} for units, price in priced(net, quantity)]

    async def _taxes(self, taxes: Mapping[tuple[Remitter, str], Money]) -> list[Record]:
        """Stated amounts, not computed ones. What a channel remits is booked and taken off again: nobody owes it us."""
        found: list[Record] = []
        for (remitter, code), amount in taxes.items():
            if not amount:
                continue
            found.append(await self._tax(code, amount))
            if remitter is Remitter.CHANNEL:
                found.append(await self._tax(self._options.remitted_code, -amount))
        return found

    async def _tax(self, code: str, amount: Money) -> Record:
        tax = await self._masters.tax(code)
        values = {"description": code, "tax": tax["id"], "account": tax["invoice_account"], "manual": True}
        return {**values, "base": Decimal(0), "amount": amount.amount}

    async def _post(self, reference: str, key: OrderKey, sale: Record, bill: Bill, on: date) -> str:
        await self._masters.open_period(on)
        values = await self._values(reference, key, sale, bill, on)

        async def find() -> Record | None:
            return next((each for each in await self.of_order(key) if each["reference"] == reference), None)

        made = await self._client.create(INVOICE, values, find, FIELDS)
        # Tryton does not hold the reference to be unique: of two that were made at once the older stays.
        oldest = await find() or made
        if oldest["id"] != made["id"]:
            await self._client.delete(INVOICE, made["id"])
        if oldest["state"] not in POSTED:
            await self._press_post(oldest["id"])
        return str((await self._client.read(INVOICE, oldest["id"], ["number"]))["number"])

    async def _press_post(self, invoice: int) -> None:
        try:
            await self._client.post(INVOICE, invoice, POSTED)
        except Declined:
            if await self._client.first(INVOICE, [["id", "=", invoice]]):
                raise
            raise Unavailable(
                "tryton: another document of the order was posted meanwhile, and threw this one away"
            ) from None

    async def _values(self, reference: str, key: OrderKey, sale: Record, bill: Bill, on: date) -> Record:
        return {
            "company": self._client.company,
            "type": "out",
            "reference": reference,
            "description": str(key),
            "party": sale["party"],
            "invoice_address": sale["invoice_address"],
            "currency": await self._masters.currency(sale["currency"]["code"]),
            "account": await self._parties.receivable_of(sale["party"]),
            "journal": await self._masters.journal("revenue"),
            "payment_term": await self._masters.payment_term(),
            # The invoice's own date is the day of its number: Tryton refuses a number that is older than the last.
            "accounting_date": on,
            "lines": [["create", bill.lines]],
            "taxes": [["create", await self._taxes(bill.taxes)]],
        }


def _crediting(origins: Mapping[str, int], line: Record) -> Record:
    invoice_line = origins.get(f"sale.line,{line['id']}")
    return {"origin": f"account.invoice.line,{invoice_line}" if invoice_line else None}
