"""Money that Shopify has paid back, from either spelling. A refund without money only takes units off an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connectors.errors import SchemaDrift
from connectors.shopify.amounts import money, optional_money
from connectors.shopify.node import Node
from connectors.shopify.quantities import moment_or_none
from models.money import Money
from models.order import OrderRefund


def refunds_of(order: Node, currency: str) -> tuple[OrderRefund, ...]:
    return tuple(_refunds(order, currency))


def _refunds(order: Node, currency: str) -> Iterator[OrderRefund]:
    included = order.at("taxes_included").flag()
    for number, refund in enumerate(order.at("refunds").objects(), start=1):
        amount = _amount(refund, currency, included=included)
        if amount.amount > 0:
            found = refund.at("id", "legacy_resource_id", "admin_graphql_api_id")
            yield OrderRefund(
                refund_id=str(number) if found.absent else found.identity(),
                amount=amount,
                at=moment_or_none(refund.at("created_at", "processed_at")),
                reason=refund.at("note").text(),
                quantities=dict(_quantities(refund)),
            )


def _amount(refund: Node, currency: str, *, included: bool) -> Money:
    """GraphQL states it. A webhook has the transactions, in the buyer's currency; where that is not the shop's, the
    parts of the refund say the same in the shop's."""
    stated = optional_money(refund, "total_refunded", currency=currency)
    if stated is not None:
        return stated
    paid = [each for each in refund.at("transactions").objects() if _is_paid(each)]
    if not paid:
        return Money.zero(currency)
    if all(_currency(each, currency) == currency for each in paid):
        return Money.total((_positive(each, currency) for each in paid), currency)
    return Money.total(_parts(refund, currency, included=included), currency)


def _is_paid(transaction: Node) -> bool:
    kind, status = transaction.at("kind").text().lower(), transaction.at("status").text().lower()
    return kind == "refund" and status == "success"


def _currency(transaction: Node, otherwise: str) -> str:
    return transaction.at("currency").text().upper() or otherwise


def _positive(transaction: Node, currency: str) -> Money:
    amount = money(transaction.at("amount").needed("What was paid back?"), currency)
    return amount if amount.amount >= 0 else -amount


def _parts(refund: Node, currency: str, *, included: bool) -> Iterator[Money]:
    """Lines, shipping and adjustments. An adjustment is what the refund is less than its parts; shipping that is told
    as an adjustment is not told again."""
    adjustments = list(refund.at("order_adjustments").objects())
    for row in refund.at("refund_line_items").objects():
        yield from _stated(row, currency, "subtotal", *(() if included else ("total_tax",)))
    if not any(row.at("kind").text() == "shipping_refund" for row in adjustments):
        for row in refund.at("refund_shipping_lines").objects():
            yield from _stated(row, currency, "subtotal_amount")
    for row in adjustments:
        yield from (-amount for amount in _stated(row, currency, "amount", *(() if included else ("tax_amount",))))


def _stated(row: Node, currency: str, *names: str) -> Iterator[Money]:
    for name in names:
        if (amount := optional_money(row, name, currency=currency)) is not None:
            yield amount


def _quantities(refund: Node) -> Counter[str]:
    units: Counter[str] = Counter()
    for row in refund.at("refund_line_items").objects():
        line = row.at("line_item_id") if row.at("line_item").absent else row.at("line_item").at("id")
        try:
            units[line.identity()] += row.at("quantity").count()
        except SchemaDrift:
            # Units that no line claims are good to know, and not needed.
            continue
    return +units
