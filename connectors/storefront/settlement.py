"""Payouts of the contract as settlements, proven to add up."""

from __future__ import annotations

from pydantic import ValidationError

from connectors.errors import SchemaDrift
from connectors.storefront.contract import PayoutLine, StorefrontPayout
from connectors.storefront.order import CHANNEL, Purse
from connectors.storefront.refusals import decode, drift_of, read
from connectors.storefront.vocabulary import PAYOUT_TYPES
from models.settlement import LineType, Settlement, SettlementLine


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift`; `sum_differs` when the lines are not the payout."""
    document = decode(body)
    if not isinstance(document, dict) or not {"lines", "currency"} & document.keys():
        remedy = "A payout of Storefront is an object with `id`, `currency`, `amount` and `lines`."
        raise SchemaDrift("not_a_settlement", "$", body[:60], remedy)
    given = read(StorefrontPayout, document)
    purse = Purse(given.currency)
    try:
        settlement = Settlement(
            channel=CHANNEL,
            account=account,
            settlement_id=given.id,
            currency=given.currency,
            payout=purse.money(given.amount, "amount"),
            starts_at=given.starts_at,
            ends_at=given.ends_at,
            deposited_at=given.paid_at,
            lines=tuple(_line(i, line, purse) for i, line in enumerate(given.lines)),
        )
    except ValidationError as error:
        raise drift_of(error) from None
    if settlement.lines_total != settlement.payout:
        stated = f"payout {settlement.payout}, lines {settlement.lines_total}"
        raise SchemaDrift("sum_differs", "amount", stated, "The lines of a payout add up to it, to the cent.")
    return settlement


def _line(index: int, line: PayoutLine, purse: Purse) -> SettlementLine:
    return SettlementLine(
        number=index + 1,
        type=PAYOUT_TYPES.get(line.type, LineType.UNKNOWN),
        label=line.label or line.type,
        amount=purse.money(line.amount, f"lines[{index}].amount"),
        order_id=line.order_id,
        line_id=line.line_id,
        sku=line.sku or None,
        quantity=line.quantity,
        posted_at=line.posted_at,
    )
