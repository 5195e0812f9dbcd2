"""What an order line states about money: goods, shipping, fees, discounts and the taxes on them.

In the US every charge carries its tax beside it, and Walmart remits it as marketplace facilitator. In Canada the seller
remits. In Mexico the item states a unit price that contains IVA, and its charges state that tax.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.walmart.node import Node
from models.money import Money
from models.order import Charge, ChargeKind, Discount, Remitter, Tax

REGIONS = {"USD": "US", "CAD": "CA", "MXN": "MX", "CLP": "CL"}
"""Currency -> market; each of Walmart's markets has one currency."""
TAX_INCLUDED = frozenset({"MXN", "CLP"})
"""Markets whose prices contain the tax."""
REMITTED_BY_WALMART = frozenset({"USD"})
"""Walmart is marketplace facilitator in every US state that has a sales tax."""

PRODUCT, SHIPPING, DISCOUNT = "PRODUCT", "SHIPPING", "DISCOUNT"
KINDS = {
    PRODUCT: ChargeKind.OTHER,
    SHIPPING: ChargeKind.SHIPPING,
    "FEE": ChargeKind.OTHER,
    DISCOUNT: ChargeKind.OTHER,
    "GIFT_WRAP": ChargeKind.GIFT_WRAP,
}
"""Charge types that are known; any other counts as `other` under its own name, and as drift."""


@dataclass(frozen=True)
class Stated:
    """One charge as it is stated. A discount's amount is positive here."""

    kind: str
    name: str
    amount: Money
    taxes: tuple[Money, ...]
    lowers: bool
    """True for a discount, whichever sign it was written with."""

    @property
    def on_shipping(self) -> bool:
        return self.kind == SHIPPING or self.name.upper().startswith("SHIP")

    def times(self, units: int) -> Stated:
        return replace(self, amount=self.amount * units, taxes=tuple(tax * units for tax in self.taxes))


@dataclass(frozen=True)
class Sheet:
    """All charges of a line."""

    currency: str
    stated: tuple[Stated, ...] = ()
    unit_price: Money | None = None
    """Mexico: the price of one unit; its PRODUCT charge then states the tax alone."""
    priced: bool = False
    """True when the price of the goods is stated."""

    def goods(self, quantity: int) -> Money:
        if self.unit_price is not None:
            return self.unit_price * quantity
        goods = (each.amount for each in self.stated if each.kind == PRODUCT and not each.lowers)
        return Money.total(goods, self.currency)

    def times(self, units: int) -> Sheet:
        """The same charges, had they been stated for one unit."""
        return replace(self, stated=tuple(each.times(units) for each in self.stated))

    def discounts(self, *, on_shipping: bool) -> tuple[Discount, ...]:
        return tuple(
            Discount(amount=each.amount, code=each.name or None)
            for each in self.stated
            if each.lowers and each.amount and each.on_shipping is on_shipping
        )

    def goods_taxes(self) -> list[Money]:
        """Taxes on the goods and on what is taken off their price."""
        ours = (s for s in self.stated if not s.on_shipping and (s.kind == PRODUCT or s.lowers))
        return [tax for each in ours for tax in each.taxes]

    def extra(self) -> list[Stated]:
        """Shipping, fees and whatever else is charged beside the goods."""
        return [each for each in self.stated if not each.lowers and each.kind != PRODUCT]

    def shipping_discount_taxes(self) -> list[Money]:
        return [tax for each in self.stated if each.lowers and each.on_shipping for tax in each.taxes]


def currency_of(lines: list[Node]) -> str:
    """The currency of the first amount that is stated. Raises `SchemaDrift` when none is."""
    for line in lines:
        amounts = [line["item"]["unitPrice"], *(charge["chargeAmount"] for charge in line["charges"].within("charge"))]
        taxes = [tax["taxAmount"] for charge in line["charges"].within("charge") for tax in charge["tax"].each()]
        for amount in (*amounts, *taxes):
            if code := amount["currency"]:
                try:
                    return Money.zero(code.text()).currency
                except ValueError:
                    raise code.drift("wrong_value", "A currency is a code of ISO 4217, like USD.") from None
    remedy = "No line states a price: read the order again with GET /v3/orders/{purchaseOrderId}."
    raise lines[0]["charges"].drift("missing", remedy)


def read_sheet(line: Node, currency: str) -> Sheet:
    """Raises `SchemaDrift` for an amount that is not exact money in the order's currency."""
    price = line["item"]["unitPrice"]
    found = tuple(_stated(charge, currency) for charge in line["charges"].within("charge"))
    unit_price = price.money(currency) if price else None
    if unit_price is not None:
        # The PRODUCT charge repeats the price where it states one at all.
        none = Money.zero(currency)
        found = tuple(replace(s, amount=none) if s.kind == PRODUCT and not s.lowers else s for s in found)
    prices = [charge for charge in line["charges"].within("charge") if charge["chargeAmount"]]
    named = any(charge["chargeType"].text().upper() == PRODUCT for charge in prices)
    return Sheet(currency, found, unit_price, priced=unit_price is not None or named)


def _stated(charge: Node, currency: str) -> Stated:
    kind, name = charge["chargeType"].identifier().upper(), charge["chargeName"].text()
    none = Money.zero(currency)
    amount = charge["chargeAmount"].money(currency) if charge["chargeAmount"] else none
    taxes = tuple(tax["taxAmount"].money(currency) for tax in charge["tax"].each() if tax["taxAmount"])
    lowers = kind == DISCOUNT or "discount" in name.lower() or amount.amount < 0
    return Stated(kind, name, -amount if lowers and amount.amount < 0 else amount, taxes, lowers)


def tax_lines(amounts: list[Money], currency: str, *, included: bool) -> tuple[Tax, ...]:
    remitter = Remitter.CHANNEL if currency in REMITTED_BY_WALMART else Remitter.SELLER
    return tuple(Tax(amount=amount, remitter=remitter, included=included) for amount in amounts if amount)


def charge_lines(sheet: Sheet, line_id: str, *, with_taxes: bool, included: bool) -> list[Charge]:
    """The charges beside the goods; what is taken off shipping belongs to the first shipping charge."""
    off, off_taxes = sheet.discounts(on_shipping=True), sheet.shipping_discount_taxes()
    charges = []
    for each in _with_shipping(sheet.extra(), sheet.currency, needed=bool(off or any(off_taxes))):
        taxes = list(each.taxes)
        mine: tuple[Discount, ...] = ()
        if each.kind == SHIPPING:
            mine, off, taxes, off_taxes = off, (), [*taxes, *off_taxes], []
        told = tax_lines(taxes, sheet.currency, included=included) if with_taxes else ()
        if each.amount or mine or told:
            kind = KINDS.get(each.kind, ChargeKind.OTHER)
            label = each.name or each.kind
            charges.append(
                Charge(kind=kind, amount=each.amount, line_id=line_id, label=label, discounts=mine, taxes=told)
            )
    return charges


def _with_shipping(extra: list[Stated], currency: str, *, needed: bool) -> list[Stated]:
    """With a shipping charge of nothing, where shipping is lowered and none is charged."""
    if not needed or any(each.kind == SHIPPING for each in extra):
        return extra
    return [*extra, Stated(SHIPPING, "Shipping", Money.zero(currency), (), lowers=False)]
