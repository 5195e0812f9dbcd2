"""Payouts: every cent has a line with a name, or the document is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import SchemaDrift
from connectors.shopify.format import ShopifyFormat
from connectors.shopify.parse import parse
from models.money import Money
from models.settlement import LineType, Settlement
from sandbox.core import SandboxOptions
from tests.fetched import fetched
from tests.shopify.shop import SAMPLES, Shop, parcel

BALANCE = SAMPLES / "settlement__balance_transactions_for_payout.json"


def row(kind: str, amount: str, fee: str = "0.00", **changes: Any) -> dict[str, Any]:
    net = str(Decimal(amount) - Decimal(fee))
    return {"id": 1, "type": kind, "payout_id": 77, "currency": "EUR", "amount": amount, "fee": fee, "net": net,
            "source_order_id": None, "processed_at": "2026-11-20T00:00:00+01:00", **changes}  # fmt: skip


def payout(amount: str, **changes: Any) -> dict[str, Any]:
    return {"id": 77, "status": "paid", "date": "2026-11-21", "currency": "EUR", "amount": amount, **changes}


def read(document: Any) -> Settlement:
    return ShopifyFormat().parse_settlement(json.dumps(document).encode(), "main")


def drift(document: Any) -> SchemaDrift:
    with pytest.raises(SchemaDrift) as caught:
        read(document)
    return caught.value


ROWS = [
    row("charge", "100.00", "3.20", source_order_id=820982911946154508),
    row("refund", "-10.00", source_order_id=5),
    row("adjustment", "-1.00", "0.25"),
    row("reserve", "-5.00"),
    row("debit", "-0.75", adjustment_reason="tax_adjustment"),
    row("levitation_levy", "-2.00", "0.10"),
]
PAID = "77.70"


def test_each_transaction_is_named_lines_with_its_fee_apart() -> None:
    found = read({"payout": payout(PAID), "transactions": ROWS})
    assert [(line.number, line.type, line.label, str(line.amount), line.order_id) for line in found.lines] == [
        (1, LineType.SALE, "charge", "100.00 EUR", "820982911946154508"),
        (2, LineType.FEE, "charge / fee", "-3.20 EUR", "820982911946154508"),
        (3, LineType.REFUND, "refund", "-10.00 EUR", "5"),
        (4, LineType.ADJUSTMENT, "adjustment", "-1.00 EUR", None),
        (5, LineType.FEE, "adjustment / fee", "-0.25 EUR", None),
        (6, LineType.RESERVE, "reserve", "-5.00 EUR", None),
        (7, LineType.ADJUSTMENT, "debit / tax_adjustment", "-0.75 EUR", None),
        (8, LineType.UNKNOWN, "levitation_levy", "-2.00 EUR", None),
        (9, LineType.UNKNOWN, "levitation_levy / fee", "-0.10 EUR", None),
    ]
    assert found.lines_total == found.payout
    assert found.settlement_id == "77"
    assert str(found.deposited_at) == "2026-11-21 00:00:00+00:00"


def test_transactions_alone_are_enough_when_the_payouts_own_row_is_among_them() -> None:
    alone = read({"response_body": {"transactions": [*ROWS, row("payout", f"-{PAID}")]}})
    assert (alone.settlement_id, str(alone.payout)) == ("77", "77.70 EUR")
    assert alone.lines == read({"payout": payout(PAID), "transactions": ROWS}).lines


@pytest.mark.parametrize(
    ("document", "reason", "path"),
    [
        ({"payout": payout("77.71"), "transactions": ROWS}, "sum_differs", "payout.amount"),
        ({"payout": payout(PAID), "transactions": ROWS[:-1]}, "sum_differs", "payout.amount"),
        ({"transactions": [*ROWS, row("payout", "-70.00")]}, "sum_differs", "transactions[6].amount"),
        ({"transactions": ROWS}, "missing", "payout"),
        ({"payout": payout(PAID)}, "missing", "transactions"),
        ({"payouts": [payout(PAID)]}, "missing", "transactions"),
        ({"payout": payout(PAID), "transactions": [row("charge", "1.00", net="2.00")]}, "net_differs",
         "transactions[0].net"),
        ({"payout": payout("1.00"), "transactions": [row("charge", "1.00", currency="USD")]}, "currency_differs",
         "transactions[0].amount"),
        ({"payout": payout("1.00"), "transactions": [row("charge", "1.00", payout_id=78)]}, "wrong_payout",
         "transactions[0].payout_id"),
        ({"payout": payout("1.00"), "transactions": [row("charge", "1.00", fee="0.001")]}, "inexact_amount",
         "transactions[0].fee"),
        ({"payout": payout("1.00", currency="XXY"), "transactions": []}, "unknown_currency", "payout.currency"),
        ({"payout": payout("one"), "transactions": []}, "wrong_type", "payout.amount"),
        ({"payout": payout("1.00"), "transactions": ["x"]}, "wrong_type", "transactions[0]"),
        ([], "not_a_settlement", "$"),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_refused_by_path_and_value(document: Any, reason: str, path: str) -> None:
    found = drift(document)
    assert (found.reason, found.path) == (reason, path)
    assert found.remedy


def test_bytes_that_are_no_document_are_drift() -> None:
    with pytest.raises(SchemaDrift, match="not_json"):
        ShopifyFormat().parse_settlement(b"\xff", "main")


@pytest.mark.skipif(not BALANCE.exists(), reason="the vendors' samples are not on this machine")
def test_the_real_balance_transactions_add_up_to_a_payout_of_their_sum() -> None:
    rows = json.loads(BALANCE.read_text())["response_body"]["transactions"]
    stated = payout(str(sum(Decimal(each["net"]) for each in rows)), id=623721858, currency="USD")
    found = read({"payout": stated, "transactions": rows})
    assert found.lines_total == found.payout
    unknown = {line.label for line in found.lines if line.type is LineType.UNKNOWN}
    assert unknown == {"capture", "shopify_collective_debit_reversal", "seller_protection_credit_reversal"}
    assert drift({"transactions": rows}).reason == "missing"


@pytest.mark.skipif(not BALANCE.exists(), reason="the vendors' samples are not on this machine")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("settlement__*pay*.json")), ids=lambda path: path.stem)
def test_a_real_payout_without_its_transactions_is_refused_by_name(path: Any) -> None:
    with pytest.raises(SchemaDrift) as caught:
        ShopifyFormat().parse_settlement(path.read_bytes(), "main")
    assert caught.value.reason in {"missing", "not_a_settlement"}


async def test_the_twins_payouts_pay_exactly_what_each_order_may_expect() -> None:
    shop = Shop(SandboxOptions(base_url="http://shopify.test", quota_scale=1000))
    channel = shop.channel()
    expected = {}
    for number in (1, 2, 3, 4, *range(9, 60)):
        order_id = shop.sell(number)
        units = {str(each["id"]): each["quantity"] for each in shop.document(order_id)["line_items"]}
        await channel.confirm(parcel(order_id, units), retry=False)
        expected[order_id] = parse(shop.body(order_id), "main").orders[0].receivable
    shipped = {name for name in expected if not shop.document(name)["cancelled_at"]}
    assert len(shop.twin.close_period()) >= 2
    assert shop.twin.close_period() == []
    received: dict[str | None, Money] = {}
    for ref in await channel.settlements():
        settlement = ShopifyFormat().parse_settlement(await fetched(channel, ref), "main")
        assert settlement.settlement_id == ref.settlement_id
        received |= {line.order_id: line.amount for line in settlement.lines if line.type is LineType.SALE}
    assert received == {name: expected[name] for name in shipped}
    assert {str(amount.currency) for amount in received.values()} >= {"USD", "EUR"}


async def test_rest_and_graphql_tell_the_same_settlement() -> None:
    shop = Shop(SandboxOptions(base_url="http://shopify.test", quota_scale=1000))
    channel = shop.channel()
    order_id = shop.sell(3)
    units = {str(each["id"]): each["quantity"] for each in shop.document(order_id)["line_items"]}
    await channel.confirm(parcel(order_id, units), retry=False)
    (payout_id,) = shop.twin.close_period()
    (ref,) = await channel.settlements()
    graphql = ShopifyFormat().parse_settlement(await fetched(channel, ref), "main")
    async with shop.client() as http:
        path = f"/admin/api/2026-10/shopify_payments/balance/transactions.json?payout_id={payout_id}"
        rest = ShopifyFormat().parse_settlement((await http.get(path)).content, "main")
    assert (rest.payout, rest.lines) == (graphql.payout, graphql.lines)
    assert shop.sandbox.ledger.counts()["shopify/payout_paid"] == 1
