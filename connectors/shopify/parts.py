"""Lines and charges of an order, each with its own discounts and taxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.shopify.amounts import money, money_at, money_or_zero, optional_money
from connectors.shopify.node import Node
from connectors.shopify.quantities import Quantities
from models.money import Money
from models.order import Charge, ChargeKind, Discount, OrderLine, Remitter, Tax


@dataclass(frozen=True)
class Parts:
    """What the buyer pays for."""

    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...]
    currency: str

    @property
    def sum(self) -> Money:
        """Prices − discounts + taxes that are not in the prices."""
        prices = [*(line.goods for line in self.lines), *(charge.amount for charge in self.charges)]
        taxes = self._total(tax.amount for part in self._all for tax in part.taxes if not tax.included)
        return self._total(prices) - self.discounts + taxes

    def taxes(self, remitter: Remitter) -> Money:
        return self._total(tax.amount for part in self._all for tax in part.taxes if tax.remitter is remitter)

    @property
    def discounts(self) -> Money:
        return self._total(discount.amount for part in self._all for discount in part.discounts)

    @property
    def _all(self) -> tuple[OrderLine | Charge, ...]:
        return (*self.lines, *self.charges)

    def _total(self, amounts: Iterable[Money]) -> Money:
        return Money.total(amounts, self.currency)


def sold_lines(order: Node) -> Iterator[Node]:
    """Lines with a quantity; one that was removed before payment stays in the document with quantity 0."""
    for line in order.at("line_items").objects():
        if line.at("quantity").needed("How many units were ordered?").count():
            yield line


def is_tip(line: Node) -> bool:
    """Shopify lists a tip both as a line and in the order's tip total. A tip has no product and is not shipped."""
    if not line.at("tip").absent:
        return True
    product = line.at("product_id", "product", "variant_id", "variant")
    return line.at("title").text() == "Tip" and product.absent and line.at("requires_shipping").value is False


