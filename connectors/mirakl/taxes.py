"""Taxes of an order line: how much, at which rate, and who pays them to the authority."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from connectors.mirakl.node import Node
from models.money import Money
from models.order import Remitter, Tax

_HUNDRED = Decimal(100)


def taxes_of(line: Node, holder: Node, name: str, currency: str, *, included: bool) -> tuple[Tax, ...]:
    """The `taxes` or `shipping_taxes` that the line or a refund of it holds; two where remitters share a tax."""
    return tuple(
        Tax(
            amount=amount,
            remitter=remitter,
            jurisdiction=tax["code"].text() or None,
            rate=_rate(tax["rate"]),
            included=included,
        )
        for tax in holder[name].each()
        for amount, remitter in _shares(line, name, tax, currency)
        if amount
    )


def _shares(line: Node, name: str, tax: Node, currency: str) -> Iterator[tuple[Money, Remitter]]:
    amount = tax["amount"].money(currency)
    parts = [(part["amount"].money(currency), part["payable_to_shop"].flag()) for part in _parts(tax)]
    if Money.total((share for share, _ in parts), currency) != amount:
        yield amount, _remitter(_payable(line, name, tax["code"].text()))
        return
    for share, payable in parts:
        yield share, _remitter(payable)


def _parts(tax: Node) -> list[Node]:
    return list(tax["amount_breakdown"]["parts"].each())


def _payable(line: Node, name: str, code: str) -> bool | None:
    """What a breakdown of the same tax says elsewhere in the line, its cancelations and refunds."""
    holders = (line, *line["cancelations"].each(), *line["refunds"].each())
    same = (tax for holder in holders for tax in holder[name].each() if tax["code"].text() == code)
    flags = {part["payable_to_shop"].flag() for tax in same for part in _parts(tax)}
    return flags.pop() if len(flags) == 1 else None


def _remitter(payable_to_shop: bool | None) -> Remitter:
    """A tax that is not payable to the shop is collected and remitted by the operator; without a word it is ours."""
    return Remitter.CHANNEL if payable_to_shop is False else Remitter.SELLER


def _rate(node: Node) -> str | None:
    """Mirakl states percent: 17.5 is 0.175."""
    return f"{(node.decimal() / _HUNDRED).normalize():f}" if node else None
