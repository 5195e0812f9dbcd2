"""Transaction lines and payment vouchers to settlements that add up, or a named refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import SchemaDrift
from connectors.mirakl.settlement import parse_settlement
from models.settlement import LineType
from tests.mirakl.shop import ACCOUNT, eur

HEADER = "invoice-number;order-amount;order-commission-amount;refund-amount;transfer-amount;currency-iso-code"


def row(kind: str, amount: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": kind,
        "type": kind,
        "amount": amount,
        "currency_iso_code": "EUR",
        "date_created": "2026-11-02T10:00:00Z",
        "seller_billing_cycle_id": "C-1",
        "entities": {"order": {"id": "A"}, "order_line": {"id": "A-1"}},
        **more,
    }


def flat(kind: str, credited: float, debited: float) -> dict[str, Any]:
    return {
        "transaction_type": kind,
        "amount_credited": credited,
        "amount_debited": debited,
        "currency_iso_code": "EUR",
        "order_id": "A",
        "accounting_document_number": "0007",
    }


def body(*rows: Any, name: str = "data") -> bytes:
    return json.dumps({name: rows}).encode()


def test_a_cycle_and_its_payment() -> None:
    settlement = parse_settlement(
        body(
            row("ORDER_AMOUNT", 100),
            row("ORDER_AMOUNT_TAX", 20),
            row("OPERATOR_REMITTED_ORDER_AMOUNT_TAX", -20),
            row("COMMISSION_FEE", -12.5),
            row("MOON_TAX", -0.5),
            row("PAYMENT", -87, entities={}),
        ),
        ACCOUNT,
    )
    assert (settlement.settlement_id, settlement.payout, settlement.lines_total) == ("C-1", eur("87"), eur("87"))
    assert [line.type for line in settlement.lines] == [
        LineType.GOODS,
        LineType.TAX,
        LineType.TAX_WITHHELD,
        LineType.COMMISSION,
        LineType.UNKNOWN,
    ]
    assert {(line.order_id, line.line_id) for line in settlement.lines} == {("A", "A-1")}


def test_the_older_flat_lines_are_read_as_well() -> None:
    rows = [flat("ORDER_AMOUNT", 100, 0), flat("COMMISSION_FEE", 0, 12), flat("PAYMENT", 0, 88)]
    settlement = parse_settlement(body(*rows, name="lines"), ACCOUNT)
    assert (settlement.settlement_id, settlement.payout) == ("0007", eur("88"))


def test_a_voucher() -> None:
    settlement = parse_settlement(f"{HEADER}\n230207;60;3,15;30;26.85;EUR\n".encode(), ACCOUNT)
    assert (settlement.settlement_id, settlement.payout) == ("230207", eur("26.85"))
    assert [str(line.amount.amount) for line in settlement.lines] == ["60.00", "-3.15", "-30.00"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "not_json"),
        (b"{}", "not_a_settlement"),
        (b'{"data": [7]}', "not_a_settlement"),
        (body(row("ORDER_AMOUNT", 100)), "payment_absent"),
        (body(row("ORDER_AMOUNT", 100), row("PAYMENT", -99)), "sum_differs"),
        (body(row("ORDER_AMOUNT", 100), row("PAYMENT", -100, currency_iso_code="USD")), "payment_absent"),
        (body(row("ORDER_AMOUNT", 100), row("PAYMENT", -100, seller_billing_cycle_id="C-2")), "payment_absent"),
        (body(row("ORDER_AMOUNT", 100, amount_credited=90), row("PAYMENT", -100)), "amount_differs"),
        (body(row("ORDER_AMOUNT", "much"), row("PAYMENT", -100)), "wrong_type"),
        (f"{HEADER}\n230207;60;3.15;30;26.86;EUR\n".encode(), "sum_differs"),
        (f"{HEADER}\n230207;sixty;3.15;30;26.86;EUR\n".encode(), "wrong_value"),
        (f"{HEADER}\n;60;3.15;30;26.85;EUR\n".encode(), "missing"),
        (f"{HEADER}\n230207;60;3.15;30;26.85;EUX\n".encode(), "wrong_value"),
        (f"{HEADER}\n".encode(), "not_a_settlement"),
    ],
)
def test_what_does_not_add_up_is_refused_whole(document: bytes, reason: str) -> None:
    with pytest.raises(SchemaDrift) as drift:
        parse_settlement(document, ACCOUNT)
    assert drift.value.reason == reason
