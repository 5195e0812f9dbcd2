"""Tax that the channel remits, as each channel shows it: the order's total holds, and both tax accounts are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.settlement import SettlementActivities
from connectors.providers import FORMATS
from models.ledger import AccountRole
from models.money import Money
from models.order import ChannelState, Charge, ChargeKind, Order, OrderKey, OrderLine, Remitter, Tax
from models.settlement import SettlementKey
from store import inbox, orders, settlement_books
from store.database import Database
from store.inbox import NewEvent
from tests.settlement.documents import COLUMNS

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GOODS, SHIPPING, CHANNEL_TAX, SELLER_TAX = "100.00", "10.00", "19.00", "1.90"
RECEIVABLE = "111.90"


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def order(channel: str) -> Order:
    """The channel remits the goods' tax, the seller that of the shipping."""
    line = OrderLine(
        line_id="1",
        sku="TENT",
        quantity=1,
        goods=usd(GOODS),
        taxes=(Tax(amount=usd(CHANNEL_TAX), remitter=Remitter.CHANNEL),),
    )
    shipping = Charge(
        kind=ChargeKind.SHIPPING,
        amount=usd(SHIPPING),
        taxes=(Tax(amount=usd(SELLER_TAX), remitter=Remitter.SELLER),),
    )
    return Order(
        key=OrderKey(channel=channel, account="US", external_id="1001"),
        purchased_at=NOW,
        version=NOW,
        state=ChannelState.SHIPPED,
        currency="USD",
        lines=(line,),
        charges=(shipping,),
        total=usd("130.90"),
    )


def amazon() -> bytes:
    parts = [("ItemPrice", "Principal", GOODS), ("ItemPrice", "Shipping", SHIPPING), ("ItemPrice", "Tax", CHANNEL_TAX),
             ("ItemPrice", "ShippingTax", SELLER_TAX),
             ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", f"-{CHANNEL_TAX}")]  # fmt: skip
    rows = [["9", *[""] * 5, "Order", "1001", kind, what, amount, "", "1", "TENT", "1"] for kind, what, amount in parts]
    head = ["9", "", "", "2026-06-16 00:00:00 UTC", RECEIVABLE, "USD"]
    return "\n".join("\t".join(row) for row in [list(COLUMNS), head, *rows]).encode()


def walmart() -> bytes:
    def row(kind: str, amount: str) -> dict[str, str]:
        return {"Transaction Type": "Sale", "Amount Type": kind, "Amount": amount, "Purchase Order #": "1001",
                "Purchase Order line #": "1"}  # fmt: skip

    head = {"Transaction Type": "PaymentSummary", "Total Payable": RECEIVABLE, "Currency": "USD",
            "Period End Date": "6/16/2026", "Amount Type": ""}  # fmt: skip
    parts = [("Product Price", GOODS), ("Shipping", SHIPPING), ("Product tax", CHANNEL_TAX),
             ("Shipping tax", SELLER_TAX), ("Product tax withheld", f"-{CHANNEL_TAX}")]  # fmt: skip
    return json.dumps({"reportData": [head, *(row(*part) for part in parts)]}).encode()


def mirakl() -> bytes:
    def row(kind: str, amount: str) -> str:
        entities = '{"order": {"id": "1001"}, "order_line": {"id": "1"}}' if kind != "PAYMENT" else "{}"
        return (f'{{"type": "{kind}", "amount": {amount}, "currency_iso_code": "USD", "seller_billing_cycle_id": "9",'
                f' "entities": {entities}}}')  # fmt: skip

    parts = [("ORDER_AMOUNT", GOODS), ("ORDER_SHIPPING_AMOUNT", SHIPPING), ("ORDER_AMOUNT_TAX", CHANNEL_TAX),
             ("ORDER_SHIPPING_AMOUNT_TAX", SELLER_TAX), ("OPERATOR_REMITTED_ORDER_AMOUNT_TAX", f"-{CHANNEL_TAX}"),
             ("PAYMENT", f"-{RECEIVABLE}")]  # fmt: skip
    return f'{{"data": [{",".join(row(*part) for part in parts)}]}}'.encode()


def shopify() -> bytes:
    """The sales channel keeps the tax that it remits: the payment is without it."""
    moved = {"type": "charge", "currency": "USD", "amount": RECEIVABLE, "fee": "0.00", "net": RECEIVABLE,
             "source_order_id": 1001, "processed_at": "2026-06-15T00:00:00Z"}  # fmt: skip
    return json.dumps({"payout": {"id": 9, "amount": RECEIVABLE, "currency": "USD"}, "transactions": [moved]}).encode()


def storefront(*, shown: bool) -> Callable[[], bytes]:
    def document() -> bytes:
        tax = [("tax", CHANNEL_TAX), ("tax_withheld", f"-{CHANNEL_TAX}")] if shown else []
        parts = [("goods", GOODS), ("shipping", SHIPPING), ("tax", SELLER_TAX), *tax]
        lines = [{"type": kind, "amount": amount, "order_id": "1001", "line_id": "1"} for kind, amount in parts]
        return json.dumps({"id": "9", "currency": "USD", "amount": RECEIVABLE, "lines": lines}).encode()

    return document


SHOWN: dict[str, tuple[str, Callable[[], bytes], bool]] = {
    "amazon, as a pair": ("amazon", amazon, True),
    "walmart, as a pair": ("walmart", walmart, True),
    "mirakl, as a pair": ("mirakl", mirakl, True),
    "shopify, not at all": ("shopify", shopify, False),
    "storefront, as a pair": ("storefront", storefront(shown=True), True),
    "storefront, not at all": ("storefront", storefront(shown=False), False),
}


@pytest.mark.parametrize("name", SHOWN)
async def test_facilitator_tax_is_right_in_the_order_and_on_both_accounts(database: Database, name: str) -> None:
    channel, document, shown = SHOWN[name]
    sold = order(channel)
    assert sold.totals.difference == usd("0")
    assert (sold.totals.seller_tax, sold.totals.channel_tax) == (usd(SELLER_TAX), usd(CHANNEL_TAX))
    async with database.session() as session:
        await orders.register(session, sold, 1)
    key, result = await posted(database, channel, document())
    async with database.session() as session:
        journal = await settlement_books.journal(session, key)
        faults = (await session.execute(text("SELECT fault FROM settlement_line WHERE fault IS NOT NULL"))).all()
    assert (str(result.matched), str(result.residual), faults) == (f"{RECEIVABLE} USD", "0.00 USD", [])
    assert journal is not None
    on = {role: [line.amount for line in journal.lines if line.account is role] for role in AccountRole}
    tax = [usd(f"-{CHANNEL_TAX}"), usd(CHANNEL_TAX)] if shown else []
    assert on[AccountRole.TAX_CHANNEL] == tax
    assert Money.total(on[AccountRole.CLEARING], "USD") == -usd(RECEIVABLE) == -sold.receivable
    assert on[AccountRole.BANK] == [usd(RECEIVABLE)]


async def posted(database: Database, channel: str, body: bytes) -> tuple[SettlementKey, Any]:
    event = NewEvent(channel=channel, account="US", source="poll", topic="settlement", delivery_id="9", body=body)
    async with database.session() as session:
        event_id = await inbox.keep(session, event)
    assert event_id is not None
    activities, environment = SettlementActivities(FORMATS, database), ActivityEnvironment()
    proven = await environment.run(activities.prove_settlement, event_id)
    assert proven.refused is None
    await environment.run(activities.keep_settlement, event_id)
    return proven.settlements[0], await environment.run(activities.match_settlement, proven.settlements[0])
