"""What a line of a sales order must remember: the order line it stands for, and its exact amounts.

An ERP computes taxes from rates; a channel states them, per line and by who remits them. The stated figures are kept
beside the line in the ERP, and every invoice takes its share of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from connectors.errors import Declined, SchemaDrift
from connectors.ports import ErpOrder
from models.base import Model
from models.catalogue import ComponentLine
from models.money import Amount, Money, minor_unit
from models.order import Charge, Order, OrderLine, Remitter, Tax
from models.systems import CreditNote


class TaxCodes(Protocol):
    def tax_code(self, tax: Tax) -> str:
        """The ERP's code for a tax. Raises `Declined` (`unknown_tax`)."""
        ...


class LineTax(Model):
    remitter: Remitter
    code: str
    amount: Amount


class Terms(Model):
    """Of a component of an order line, or of a charge (`per_unit` 0)."""

    line: str
    """Channel line id; empty for a charge of the whole order."""
    units: int
    """Ordered units of the order line; 1 for a charge of the whole order."""
    per_unit: int
    net: Amount
    """For all ordered units: without discounts and included taxes."""
    taxes: tuple[LineTax, ...] = ()

    @classmethod
    def read(cls, text: object, path: str) -> Terms:
        """Raises `SchemaDrift` when somebody has edited what was kept."""
        try:
            return cls.model_validate_json(str(text or ""))
        except ValueError as error:
            raise SchemaDrift("wrong_type", path, text, "Restore the text that was there") from error

    def text(self) -> str:
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), separators=(",", ":"))


class Entry(NamedTuple):
    """A line to be put on the sales order."""

    terms: Terms
    description: str
    item: str | None
    ordered: int
    """In items; 1 for a charge."""
    open: int
    """Without cancelled units."""


def entries(request: ErpOrder, codes: TaxCodes) -> Iterator[Entry]:
    """The lines of a sales order: one for each component of an order line, one for each charge.

    Raises `Declined` for a line that is to be shipped and is made of nothing.
    """
    order = request.order
    for line in order.lines:
        parts = [part for part in request.components if part.line_id == line.line_id]
        if not parts and line.quantity > line.cancelled:
            text = f"line {line.line_id} ({line.sku}) has no items: map the SKU before the order is posted"
            raise Declined(text, code="unknown_product", field=f"lines[{line.line_id}].sku")
        yield from _components(order, line, parts, codes)
    for charge in order.charges:
        yield _charge(order, charge, codes)


def _components(order: Order, line: OrderLine, parts: Sequence[ComponentLine], codes: TaxCodes) -> Iterator[Entry]:
    """The line's taxes are kept with its first component, so that each is counted once."""
    weights = [part.amount.amount for part in parts]
    nets = _net(order, line).allocate(weights if any(weights) else [1] * len(parts)) if parts else []
    for number, (part, net) in enumerate(zip(parts, nets, strict=True)):
        taxes = _taxes(line, codes) if number == 0 else ()
        terms = Terms(line=line.line_id, units=line.quantity, per_unit=part.per_unit, net=net.amount, taxes=taxes)
        title = f"{line.sku} {line.title}".strip()
        yield Entry(terms, title, part.item, part.quantity, part.quantity - line.cancelled * part.per_unit)


def _charge(order: Order, charge: Charge, codes: TaxCodes) -> Entry:
    units = {line.line_id: line.quantity for line in order.lines}
    of_line = charge.line_id if charge.line_id in units else None
    terms = Terms(
        line=of_line or "",
        units=units[of_line] if of_line else 1,
        per_unit=0,
        net=_net(order, charge).amount,
        taxes=_taxes(charge, codes),
    )
    return Entry(terms, charge.label or charge.kind.value, None, 1, 1)


def _net(order: Order, part: OrderLine | Charge) -> Money:
    gross = part.goods if isinstance(part, OrderLine) else part.amount
    off = (discount.amount for discount in part.discounts)
    included = (tax.amount for tax in part.taxes if tax.included)
    return gross - Money.total((*off, *included), order.currency)


def _taxes(part: OrderLine | Charge, codes: TaxCodes) -> tuple[LineTax, ...]:
    def of(tax: Tax) -> LineTax:
        return LineTax(remitter=tax.remitter, code=codes.tax_code(tax), amount=tax.amount.amount)

    return tuple(of(tax) for tax in part.taxes if tax.amount)


def share(amount: Decimal, currency: str, before: int, after: int, whole: int) -> Money:
    """Of units `before` to `after` of `whole`: the shares of all units add up exactly."""
    upper, lower = (Money.rounded(amount * units / whole, currency) for units in (after, before))
    return upper - lower


def slack(note: CreditNote, *, complete: bool) -> Decimal:
    """By how much a credit may exceed what is invoiced: nothing once all is invoiced.

    Until then the shares of a unit may differ by a minor unit in each part of a line, because a credit rounds each unit
    to the nearest, as channels do, and invoices let the shares of all units add up.
    """
    return Decimal(0) if complete else 3 * minor_unit(note.total.currency) * len(note.lines)


def priced(amount: Money, quantity: int, digits: int = 4) -> list[tuple[int, Decimal]]:
    """Quantities and unit prices that come to the amount exactly, as an ERP rounds quantity times price.

    One pair where a price with `digits` decimals does it, else two whose prices differ by a minor unit.
    """
    price = (amount.amount / quantity).quantize(Decimal(1).scaleb(-digits))
    if Money.rounded(price * quantity, amount.currency) == amount:
        return [(quantity, price)]
    unit = minor_unit(amount.currency)
    sign = -1 if amount.amount < 0 else 1
    low, more = divmod(int(abs(amount.amount) / unit), quantity)
    pairs = [(more, sign * (low + 1) * unit), (quantity - more, sign * low * unit)]
    return [(units, price) for units, price in pairs if units]
