"""Money of a Shopify document: shop money where both currencies are stated, the plain field otherwise."""

from __future__ import annotations

from connectors.shopify.node import Node
from models.money import Money


def currency_of(order: Node) -> str:
    """The shop's currency, in which the order is reconciled."""
    bag = order.at("total_price_set", "current_total_price_set").at("shop_money").at("currency_code")
    stated = order.at("currency", "currency_code")
    found = bag if stated.absent and not bag.absent else stated
    code = found.needed("The shop currency is needed, as an ISO 4217 code.").text().upper()
    try:
        Money.zero(code)
    except ValueError:
        raise found.drift("unknown_currency", "An ISO 4217 currency code is expected here.") from None
    return code


def amount_at(node: Node, *names: str) -> Node:
    """The field that states the shop-currency amount of the first name that has one; absent when none has."""
    for name in names:
        for stated in (node.at(f"{name}_set"), node.at(name)):
            if not isinstance(stated.value, dict):
                if not stated.absent:
                    return stated
                continue
            inner = stated.at("shop_money") if stated.has("shop_money") else stated
            if not inner.at("amount").absent:
                return inner.at("amount")
    return node.at(f"{names[0]}_set" if node.camel else names[-1])


def money_at(node: Node, *names: str, currency: str) -> Money:
    """The amount of the first name that is there. Raises `SchemaDrift` when none is."""
    found = amount_at(node, *names)
    _same_currency(node, names, currency)
    return money(found.needed("An amount is needed here."), currency)


def optional_money(node: Node, *names: str, currency: str) -> Money | None:
    return None if amount_at(node, *names).absent else money_at(node, *names, currency=currency)


def money_or_zero(node: Node, *names: str, currency: str) -> Money:
    return optional_money(node, *names, currency=currency) or Money.zero(currency)


def money(node: Node, currency: str) -> Money:
    try:
        return Money.of(node.amount(), currency)
    except ValueError:
        remedy = f"An amount in whole minor units of {currency} is expected here."
        raise node.drift("inexact_amount", remedy) from None


def buyer_money(node: Node, name: str, currency: str) -> Money | None:
    """The same amount in the buyer's currency, where that is another one; never a reason to refuse an order."""
    shown = node.at(f"{name}_set").at("presentment_money")
    code = shown.at("currency_code").text()
    if not code or code == currency or shown.at("amount").absent:
        return None
    try:
        return Money.of(shown.at("amount").text(), code)
    except ValueError:
        return None


def _same_currency(node: Node, names: tuple[str, ...], currency: str) -> None:
    for name in names:
        bag = node.at(f"{name}_set", name)
        code = bag.at("shop_money").at("currency_code")
        if not code.absent and code.text().upper() != currency:
            raise code.drift("currency_differs", f"The shop currency of this order is {currency}.")
