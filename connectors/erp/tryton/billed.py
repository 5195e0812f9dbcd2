"""What is invoiced and credited of an order already: counted from the notes of the invoices' lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from connectors.erp.terms import slack
from connectors.erp.tryton.sales import open_units
from connectors.errors import NOT_FOUND, Declined, SchemaDrift
from connectors.tryton.wire import Record
from models.base import Model
from models.fulfilment import ConfirmedParcel
from models.systems import CreditNote


class Billed(Model):
    """Kept in the `note` of an invoice's line: the order line, and how many of its units the whole invoice is about."""

    line: str
    units: int = 0

    @classmethod
    def of(cls, invoice_line: Record) -> Billed:
        try:
            return cls.model_validate_json(invoice_line.get("note") or "")
        except ValueError as error:
            path = f"account.invoice.line,{invoice_line['id']}.note"
            raise SchemaDrift(
                "wrong_type", path, invoice_line.get("note"), "Restore the note that was there"
            ) from error


def is_credit(invoice: Record) -> bool:
    return any(line["quantity"] < 0 for line in invoice["lines"])


def billed_units(invoices: Iterable[Record], *, credit: bool) -> Counter[str]:
    """Order line -> units. Components of a line, and the two prices of one, repeat the same count in an invoice."""
    counted: Counter[str] = Counter()
    for invoice in invoices:
        if is_credit(invoice) is credit:
            counted += _in_one(invoice)
    return counted


def lines_by_origin(invoices: Iterable[Record]) -> dict[str, int]:
    """`sale.line,ID` -> the first invoice line that it has."""
    found: dict[str, int] = {}
    for invoice in invoices:
        for line in invoice["lines"]:
            found.setdefault(line["origin"] or "", line["id"])
    return found


def require_open(sale: Record, before: Mapping[str, int], parcel: ConfirmedParcel) -> None:
    """Raise `Declined` (`over_invoiced`) when more would be invoiced than is ordered and not cancelled."""
    ordered = open_units(sale)
    for line, units in parcel.units.items():
        done, whole = before.get(line, 0), ordered.get(line, 0)
        if done + units > whole:
            text = f"tryton: {done} of {whole} units of line {line} are invoiced, and {units} more are to be"
            raise Declined(text, code="over_invoiced", field=f"units[{line}]")


def require_creditable(sale: Record, note: CreditNote, invoices: list[Record]) -> None:
    """Raise `Declined` when nothing is invoiced, or less than is to be credited: units by line, money by order."""
    if all(is_credit(each) for each in invoices):
        raise Declined(f"tryton: nothing of {note.order_key} is invoiced", code=NOT_FOUND, field="order_key")
    left = billed_units(invoices, credit=False)
    complete = all(left[line] >= units for line, units in open_units(sale).items())
    left.subtract(billed_units(invoices, credit=True))
    for line in note.lines:
        if line.quantity > left[line.line_id]:
            text = f"tryton: {left[line.line_id]} units of line {line.line_id} can be credited, not {line.quantity}"
            raise Declined(text, code="over_credited", field=f"lines[{line.line_id}].quantity")
    money = sum((Decimal(each["total_amount"]) for each in invoices), Decimal(0))
    asked = sum((line.total.amount - line.channel_tax.amount for line in note.lines), Decimal(0))
    if asked > money + slack(note, complete=complete):
        text = f"tryton: {money} of {note.order_key} can be credited, not {asked}"
        raise Declined(text, code="over_credited", field="lines")


def _in_one(invoice: Record) -> Counter[str]:
    units: Counter[str] = Counter()
    for line in invoice["lines"]:
        billed = Billed.of(line)
        units[billed.line] = max(units[billed.line], billed.units)
    return units
