"""An estimate of the seller's tax from standard rates (`rates.py`), for when the tax engine is away.

Not a tax engine: one standard rate a country or region, no reduced rates, no local US taxes, no exemptions, no
thresholds. It says what order of magnitude to expect until the engine is back. The channel's own figure stays the
authority; where the table has no rate for the destination, it answers that figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from connectors.ports import TaxQuote
from connectors.tax.parts import Part, parts, taxable_amount, taxes_of
from connectors.tax.rates import RATES, REGIONAL_RATES, TAX_ADDED, VERSION
from models.money import Money
from models.order import Charge, ChargeKind, Order, Remitter

SOURCE = "rate_table"
UNTAXED = frozenset({ChargeKind.TIP, ChargeKind.DUTY, ChargeKind.ROUNDING})


class RateTable:
    """`quote` is pure: no call, nothing recorded, so there is no document to commit or void."""

    version = VERSION
    """Of the rates; an estimate can be told again with the same version."""

    def quote(self, order: Order) -> TaxQuote:
        rate = rate_for(order)
        if rate is None:
            return TaxQuote(seller_tax=order.totals.seller_tax, source=SOURCE)
        taxes = (_tax(order, part, rate) for part in _taxed_by_seller(order))
        return TaxQuote(seller_tax=Money.total(taxes, order.currency), source=SOURCE)


def rate_for(order: Order) -> Decimal | None:
    """Standard rate at the destination as a fraction; `None` when it is not known."""
    address = order.ship_to or order.bill_to
    if address is None:
        return None
    country, region = address.country.upper(), address.region.upper()
    return REGIONAL_RATES.get((country, region.removeprefix(f"{country}-")), RATES.get(country))


def _taxed_by_seller(order: Order) -> Iterator[Part]:
    for part in parts(order):
        if isinstance(part, Charge) and part.kind in UNTAXED:
            continue
        taxes = taxes_of(order, part)
        if not taxes or any(tax.remitter is Remitter.SELLER for tax in taxes):
            yield part


def _tax(order: Order, part: Part, rate: Decimal) -> Money:
    price = taxable_amount(order, part).amount
    tax = price * rate / (1 + rate) if _included(order, part) else price * rate
    return Money.rounded(tax, order.currency)


def _included(order: Order, part: Part) -> bool:
    """As the part's taxes say, else as the order's do, else as prices are shown in that country."""
    taxes = taxes_of(order, part)
    if taxes:
        return any(tax.included for tax in taxes)
    address = order.ship_to or order.bill_to
    return address is not None and address.country.upper() not in TAX_ADDED
