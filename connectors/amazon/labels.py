"""What the labels of settlement lines mean. Amazon publishes no list of them, so the rules are ordered patterns."""

from __future__ import annotations

import re

from models.settlement import LineType

_REFUND = r"(.*refund.*|.*chargeback.*|a-to-z.*)"
_FEES = r"(itemfees|shipment-?fees|orderfees|fbafees|amazonfees)"
_WITHHELD = r"(marketplacefacilitator(tax|vat)|lowvaluegoodstax).*"
_TAX = r"(.*tax.*|.*vat.*)"
_OTHER_FEES = (
    r"(.*fees?|.*fee special|storagerenewalbilling|shipping label purchase.*|shippinghb|shippingservices"
    r"|disposalcomplete|removalcomplete|inbound transportation.*)"
)
_MAKING_GOOD = (
    r"(warehouse_|missing_|multichannel_order_|removal_order_|reversal_|compensated_|free_replacement_refund"
    r"|cs_error|incorrect_fees|fba inventory reimbursement|balance ?adjustment|nonsubscriptionfeeadj"
    r"|shippingservicesrefund|refund reimbursal|goodwill|.*reimbursement|adjustment).*"
)
_MOVEMENTS = r"(payable to amazon|successful charge|failed disbursement|micro deposit|transfer|debt recovery).*"

# Transaction type, amount type, amount description: each a pattern for the whole text in lower case. The first row that
# fits counts. A refund's tax and withheld tax are part of the refund: what was received for the sale stays as it was.
_RULES: tuple[tuple[str, str, str, LineType], ...] = (
    (_REFUND, _FEES, r"commission", LineType.COMMISSION),
    (_REFUND, _FEES, _WITHHELD, LineType.REFUND),
    (_REFUND, _FEES, r".*", LineType.FEE),
    (_REFUND, r".*", r".*", LineType.REFUND),
    (r".*", r"itemwithheldtax", r".*", LineType.TAX_WITHHELD),
    (r".*", r".*", _WITHHELD, LineType.TAX_WITHHELD),
    (r"order", r"promotion.*", r".*", LineType.PROMOTION),
    (r"order", r"itemprice", r"principal", LineType.GOODS),
    (r"order(_?retrocharge)?", r"itemprice", _TAX, LineType.TAX),
    (r"order", r"itemprice", r"shipping", LineType.SHIPPING),
    (r"order", r"itemprice", r"gift ?wrap", LineType.GIFT_WRAP),
    (r".*", r"itemfees", r"commission", LineType.COMMISSION),
    (r".*", _FEES, r".*", LineType.FEE),
    (r".*", r".*", r"(previous|current) reserve amount.*", LineType.RESERVE),
    (r".*", r".*", _MOVEMENTS, LineType.TRANSFER),
    (_MOVEMENTS, r".*", r".*", LineType.TRANSFER),
    (r".*", r".*", _MAKING_GOOD, LineType.ADJUSTMENT),
    (_MAKING_GOOD, r".*", r".*", LineType.ADJUSTMENT),
    (r"(servicefee|.*fees?|.*fee.*/deals|.*deals)", r".*", r".*", LineType.FEE),
    (r".*", r"other-transaction", _OTHER_FEES, LineType.FEE),
    (r"(.*adjustments?|commingling vat)", r".*", r".*", LineType.ADJUSTMENT),
)
_COMPILED = tuple(
    ((re.compile(transaction), re.compile(kind), re.compile(description)), found)
    for transaction, kind, description, found in _RULES
)


def line_type(transaction: str, kind: str, description: str) -> LineType:
    """The meaning of a line's three labels; `UNKNOWN` where no rule knows them: never a guess."""
    words = (transaction.strip().lower(), kind.strip().lower(), description.strip().lower())
    for patterns, found in _COMPILED:
        if all(pattern.fullmatch(word) for pattern, word in zip(patterns, words, strict=True)):
            return found
    return LineType.UNKNOWN
