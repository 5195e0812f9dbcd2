"""Invoices for parcels, and credit notes.

Amounts are the channel's, not computed: each tax is a line on its own account, and no line has a tax that Odoo would
compute. What a channel remits is booked and taken off again in the same document: nobody owes it us.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from connectors.erp.documents import parcel_reference
from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.erp.odoo.options import OdooOptions
from connectors.erp.odoo.sales import Sale, SaleLine, Sales
from connectors.erp.terms import priced, share, slack
from connectors.errors import NOT_FOUND, Declined, Unavailable
from models.fulfilment import ConfirmedParcel
from models.ledger import AccountRole
from models.money import Money
from models.order import OrderKey, Remitter
from models.systems import CreditNote, CreditNoteLine

MOVE, LINE = "account.move", "account.move.line"
FIELDS = ["name", "state", "ref", "move_type", "currency_id", "amount_total", "amount_residual"]
INVOICE, REFUND = "out_invoice", "out_refund"
REMITTED = "tax_channel_remitted"
TAX_ROLES = {Remitter.SELLER: AccountRole.TAX_SELLER, Remitter.CHANNEL: AccountRole.TAX_CHANNEL}


class Bill(NamedTuple):
    lines: list[Record]
    taxes: dict[tuple[Remitter, str], Money]


class Billing:
    def __init__(self, client: OdooClient, options: OdooOptions, masters: Masters, sales: Sales) -> None:
        self._client, self._options, self._masters, self._sales = client, options, masters, sales

    async def invoice(self, parcel: ConfirmedParcel) -> str:
        reference = parcel_reference(parcel)
        sale = await self._sales.required(parcel.order_key)
        number, others = await self._before(parcel.order_key, reference)
        if number:
            return number
        bill = await self._bill(sale, parcel, others)
        return await self._post(INVOICE, reference, parcel.order_key, sale, bill, parcel.shipped_at.date())

    async def credit(self, note: CreditNote) -> str:
        """Raises `Declined` beyond what was invoiced: units by line, money by order."""
        sale = await self._sales.required(note.order_key)
        number, others = await self._before(note.order_key, note.note_id)
        if number:
            return number
        await self._require_creditable(sale, note, others)
        bill = await self._credit_bill(sale, note)
        return await self._post(REFUND, note.note_id, note.order_key, sale, bill, note.issued_at.date())

    async def of_order(self, key: OrderKey) -> list[Record]:
        """Invoices and credit notes of an order that are not cancelled."""
        kinds = ["move_type", "in", [INVOICE, REFUND]]
        ours = ["company_id", "=", self._client.company]
        domain = [["invoice_origin", "=", str(key)], kinds, ["state", "!=", "cancel"], ours]
        return await self._client.search(MOVE, domain, FIELDS)

    async def lines_of(self, documents: Iterable[Record]) -> list[Record]:
        ids = [document["id"] for document in documents]
        fields = ["move_id", "name", "product_id", "quantity", "sale_line_ids", "account_id", "price_subtotal"]
        domain = [["move_id", "in", ids], ["display_type", "=", "product"]]
        return await self._client.search(LINE, domain, fields) if ids else []

    async def is_complete(self, key: OrderKey) -> bool:
        """Every unit that was not cancelled is invoiced."""
        sale = await self._sales.required(key)
        posted = [
            each for each in await self.of_order(key) if (each["state"], each["move_type"]) == ("posted", INVOICE)
        ]
        billed = await self._billed(sale, posted)
        return all(billed[line] >= units for line, units in _open_units(sale).items())

    async def _before(self, key: OrderKey, reference: str) -> tuple[str, list[Record]]:
        """The number of the document with this reference, if it is posted, and the order's other posted documents.

        Drafts are thrown away, whosesoever they are: what an attempt that died left must not count as billed, and
        one that is to be posted yet was made without knowing what is posted now.
        """
        posted = []
        for each in await self.of_order(key):
            if each["state"] != "posted":
                await self._client.unlink(MOVE, [each["id"]])
            elif each["ref"] == reference:
                return str(each["name"]), []
            else:
                posted.append(each)
        return "", posted

    async def _billed(self, sale: Sale, documents: Iterable[Record]) -> Counter[str]:
        """Order line -> units on these documents: those that their lines' links to the sales order count."""
        counted: Counter[int] = Counter()
        for line in await self.lines_of(documents):
            for sale_line in line["sale_line_ids"]:
                counted[sale_line] += int(line["quantity"])
        units: Counter[str] = Counter()
        for each in sale.lines:
            if each.terms.per_unit:
                units[each.terms.line] = max(units[each.terms.line], counted[each.id] // each.terms.per_unit)
        return units

    async def _bill(self, sale: Sale, parcel: ConfirmedParcel, others: list[Record]) -> Bill:
        invoices = [each for each in others if each["move_type"] == INVOICE]
        before = await self._billed(sale, invoices)
        _require_open(sale, before, parcel)
        bill = Bill([], defaultdict(lambda: Money.zero(sale.currency)))
        for line in sale.lines_of(parcel.units):
            start = before[line.terms.line]
            await self._add(bill, sale, line, start, start + parcel.units[line.terms.line])
        for line in sale.lines if not invoices else ():
            if not line.terms.line:
                await self._add(bill, sale, line, 0, 1)
        return bill

    async def _add(self, bill: Bill, sale: Sale, line: SaleLine, start: int, end: int) -> None:
        terms = line.terms
        net = share(terms.net, sale.currency, start, end, terms.units)
        for tax in terms.taxes:
            bill.taxes[tax.remitter, tax.code] += share(tax.amount, sale.currency, start, end, terms.units)
        if not terms.per_unit and not net:
            return
        goods = {"product_id": line.product} if line.product else {}
        for each in await self._priced(net, (end - start) * terms.per_unit or 1, terms.line or "order"):
            bill.lines.append({**each, **goods, "sale_line_ids": [[6, 0, [line.id]]]})

    async def _require_creditable(self, sale: Sale, note: CreditNote, others: list[Record]) -> None:
        invoices = [each for each in others if each["move_type"] == INVOICE]
        refunds = [each for each in others if each["move_type"] == REFUND]
        if not invoices:
            raise Declined(f"odoo: nothing of {note.order_key} is invoiced", code=NOT_FOUND, field="order_key")
        left = await self._billed(sale, invoices)
        complete = all(left[line] >= units for line, units in _open_units(sale).items())
        left.subtract(await self._billed(sale, refunds))
        for line in note.lines:
            if line.quantity > left[line.line_id]:
                text = f"odoo: {left[line.line_id]} units of line {line.line_id} can be credited, not {line.quantity}"
                raise Declined(text, code="over_credited", field=f"lines[{line.line_id}].quantity")
        money = _total(invoices) - _total(refunds)
        asked = sum((line.total.amount - line.channel_tax.amount for line in note.lines), Decimal(0))
        if asked > money + slack(note, complete=complete):
            text = f"odoo: {money} of {note.order_key} can be credited, not {asked}"
            raise Declined(text, code="over_credited", field="lines")

    async def _credit_bill(self, sale: Sale, note: CreditNote) -> Bill:
        bill = Bill([], defaultdict(lambda: Money.zero(sale.currency)))
        for credited in note.lines:
            found = [line for line in sale.lines_of([credited.line_id]) if line.terms.per_unit]
            await self._credit_goods(bill, credited, found)
            for remitter, amount in ((Remitter.SELLER, credited.seller_tax), (Remitter.CHANNEL, credited.channel_tax)):
                if amount:
                    bill.taxes[remitter, _sold_with(found, remitter, self._options)] += amount
        return bill

    async def _credit_goods(self, bill: Bill, credited: CreditNoteLine, found: list[SaleLine]) -> None:
        """Linked to the sales order's lines when units come back, as Odoo's own reversals are; money alone is not."""
        weights = [line.terms.net for line in found]
        shares = credited.goods.allocate(weights if any(weights) else [1] * len(found))
        for line, amount in zip(found, shares, strict=True):
            quantity = credited.quantity * line.terms.per_unit
            linked = {"product_id": line.product, "sale_line_ids": [[6, 0, [line.id]]]} if quantity else {}
            bill.lines.extend({**each, **linked} for each in await self._priced(amount, quantity or 1, line.terms.line))
        if credited.shipping:
            bill.lines.extend(await self._priced(credited.shipping, 1, credited.line_id))

    async def _priced(self, net: Money, quantity: int, label: str) -> list[Record]:
        account = await self._masters.account(AccountRole.REVENUE)
        common: Record = {"name": label, "account_id": account, "tax_ids": [[6, 0, []]]}
        return [{**common, "quantity": units, "price_unit": price} for units, price in priced(net, quantity)]

    async def _tax_lines(self, taxes: Mapping[tuple[Remitter, str], Money]) -> list[Record]:
        made: list[Record] = []
        for (remitter, code), amount in taxes.items():
            if not amount:
                continue
            await self._masters.tax(code)
            made.append(await self._tax_line(TAX_ROLES[remitter], code, amount))
            if remitter is Remitter.CHANNEL:
                made.append(await self._tax_line(REMITTED, code, -amount))
        return made

    async def _tax_line(self, role: AccountRole | str, code: str, amount: Money) -> Record:
        account = await self._masters.account(role)
        values: Record = {"name": code, "account_id": account, "tax_ids": [[6, 0, []]]}
        return {**values, "quantity": 1, "price_unit": amount.amount}

    async def _post(self, kind: str, reference: str, key: OrderKey, sale: Sale, bill: Bill, on: date) -> str:
        await self._masters.require_open(on)
        values = {
            "move_type": kind,
            "company_id": self._client.company,
            "ref": reference,
            "invoice_origin": str(key),
            "partner_id": sale.partner,
            "journal_id": await self._masters.journal(self._options.sales_journal),
            "currency_id": await self._masters.currency(sale.currency),
            "invoice_date": on.isoformat(),
            "date": on.isoformat(),
            "invoice_line_ids": [[0, 0, line] for line in (*bill.lines, *await self._tax_lines(bill.taxes))],
        }

        async def find() -> Record | None:
            return next((each for each in await self.of_order(key) if each["ref"] == reference), None)

        made = await self._client.create(MOVE, values, find)
        # Odoo does not hold the reference to be unique: of two that were made at once the older stays.
        oldest = await find() or {"id": made, "state": "draft"}
        if oldest["id"] != made:
            await self._client.unlink(MOVE, [made])
        if oldest["state"] != "posted":
            await self._press_post(oldest["id"])
        [posted] = await self._client.search(MOVE, [["id", "=", oldest["id"]]], ["name"])
        return str(posted["name"])

    async def _press_post(self, move: int) -> None:
        try:
            await self._client.press(MOVE, move, "action_post", ("posted",))
        except Declined:
            if await self._client.search(MOVE, [["id", "=", move]], ["state"]):
                raise
            raise Unavailable(
                "odoo: another document of the order was posted meanwhile, and threw this one away"
            ) from None


def _open_units(sale: Sale) -> dict[str, int]:
    """Order line -> units that were not cancelled."""
    goods = [line for line in sale.lines if line.terms.per_unit]
    return {line.terms.line: line.quantity // line.terms.per_unit for line in goods}


def _require_open(sale: Sale, before: Mapping[str, int], parcel: ConfirmedParcel) -> None:
    ordered = _open_units(sale)
    for name, units in parcel.units.items():
        done, whole = before.get(name, 0), ordered.get(name, 0)
        if done + units > whole:
            text = f"odoo: {done} of {whole} units of line {name} are invoiced, and {units} more are to be"
            raise Declined(text, code="over_invoiced", field=f"units[{name}]")


def _sold_with(found: list[SaleLine], remitter: Remitter, options: OdooOptions) -> str:
    """The tax that the order line was sold with, or the remitter's general one."""
    codes = [tax.code for line in found for tax in line.terms.taxes if tax.remitter is remitter]
    return codes[0] if codes else options.taxes[remitter.value]


def _total(documents: Iterable[Record]) -> Decimal:
    return sum((Decimal(each["amount_total"]) for each in documents), Decimal(0))