class PartsReader:
    """Reads the parts of one order as they are stated, before anything is spread or reconciled."""

    def __init__(self, order: Node, currency: str) -> None:
        self._order = order
        self._currency = currency
        self._included = order.at("taxes_included").flag()
        self._quantities = Quantities(order)
        self._applications = list(order.at("discount_applications").items()) if not order.camel else []

    def read(self) -> Parts:
        lines = tuple(self._line(line) for line in sold_lines(self._order) if not is_tip(line))
        charges = (*self._shipping(), *self._tips(), *self._duties(), *self._fees())
        return Parts(lines, charges, self._currency)

    def _line(self, line: Node) -> OrderLine:
        line_id = line.at("id", "admin_graphql_api_id").needed("Shipments are reported by line id.").identity()
        quantity = line.at("quantity").count()
        unit_price = money_at(line, "original_unit_price", "price", currency=self._currency)
        shipping = line.at("requires_shipping")
        return OrderLine(
            line_id=line_id,
            sku=sku_of(line),
            title=line.at("name", "title").text(),
            quantity=quantity,
            unit_price=unit_price,
            goods=unit_price * quantity,
            discounts=self._discounts(line),
            taxes=self.taxes(line),
            cancelled=self._quantities.cancelled(line, line_id, quantity),
            shipped=self._quantities.shipped(line, line_id, quantity),
            needs_shipping=shipping.absent or shipping.flag(),
        )

    def _discounts(self, node: Node) -> tuple[Discount, ...]:
        rows = node.at("discount_allocations").objects()
        found = [(self._amount(row, "allocated_amount", "amount"), self._code(row)) for row in rows]
        return tuple(Discount(amount=amount, code=code) for amount, code in found if amount)

    def _code(self, allocation: Node) -> str | None:
        application = allocation.at("discount_application")
        index = allocation.at("discount_application_index").value
        if isinstance(index, int) and 0 <= index < len(self._applications):
            application = self._applications[index]
        return application.at("code", "title", "description").text() or None

    def taxes(self, node: Node) -> tuple[Tax, ...]:
        """Tax lines of a part or of the order; a tax of nothing says nothing."""
        rows = node.at("tax_lines").objects()
        found = [(self._amount(row, "price"), row) for row in rows if not row.at("price_set", "price").absent]
        return tuple(self._tax(amount, row) for amount, row in found if amount)

    def _tax(self, amount: Money, row: Node) -> Tax:
        return Tax(
            amount=amount,
            remitter=Remitter.CHANNEL if row.at("channel_liable").flag() else Remitter.SELLER,
            jurisdiction=row.at("title").text() or None,
            rate=row.at("rate").text() or None,
            included=self._included,
        )

    def _shipping(self) -> Iterator[Charge]:
        for row in self._order.at("shipping_lines").objects():
            if row.at("is_removed").flag():
                continue
            price = money_at(row, "original_price", "price", currency=self._currency)
            discounts = self._discounts(row) or self._price_cut(row, price)
            charge = Charge(
                kind=ChargeKind.SHIPPING,
                amount=price,
                label=row.at("title", "code").text(),
                discounts=discounts,
                taxes=self.taxes(row),
            )
            if price or charge.taxes:
                yield charge

    def _price_cut(self, row: Node, price: Money) -> tuple[Discount, ...]:
        """The discount of a shipping line that states a lower price instead of allocations."""
        lower = optional_money(row, "discounted_price", currency=self._currency)
        if lower is None or lower.amount >= price.amount:
            return ()
        return (Discount(amount=price - lower),)

    def _tips(self) -> Iterator[Charge]:
        tips = [line for line in sold_lines(self._order) if is_tip(line)]
        for line in tips:
            price = money_at(line, "original_unit_price", "price", currency=self._currency)
            yield Charge(
                kind=ChargeKind.TIP,
                amount=price * line.at("quantity").count(),
                label=line.at("title").text(),
                discounts=self._discounts(line),
                taxes=self.taxes(line),
            )
        if not tips and (amount := self._amount(self._order, "total_tip_received")):
            yield Charge(kind=ChargeKind.TIP, amount=amount, label="tip")

    def _duties(self) -> Iterator[Charge]:
        if self._order.at("duties_included").flag():
            return
        rows = [(line.at("id").identity(), duty) for line in self._goods() for duty in line.at("duties").objects()]
        for line_id, duty in rows:
            shop = duty.at("shop_money").at("amount")
            amount = self._amount(duty, "price") if shop.absent else money(shop, self._currency)
            yield self._charge(ChargeKind.DUTY, amount, "duty", duty, line_id)
        if not rows and (amount := self._amount(self._order, "original_total_duties")):
            yield Charge(kind=ChargeKind.DUTY, amount=amount, label="duties")

    def _goods(self) -> Iterator[Node]:
        return (line for line in sold_lines(self._order) if not is_tip(line))

    def _fees(self) -> Iterator[Charge]:
        rows = list(self._order.at("additional_fees").objects())
        for row in rows:
            yield self._charge(ChargeKind.OTHER, self._amount(row, "price"), row.at("name").text(), row)
        if not rows and (amount := self._amount(self._order, "original_total_additional_fees")):
            yield Charge(kind=ChargeKind.OTHER, amount=amount, label="additional fees")

    def _charge(self, kind: ChargeKind, amount: Money, label: str, row: Node, line_id: str | None = None) -> Charge:
        return Charge(kind=kind, amount=amount, line_id=line_id, label=label, taxes=self.taxes(row))

    def _amount(self, node: Node, *names: str) -> Money:
        return money_or_zero(node, *names, currency=self._currency)


def sku_of(line: Node) -> str:
    """The SKU; where the merchant gave none, what identifies the goods best."""
    if sku := line.at("sku").text():
        return sku
    for name in ("variant", "product"):
        flat = line.at(f"{name}_id")
        found = (line.at(name).at("legacy_resource_id", "id") if flat.absent else flat).text().rsplit("/", 1)[-1]
        if found:
            return f"{name}:{found}"
    title = line.at("title", "name").text()
    if not title:
        raise line.at("sku").drift("missing", "Without SKU, variant, product and title nobody knows what was sold.")
    return f"title:{title}"
