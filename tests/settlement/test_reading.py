"""Documents of several settlements, currencies and parts are read as streams, and proven before anything is posted."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import SchemaDrift
from connectors.json_stream import members
from connectors.providers import FORMATS
from connectors.settlement_files import Proof, prove, split, whole
from models.settlement import Entry, LineType

V2 = ("settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
      "transaction-type", "order-id", "marketplace-name", "amount-type", "amount-description", "amount",
      "posted-date-time", "order-item-code", "sku", "quantity-purchased")  # fmt: skip
V1 = ("settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
      "transaction-type", "order-id", "marketplace-name", "shipment-fee-type", "shipment-fee-amount", "order-fee-type",
      "order-fee-amount", "posted-date", "order-item-code", "sku", "quantity-purchased", "price-type", "price-amount",
      "item-related-fee-type", "item-related-fee-amount", "misc-fee-amount", "other-fee-amount",
      "other-fee-reason-description", "promotion-id", "promotion-type", "promotion-amount", "direct-payment-type",
      "direct-payment-amount", "other-amount")  # fmt: skip


def table(columns: tuple[str, ...], *rows: dict[str, str]) -> str:
    return "".join("\t".join(cells) + "\n" for cells in [columns, *([row.get(c, "") for c in columns] for row in rows)])


def total(settlement_id: str, amount: str, currency: str) -> dict[str, str]:
    return {"settlement-id": settlement_id, "total-amount": amount, "currency": currency,
            "settlement-end-date": "30.06.2026 23:59:59 UTC"}  # fmt: skip


def item(settlement_id: str, amount: str, currency: str = "", **more: str) -> dict[str, str]:
    labels = {"transaction-type": "Order", "amount-type": "ItemPrice", "amount-description": "Principal"}
    cells = {"settlement-id": settlement_id, "amount": amount, "currency": currency, "order-id": "302-1", **labels}
    return cells | {name.replace("_", "-"): value for name, value in more.items()}


def read(channel: str, body: bytes) -> tuple[tuple[Proof, ...], list[Entry]]:
    reading = list(FORMATS[channel].read_settlement(io.BytesIO(body), "EU"))
    return prove(iter(reading)), [each for each in reading if isinstance(each, Entry)]


def drift(channel: str, body: bytes) -> SchemaDrift:
    with pytest.raises(SchemaDrift) as raised:
        read(channel, body)
    return raised.value


def totals(proofs: tuple[Proof, ...]) -> dict[str, tuple[str, int]]:
    return {proof.statement.settlement_id: (str(proof.statement.payout), proof.lines) for proof in proofs}


def test_a_file_may_hold_several_settlements_marketplaces_and_currencies() -> None:
    body = table(
        V2,
        total("1", "30,00", "EUR"),
        item("1", "10,00", marketplace_name="amazon.de"),
        item("1", "20,00", "EUR", marketplace_name="amazon.fr"),
        total("1", "-5.00", "SEK"),
        item("1", "-5.00", "SEK", marketplace_name="amazon.se"),
        total("2", "7.00", "EUR"),
        item("2", "7.00", "EUR"),
    )
    proofs, entries = read("amazon", body.encode())
    assert totals(proofs) == {"1": ("30.00 EUR", 2), "1 SEK": ("-5.00 SEK", 1), "2": ("7.00 EUR", 1)}
    assert [each.line.marketplace for each in entries] == ["amazon.de", "amazon.fr", "amazon.se", ""]
    assert [each.line.number for each in entries] == [1, 2, 1, 1]


def test_one_settlement_whose_sum_is_wrong_has_the_whole_file_refused_with_the_difference() -> None:
    body = table(V2, total("1", "10.00", "EUR"), item("1", "10.00"), total("2", "7.00", "EUR"), item("2", "6.50"))
    found = drift("amazon", body.encode())
    assert (found.reason, found.path) == ("sum_differs", "line 4, column total-amount")
    assert "stated 7.00 EUR, sum of 1 lines 6.50, difference -0.50" in found.value


def test_the_older_flat_file_has_the_same_lines_with_its_amounts_in_columns() -> None:
    old = table(
        V1,
        total("9", "80.35", "USD"),
        {"settlement-id": "9", "transaction-type": "Order", "order-id": "302-1", "price-type": "Principal",
         "price-amount": "100.00", "item-related-fee-type": "Commission", "item-related-fee-amount": "-15.00",
         "promotion-type": "Shipping", "promotion-amount": "-4.65", "quantity-purchased": "2"},
        {"settlement-id": "9", "transaction-type": "Storage Fee", "other-amount": "0.00",
         "other-fee-amount": "0.00", "other-fee-reason-description": "Storage Fee"},
    )  # fmt: skip
    proofs, entries = read("amazon", old.encode())
    assert totals(proofs) == {"9": ("80.35 USD", 5)}
    assert [each.line.type for each in entries] == [
        LineType.GOODS, LineType.COMMISSION, LineType.PROMOTION, LineType.FEE, LineType.FEE,
    ]  # fmt: skip


def test_parts_of_one_settlement_are_one_when_they_are_zipped_or_put_after_each_other() -> None:
    parts = [
        table(V2, total("1", "30.00", "EUR"), item("1", "10.00")),
        table(V2, total("1", "30.00", "EUR"), item("1", "20.00")),
    ]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number, part in enumerate(parts):
            file.writestr(f"part-{number}.txt", part)
    assert totals(read("amazon", archive.getvalue())[0]) == {"1": ("30.00 EUR", 2)}
    assert totals(read("amazon", "".join(parts).encode())[0]) == {"1": ("30.00 EUR", 2)}
    assert drift("amazon", parts[0].encode()).reason == "sum_differs"


def test_walmart_may_pay_several_periods_and_currencies_in_one_file() -> None:
    def summary(end: str, currency: str, paid: str) -> dict[str, str]:
        return {"Period Start Date": "12/6/2025", "Period End Date": end, "Total Payable": paid, "Currency": currency,
                "Transaction Type": "PaymentSummary", "Amount Type": ""}  # fmt: skip

    def sale(amount: str, currency: str = "") -> dict[str, str]:
        return {"Transaction Type": "Sale", "Amount Type": "Product Price", "Amount": amount, "Currency": currency,
                "Purchase Order #": "18"}  # fmt: skip

    rows = [summary("12/19/2025", "USD", "9.00"), summary("12/19/2025", "MXN", "3.00"), sale("9.00", "USD"),
            sale("3.00", "MXN"), summary("1/2/2026", "USD", "-1.00"), sale("-1.00")]  # fmt: skip
    proofs, _ = read("walmart", json.dumps({"reportData": rows}).encode())
    assert totals(proofs) == {
        "2025-12-06..2025-12-19": ("9.00 USD", 1),
        "2025-12-06..2025-12-19 MXN": ("3.00 MXN", 1),
        "2025-12-06..2026-01-02": ("-1.00 USD", 1),
    }


def test_mirakl_cycles_of_one_log_are_each_proven_in_each_currency() -> None:
    def row(kind: str, amount: str, cycle: str, currency: str) -> dict[str, Any]:
        return {
            "type": kind,
            "amount": Decimal(amount),
            "currency_iso_code": currency,
            "seller_billing_cycle_id": cycle,
        }

    rows = [row("ORDER_AMOUNT", "10", "C1", "EUR"), row("PAYMENT", "-10", "C1", "EUR"),
            row("PAYMENT", "-4", "C1", "PLN"), row("ORDER_AMOUNT", "4", "C1", "PLN"),
            row("MANUAL_INVOICE", "-2", "C2", "EUR"), row("PAYMENT", "2", "C2", "EUR")]  # fmt: skip
    body = json.dumps({"data": rows}, default=float).encode()
    assert totals(read("mirakl", body)[0]) == {
        "C1": ("10.00 EUR", 1), "C1 PLN": ("4.00 PLN", 1), "C2": ("-2.00 EUR", 1),
    }  # fmt: skip


def test_several_shopify_payouts_share_a_document_when_their_transactions_name_them() -> None:
    def moved(payout: int, net: str, currency: str) -> dict[str, Any]:
        return {"type": "charge", "payout_id": payout, "amount": net, "fee": "0", "net": net, "currency": currency,
                "processed_at": "2026-11-20T00:00:00Z"}  # fmt: skip

    payouts = [{"id": 1, "amount": "5.00", "currency": "EUR"}, {"id": 2, "amount": "800", "currency": "JPY"}]
    body = json.dumps({"transactions": [moved(2, "800", "JPY"), moved(1, "5.00", "EUR")], "payouts": payouts})
    assert totals(read("shopify", body.encode())[0]) == {"1": ("5.00 EUR", 1), "2": ("800 JPY", 1)}


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
def test_a_negative_total_is_money_that_the_seller_owes(currency: str) -> None:
    body = table(V2, total("1", "-500", currency), item("1", "-500"))
    assert read("amazon", body.encode())[0][0].statement.payout.amount == -500


def test_a_long_document_is_read_in_bounded_memory() -> None:
    rows = 40_000
    header, head, line = table(V2, total("1", f"{rows}.00", "EUR"), item("1", "1.00", sku="SKU-1" * 8)).splitlines()
    body = "\n".join([header, head, *[line] * rows]).encode()
    tracemalloc.start()
    proofs = prove(FORMATS["amazon"].read_settlement(io.BytesIO(body), "EU"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert proofs[0].lines == rows
    assert peak < 1 << 20 < len(body)


def test_a_settlement_reads_back_as_what_it_was() -> None:
    body = table(V2, total("1", "10.00", "EUR"), item("1", "10.00")).encode()
    settlement = FORMATS["amazon"].parse_settlement(body, "EU")
    assert whole(split(settlement)) == settlement


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1.10, "rows": [{}, 2 ]}', [("a", Decimal("1.10")), ("rows", []), ("rows[0]", {}), ("rows[1]", 2)]),
        ('[1, "two"]', [("[0]", 1), ("[1]", "two")]),
        ('{"w": {"rows": [1], "b": null}}', [("w.rows", []), ("w.rows[0]", 1), ("w.b", None)]),
        ("12", [("$", 12)]),
        ('{"rows": {"not": "a list"}}', [("rows", {"not": "a list"})]),
    ],
)  # fmt: skip
def test_json_is_given_member_by_member(text: str, found: list[tuple[str, Any]]) -> None:
    assert list(members(io.BytesIO(text.encode()), ("rows",), ("w",))) == found


@pytest.mark.parametrize("text", ["", "{", '{"rows": [1,]}', '{"rows": [1 2]}', "[1] 2", '{"a" 1}', "[NaN]", "{1: 2}"])
def test_what_is_not_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(members(io.BytesIO(text.encode()), ("rows",)))


def test_a_value_longer_than_a_chunk_is_whole() -> None:
    long = "x" * 300_000
    document = json.dumps({"rows": [long, 12345, long], "end": 1})
    assert [value for _, value in members(io.BytesIO(document.encode()), ("rows",))] == [[], long, 12345, long, 1]
