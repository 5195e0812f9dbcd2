"""Tax that the channel remits, as each channel shows it: the order's total holds, and both tax accounts are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Paid:
    """What a buyer pays: the channel remits the goods' tax, the seller that of the shipping."""

    currency: str
    goods: str
    shipping: str
    channel_tax: str
    seller_tax: str

    def money(self, *amounts: str) -> Money:
        return Money.total((Money.of(amount, self.currency) for amount in amounts), self.currency)

    @property
    def receivable(self) -> Money:
        return self.money(self.goods, self.shipping, self.seller_tax)

    @property
    def payout(self) -> str:
        return str(self.receivable.amount)

    def order(self, channel: str) -> Order:
        line = OrderLine(
            line_id="1",
            sku="TENT",
            quantity=1,
            goods=self.money(self.goods),
            taxes=(Tax(amount=self.money(self.channel_tax), remitter=Remitter.CHANNEL),),
        )
        shipping = Charge(
            kind=ChargeKind.SHIPPING,
            amount=self.money(self.shipping),
            taxes=(Tax(amount=self.money(self.seller_tax), remitter=Remitter.SELLER),),
        )
        return Order(
            key=OrderKey(channel=channel, account="US", external_id="1001"),
            purchased_at=NOW,
            version=NOW,
            state=ChannelState.SHIPPED,
            currency=self.currency,
            lines=(line,),
            charges=(shipping,),
            total=self.receivable + self.money(self.channel_tax),
        )


PAID = {
    "usual": Paid("USD", "100.00", "10.00", "19.00", "1.90"),
    "odd cents": Paid("USD", "33.33", "0.01", "2.77", "0.01"),
    "large": Paid("EUR", "1234567.89", "99.99", "234567.90", "19.00"),
    "no decimals": Paid("JPY", "12345", "600", "1234", "60"),
    "three decimals": Paid("KWD", "12.345", "0.600", "1.234", "0.060"),
}


def amazon(paid: Paid) -> bytes:
    parts = [("ItemPrice", "Principal", paid.goods), ("ItemPrice", "Shipping", paid.shipping),
             ("ItemPrice", "Tax", paid.channel_tax), ("ItemPrice", "ShippingTax", paid.seller_tax),
             ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal", f"-{paid.channel_tax}")]  # fmt: skip
    rows = [["9", *[""] * 5, "Order", "1001", kind, what, amount, "", "1", "TENT", "1"] for kind, what, amount in parts]
    head = ["9", "", "", "2026-06-16 00:00:00 UTC", paid.payout, paid.currency]
    return "\n".join("\t".join(row) for row in [list(COLUMNS), head, *rows]).encode()


def walmart(paid: Paid) -> bytes:
    def row(kind: str, amount: str) -> dict[str, str]:
        return {"Transaction Type": "Sale", "Amount Type": kind, "Amount": amount, "Purchase Order #": "1001",
                "Purchase Order line #": "1"}  # fmt: skip

    head = {"Transaction Type": "PaymentSummary", "Total Payable": paid.payout, "Currency": paid.currency,
            "Period End Date": "6/16/2026", "Amount Type": ""}  # fmt: skip
    parts = [("Product Price", paid.goods), ("Shipping", paid.shipping), ("Product tax", paid.channel_tax),
             ("Shipping tax", paid.seller_tax), ("Product tax withheld", f"-{paid.channel_tax}")]  # fmt: skip
    return json.dumps({"reportData": [head, *(row(*part) for part in parts)]}).encode()


def mirakl(paid: Paid) -> bytes:
    def row(kind: str, amount: str) -> str:
        entities = '{"order": {"id": "1001"}, "order_line": {"id": "1"}}' if kind != "PAYMENT" else "{}"
        return (f'{{"type": "{kind}", "amount": {amount}, "currency_iso_code": "{paid.currency}",'
                f' "seller_billing_cycle_id": "9", "entities": {entities}}}')  # fmt: skip

    parts = [("ORDER_AMOUNT", paid.goods), ("ORDER_SHIPPING_AMOUNT", paid.shipping),
             ("ORDER_AMOUNT_TAX", paid.channel_tax), ("ORDER_SHIPPING_AMOUNT_TAX", paid.seller_tax),
             ("OPERATOR_REMITTED_ORDER_AMOUNT_TAX", f"-{paid.channel_tax}"),
             ("PAYMENT", f"-{paid.payout}")]  # fmt: skip
    return f'{{"data": [{",".join(row(*part) for part in parts)}]}}'.encode()


def shopify(paid: Paid) -> bytes:
    """The sales channel keeps the tax that it remits: the payment is without it."""
    moved = {"type": "charge", "currency": paid.currency, "amount": paid.payout, "fee": "0", "net": paid.payout,
             "source_order_id": 1001, "processed_at": "2026-06-15T00:00:00Z"}  # fmt: skip
    payout = {"id": 9, "amount": paid.payout, "currency": paid.currency}
    return json.dumps({"payout": payout, "transactions": [moved]}).encode()


def storefront(*, shown: bool) -> Callable[[Paid], bytes]:
    def document(paid: Paid) -> bytes:
        tax = [("tax", paid.channel_tax), ("tax_withheld", f"-{paid.channel_tax}")] if shown else []
        parts = [("goods", paid.goods), ("shipping", paid.shipping), ("tax", paid.seller_tax), *tax]
        lines = [{"type": kind, "amount": amount, "order_id": "1001", "line_id": "1"} for kind, amount in parts]
        return json.dumps({"id": "9", "currency": paid.currency, "amount": paid.payout, "lines": lines}).encode()

    return document


SHOWN: dict[str, tuple[str, Callable[[Paid], bytes], bool]] = {
    "amazon, as a pair": ("amazon", amazon, True),
    "walmart, as a pair": ("walmart", walmart, True),
    "mirakl, as a pair": ("mirakl", mirakl, True),
    "shopify, not at all": ("shopify", shopify, False),
    "storefront, as a pair": ("storefront", storefront(shown=True), True),
    "storefront, not at all": ("storefront", storefront(shown=False), False),
}


@pytest.mark.parametrize("amounts", PAID)
@pytest.mark.parametrize("name", SHOWN)
async def test_facilitator_tax_is_right_in_the_order_and_on_both_accounts(
    database: Database, name: str, amounts: str
) -> None:
    channel, document, shown = SHOWN[name]
    paid = PAID[amounts]
    sold, nothing = paid.order(channel), Money.zero(paid.currency)
    seller_tax, channel_tax = paid.money(paid.seller_tax), paid.money(paid.channel_tax)
    assert sold.totals.difference == nothing
    assert (sold.totals.seller_tax, sold.totals.channel_tax) == (seller_tax, channel_tax)
    async with database.session() as session:
        await orders.register(session, sold, 1)
    key, result = await posted(database, channel, document(paid))
    async with database.session() as session:
        journal = await settlement_books.journal(session, key)
        faults = (await session.execute(text("SELECT fault FROM settlement_line WHERE fault IS NOT NULL"))).all()
    assert (result.matched, result.residual, faults) == (paid.receivable, nothing, [])
    assert journal is not None
    on = {role: [line.amount for line in journal.lines if line.account is role] for role in AccountRole}
    assert on[AccountRole.TAX_CHANNEL] == ([-channel_tax, channel_tax] if shown else [])
    assert Money.total(on[AccountRole.CLEARING], paid.currency) == -paid.receivable == -sold.receivable
    assert on[AccountRole.BANK] == [paid.receivable]


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
