"""The labels of a reconciliation report's rows to what they mean."""

from __future__ import annotations

import re

from models.settlement import LineType

# Transaction Type, Amount Type: each a pattern for the whole text in lower case. The first row that fits counts. A
# refund's tax and withheld tax are part of the refund, and net to nothing there: what the sale brought stays as it was.
_RULES: tuple[tuple[str, str, LineType], ...] = (
    (r"refund(ed)?", r".*commission.*", LineType.COMMISSION),
    (r"refund(ed)?", r".*fees?(/reimbursement)?", LineType.FEE),
    (r"refund(ed)?", r".+", LineType.REFUND),
    (r"sale", r".*tax withheld", LineType.TAX_WITHHELD),
    (r"sale", r".*tax(es)?( collected)?", LineType.TAX),
    (r"sale", r".*commission.*", LineType.COMMISSION),
    (r"sale", r"(item|product) price", LineType.GOODS),
    (r"sale", r"(product |item )?shipping( price)?", LineType.SHIPPING),
    (r"sale", r"gift ?wrap( price)?", LineType.GIFT_WRAP),
    (r"sale", r".*(discount|promotion|incentive).*", LineType.PROMOTION),
    (r"sale", r".*fees?(/reimbursement)?", LineType.FEE),
    (r"(service fee|.*fees?)", r".*", LineType.FEE),
    (r"(adjustment|dispute settlement|.*reimbursement)s?", r".*", LineType.ADJUSTMENT),
    (r".*reserve.*", r".*", LineType.RESERVE),
    (r"(deposit|transfer|.*balance.*|payment).*", r".*", LineType.TRANSFER),
)
_COMPILED = tuple((re.compile(transaction), re.compile(amount), found) for transaction, amount, found in _RULES)


def line_type(transaction: str, amount: str) -> LineType:
    """`UNKNOWN` where no rule knows the labels: never a guess."""
    words = (transaction.strip().lower(), amount.strip().lower())
    for of_transaction, of_amount, found in _COMPILED:
        if of_transaction.fullmatch(words[0]) and of_amount.fullmatch(words[1]):
            return found
    return LineType.UNKNOWN
