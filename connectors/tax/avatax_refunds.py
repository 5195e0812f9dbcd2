"""The tax of a refund as an AvaTax transaction of its own: a committed `ReturnInvoice` with negative amounts.

`RefundTransaction` gives back whole lines or a percentage of them; a refund of ours is any amount of a line. So the
return is created (`CreateTransaction`, type `ReturnInvoice`), with the tax that the sale had: a `TaxOverrideModel` of
type `TaxAmount`, as Avalara's developer guide describes for tax that was calculated before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.contract import correlation_of
from connectors.tax.avatax_documents import CODE_LENGTH, FREIGHT_CODE, GOODS_CODE, addresses, code_of
from models.money import Money
from models.order import Address
from models.refunds import TaxRefund
from models.worth import Worth

Document = dict[str, Any]
REASON = "tax of the original sale"


def return_invoice(refund: TaxRefund, company_code: str, ship_from: Address | None) -> Document:
    """Raises `Declined` when no address says where the sale was taxed."""
    order = refund.order
    return {
        "type": "ReturnInvoice",
        "code": code_of(refund.refund_id),
        "companyCode": company_code,
        "date": refund.at.date().isoformat(),
        "customerCode": f"{order.key.channel}/{order.key.account}"[:CODE_LENGTH],
        "currencyCode": order.currency,
        "commit": True,
        "referenceCode": correlation_of(order)[:CODE_LENGTH],
        "purchaseOrderNo": code_of(str(order.key)),
        "addresses": addresses(order, ship_from),
        "lines": [{"number": str(number), **line} for number, line in enumerate(_lines(refund), start=1)],
    }


def _lines(refund: TaxRefund) -> Iterator[Document]:
    taxed_on = refund.order.purchased_at.date().isoformat()
    skus = {line.line_id: line.sku for line in refund.order.lines}
    for line in refund.lines:
        if line.goods.total:
            item = {"taxCode": GOODS_CODE, "itemCode": skus[line.line_id][:CODE_LENGTH], "quantity": line.units or 1}
            yield {**item, **_amounts(line.goods, taxed_on), "ref1": line.line_id[:CODE_LENGTH]}
        if line.beside.total:
            yield {
                "taxCode": FREIGHT_CODE,
                "quantity": 1,
                **_amounts(line.beside, taxed_on),
                "ref1": line.line_id[:CODE_LENGTH],
            }


def _amounts(worth: Worth, taxed_on: str) -> Document:
    included = bool(worth.included_seller)
    by_channel = bool(worth.channel_tax) and not worth.seller_tax
    return {
        "amount": _negative(worth.net + worth.included_seller),
        "taxIncluded": included,
        "marketplaceLiabilityType": "Marketplace" if by_channel else "Seller",
        "taxOverride": {
            "type": "TaxAmount",
            "taxAmount": _negative(worth.seller_tax),
            "taxDate": taxed_on,
            "reason": REASON,
        },
    }


def _negative(amount: Money) -> str:
    return str((-amount).amount)
