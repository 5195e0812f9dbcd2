"""Settlement reports of Amazon, made of planted orders, in the inbox of a database that knows the orders."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy import text

from connectors.providers import FORMATS
from models.settlement import LineType
from store import documents, inbox, orders
from store.database import Database
from store.inbox import NewEvent
from tests.settlement.faults import Sold

COLUMNS = ("settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
           "transaction-type", "order-id", "amount-type", "amount-description", "amount", "posted-date-time",
           "order-item-code", "sku", "quantity-purchased")  # fmt: skip
LABELS = {
    LineType.GOODS: ("Order", "ItemPrice", "Principal"),
    LineType.SHIPPING: ("Order", "ItemPrice", "Shipping"),
    LineType.TAX: ("Order", "ItemPrice", "Tax"),
    LineType.TAX_WITHHELD: ("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"),
    LineType.PROMOTION: ("Order", "Promotion", "Principal"),
    LineType.COMMISSION: ("Order", "ItemFees", "Commission"),
    LineType.FEE: ("Order", "ItemFees", "FBAPerUnitFulfillmentFee"),
    LineType.REFUND: ("Refund", "ItemPrice", "Principal"),
    LineType.RESERVE: ("other-transaction", "other-transaction", "Current Reserve Amount"),
    LineType.ADJUSTMENT: ("other-transaction", "other-transaction", "Balance Adjustment"),
    LineType.UNKNOWN: ("Order", "MoonPhase", "Levy"),
}
ENDS = "2026-09-08 23:59:59 UTC"


def report(made: Iterable[Sold], settlement_id: str = "281", more: Sequence[Sequence[str]] = ()) -> bytes:
    """`more`: order, transaction type, amount type, description, amount."""
    rows: list[str] = []
    total = Decimal(0)
    for paid in made:
        for line in paid.lines:
            total += line.amount.amount
            cells = [
                settlement_id,
                "",
                "",
                "",
                "",
                "",
                LABELS[line.type][0],
                line.order_id or "",
                *LABELS[line.type][1:],
            ]
            posted = f"{line.posted_at:%Y-%m-%d %H:%M:%S} UTC" if line.posted_at else ""
            cells += [str(line.amount.amount), posted, line.line_id or "", line.sku or "", str(line.quantity or "")]
            rows.append("\t".join(cells))
    for order, transaction, kind, description, amount in more:
        total += Decimal(amount)
        rows.append("\t".join([settlement_id, *[""] * 5, transaction, order, kind, description, amount, *[""] * 4]))
    head = "\t".join([settlement_id, "2026-08-25 00:00:00 UTC", ENDS, "2026-09-10 00:00:00 UTC", str(total), "EUR"])
    return "\n".join(["\t".join(COLUMNS), head, *rows]).encode()


async def registered(database: Database, made: Iterable[Sold]) -> None:
    async with database.session() as session:
        for paid in made:
            await orders.register(session, paid.order, FORMATS["amazon"].mapping_version)


async def arrived(database: Database, body: bytes, delivery_id: str = "settlement:281") -> int:
    event = NewEvent(
        channel="amazon", account="EU", source="poll", topic="settlement", delivery_id=delivery_id, body=body
    )
    async with database.session() as session:
        event_id = await inbox.keep(session, event)
    assert event_id is not None
    return event_id


async def kept_document(database: Database) -> tuple[int, bytes]:
    """The one event of the inbox, and its document."""
    document = io.BytesIO()
    async with database.session() as session:
        event_id: int = (await session.execute(text("SELECT id FROM inbox_event"))).scalar_one()
        await documents.copy_payload(session, event_id, document)
    return event_id, document.getvalue()
