"""One order line: what was ordered, what of it is cancelled or has left, and what it costs now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from connectors.errors import SchemaDrift
from connectors.mirakl.node import Node
from connectors.mirakl.taxes import taxes_of
from connectors.mirakl.vocabulary import CANCELED, LINE_STATES, REFUSED
from models.money import Money
from models.order import ChannelState, Charge, ChargeKind, Discount, OrderLine, OrderRefund, Tax

_PAID_BACK = frozenset({"REFUNDED", "WAITING_REFUND", "WAITING_REFUND_PAYMENT", "CLOSED"})
"""Words of a line that never left when it has no shipping date and all its money went back."""


@dataclass(frozen=True)
class Units:
    ordered: int
    cancelled: int
    shipped: int


@dataclass(frozen=True)
class Line:
    """Facts of a line; `order_word` is the order's state, for a line that states none."""

    node: Node
    currency: str
    order_word: str
    included: bool
    """Prices contain the taxes."""
    paid_back: bool
    """The order is refunded in full."""

    @property
    def line_id(self) -> str:
        return self.node["order_line_id"].identifier()

    @cached_property
    def word(self) -> str:
        """Raises `SchemaDrift` for a state nobody can act on: guessing could ship what must not be shipped."""
        stated = self.node["order_line_state"]
        word = stated.text() or self.order_word
        if word not in LINE_STATES:
            raise stated.drift("unknown_status", f"Known are {', '.join(LINE_STATES)}; map it, then replay the order.")
        return word

    @property
    def dead(self) -> bool:
        """Refused or cancelled as a whole."""
        return self.word in (REFUSED, CANCELED)

    @cached_property
    def price(self) -> Money:
        return self.node["price"].money(self.currency)

    @cached_property
    def shipping(self) -> Money:
        return self.node["shipping_price"].money_or_none(self.currency)

    @cached_property
    def fees(self) -> tuple[tuple[str, Money], ...]:
        """Code and amount of what the buyer pays beside price and shipping (a deposit, a card fee)."""
        return tuple((fee["code"].text(), fee["amount"].money(self.currency)) for fee in self.node["fees"].each())

    @cached_property
    def reduced(self) -> bool:
        """True when the price is what refunds left of it: price and refunds together are quantity times unit price."""
        refunded = self._refunded("amount")
        return bool(refunded) and self._full_price() == self.price + refunded + self._deduced()

    def given_back(self, name: str) -> Money:
        """What refunds took out of the stated `amount` or `shipping_amount`.

        The canonical order keeps it: refunds are told beside the total on every channel.
        """
        return self._refunded(name) if self.reduced else Money.zero(self.currency)

    def _refunded(self, name: str) -> Money:
        amounts = (refund[name].money_or_none(self.currency) for refund in self.node["refunds"].each())
        return Money.total(amounts, self.currency)

    def _deduced(self) -> Money:
        amounts = (each["deduced_amount"].money_or_none(self.currency) for each in self.node["promotions"].each())
        return Money.total(amounts, self.currency)

    def _full_price(self) -> Money | None:
        unit = self._unit_price()
        return unit * self.node["quantity"].quantity() if unit else None

    @property
    def fee_total(self) -> Money:
        return Money.total((amount for _, amount in self.fees), self.currency)

    @cached_property
    def taxes(self) -> tuple[Tax, ...]:
        return self._taxes("taxes")

    @cached_property
    def shipping_taxes(self) -> tuple[Tax, ...]:
        return self._taxes("shipping_taxes")

    def _taxes(self, name: str) -> tuple[Tax, ...]:
        stated = taxes_of(self.node, self.node, name, self.currency, included=self.included)
        refunds = self.node["refunds"].each() if self.reduced else ()
        back = (taxes_of(self.node, refund, name, self.currency, included=self.included) for refund in refunds)
        return (*stated, *(tax for taxes in back for tax in taxes))

    @property
    def tax_total(self) -> Money:
        return Money.total((tax.amount for tax in (*self.taxes, *self.shipping_taxes)), self.currency)

    @cached_property
    def units(self) -> Units:
        ordered = max(1, self._ordered())
        cancelled = ordered if self.dead or self._never_left() else min(ordered, self._cancelled_units())
        return Units(ordered, cancelled, ordered - cancelled if self._left() else 0)

    def _cancelled_units(self) -> int:
        return sum(each["quantity"].quantity_or_none() for each in self.node["cancelations"].each())

    def _ordered(self) -> int:
        """Quantity and price are what cancelations left of them (as Mirakl's own operator connector reads them).

        Where the price is that of the quantity less the cancelled units, the quantity is still the ordered one.
        """
        stated, cancelled = self.node["quantity"].quantity(), self._cancelled_units()
        unit = self._unit_price()
        if 0 < cancelled <= stated and unit and self.price and self.price == unit * (stated - cancelled):
            return stated
        return stated + cancelled

    def _left(self) -> bool:
        if LINE_STATES[self.order_word] is ChannelState.SHIPPED:
            return True
        if self.word == "INCIDENT_OPEN":
            return self._has_left_date()
        return LINE_STATES[self.word] is ChannelState.SHIPPED

    def _never_left(self) -> bool:
        refunded = self.word == "REFUNDED" or self.paid_back
        return self.word in _PAID_BACK and refunded and not self._has_left_date()

    def _has_left_date(self) -> bool:
        return bool(self.node["shipped_date"] or self.node["received_date"])

    def _unit_price(self) -> Money | None:
        unit = self.node["price_unit"]
        try:
            return unit.money(self.currency) if unit else None
        except SchemaDrift:
            return None

    def canonical(self, *, counted: bool) -> OrderLine:
        """The line; one that does not count any more keeps its units, not its prices."""
        discounts = self._discounts() if counted else ()
        parts = [self.price, self.given_back("amount"), *(each.amount for each in discounts)]
        goods = Money.total(parts, self.currency)
        return OrderLine(
            line_id=self.line_id,
            sku=self.node["offer_sku"].text() or self.node["product_shop_sku"].text() or f"line:{self.line_id}",
            title=self.node["product_title"].text(),
            quantity=self.units.ordered,
            unit_price=self._unit_price(),
            goods=goods if counted else Money.zero(self.currency),
            discounts=discounts,
            taxes=self.taxes if counted else (),
            cancelled=self.units.cancelled,
            shipped=self.units.shipped,
        )

    def _discounts(self) -> tuple[Discount, ...]:
        """Promotions, where the price is what they left of quantity times unit price."""
        if self._full_price() != self.price + self.given_back("amount") + self._deduced():
            return ()
        return tuple(
            Discount(amount=amount, code=promotion["promo_code"].text() or promotion["id"].text() or None)
            for promotion in self.node["promotions"].each()
            if (amount := promotion["deduced_amount"].money_or_none(self.currency)).amount > 0
        )

    def charges(self, *, with_fees: bool) -> list[Charge]:
        found = []
        shipping = self.shipping + self.given_back("shipping_amount")
        if shipping or self.shipping_taxes:
            found.append(
                Charge(kind=ChargeKind.SHIPPING, amount=shipping, line_id=self.line_id, taxes=self.shipping_taxes)
            )
        if with_fees:
            found += [
                Charge(kind=ChargeKind.OTHER, amount=amount, line_id=self.line_id, label=code)
                for code, amount in self.fees
                if amount
            ]
        return found

    def refunds(self) -> list[OrderRefund]:
        return [self._refund(node) for node in self.node["refunds"].each()]

    def _refund(self, node: Node) -> OrderRefund:
        """What the buyer gets back, with tax: amounts of tax are added where prices are without them."""
        names = ("fees",) if self.included else ("taxes", "shipping_taxes", "fees")
        parts = [node["amount"].money_or_none(self.currency), node["shipping_amount"].money_or_none(self.currency)]
        parts += [part["amount"].money_or_none(self.currency) for name in names for part in node[name].each()]
        units = node["quantity"].quantity_or_none()
        return OrderRefund(
            refund_id=node["id"].text() or f"{self.line_id}@{node['created_date'].text()}",
            amount=Money.total(parts, self.currency),
            at=node["created_date"].moment_if_readable(),
            reason=node["reason_code"].text(),
            quantities={self.line_id: units} if units else {},
        )
