"""The reconciliation report: lines that add up to the payout, or the whole document refused by name."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from connectors.errors import SchemaDrift
from connectors.walmart.settlement import RULES, parse_settlement
from models.money import Money
from models.settlement import RECEIVABLE, LineType

COLUMNS = ("Period Start Date", "Period End Date", "Total Payable", "Currency", "Transaction Posted Timestamp",
           "Transaction Type", "Transaction Description", "Purchase Order #", "Purchase Order line #", "Amount",
           "Amount Type", "Ship Qty", "Partner Item Id", "Campaign of 2027")  # fmt: skip
SUMMARY = {
    "Period Start Date": "12/6/2025",
    "Period End Date": "12/19/2025",
    "Total Payable": "1,012.75",
    "Currency": "USD",
    "Transaction Posted Timestamp": "01/02/2026",
    "Transaction Type": "PaymentSummary",
    "Transaction Description": "Deposited in  account",
}


def sale(amount_type: str, amount: str, kind: str = "Sale", **more: str) -> dict[str, str]:
    return {
        "Period Start Date": '""',
        "Transaction Posted Timestamp": "12/18/2025",
        "Transaction Type": kind,
        "Transaction Description": "Purchase",
        "Purchase Order #": "1803550130406",
        "Purchase Order line #": "1",
        "Amount": amount,
        "Amount Type": amount_type,
        "Ship Qty": "2",
        "Partner Item Id": "sku-123",
        **more,
    }


ROWS = [
    SUMMARY,
    sale("Product Price", "1,200.00"),
    sale("Shipping", "5.00"),
    sale("Product tax", "99.00"),
    sale("Product tax withheld", "-99.00"),
    sale("Commission on Product", "-180.00"),
    sale("Product Price", "-14.98", "Refund"),
    sale("Product tax", "-1.20", "Refund"),
    sale("Product tax withheld", "1.20", "Refund"),
    sale("Commission on Product", "2.73", "Refund"),
]


def as_json(rows: list[dict[str, str]]) -> bytes:
    return json.dumps({"reportData": rows, "nextOffset": 1, "totalRecords": len(rows)}).encode()


def as_csv(rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> bytes:
    text = io.StringIO()
    text.write(f"Number of Lines in file {len(rows)}\r\n")
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def as_zip(rows: list[dict[str, str]]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ReconReport.csv", as_csv(rows))
    return archive.getvalue()


def refused(body: bytes) -> SchemaDrift:
    with pytest.raises(SchemaDrift) as drift:
        parse_settlement(body, "US")
    assert drift.value.remedy
    return drift.value


def test_the_report_is_the_same_as_json_as_csv_and_zipped() -> None:
    found = parse_settlement(as_json(ROWS), "US")
    assert (str(found.payout), found.settlement_id) == ("1012.75 USD", "2025-12-06..2025-12-19")
    assert found.lines_total == found.payout
    assert found.deposited_at is not None
    assert (found.deposited_at.year, len(found.lines)) == (2026, 9)
    assert parse_settlement(as_csv(ROWS), "US") == found == parse_settlement(as_zip(ROWS), "US")


def test_columns_are_found_by_their_names() -> None:
    assert parse_settlement(as_csv(ROWS, COLUMNS[::-1]), "US") == parse_settlement(as_csv(ROWS), "US")


def test_a_line_is_of_a_purchase_order_and_says_what_it_is_for() -> None:
    first = parse_settlement(as_json(ROWS), "US").lines[0]
    assert (first.order_id, first.line_id, first.sku, first.quantity) == ("1803550130406", "1", "sku-123", 2)
    assert (first.type, first.label) == (LineType.GOODS, "Sale / Purchase / Product Price")


def test_tax_that_walmart_remits_nets_to_nothing() -> None:
    found = parse_settlement(as_json(ROWS), "US")
    of = {kind: [line.amount for line in found.lines if line.type is kind] for kind in LineType}
    assert Money.total([*of[LineType.TAX], *of[LineType.TAX_WITHHELD]], "USD") == Money.zero("USD")
    assert str(Money.total((a for kind in RECEIVABLE for a in of[kind]), "USD")) == "1205.00 USD"
    assert str(Money.total(of[LineType.REFUND], "USD")) == "-14.98 USD"
    assert str(Money.total(of[LineType.COMMISSION], "USD")) == "-177.27 USD"


@pytest.mark.parametrize(
    ("transaction", "amount", "found"),
    [
        ("Sale", "Shipping tax withheld", LineType.TAX_WITHHELD),
        ("Sale", "Shipping tax", LineType.TAX),
        ("Sale", "Commission on Shipping", LineType.COMMISSION),
        ("Sale", "Fee/Reimbursement", LineType.FEE),
        ("Refund", "Fee/Reimbursement", LineType.FEE),
        ("Refund", "Shipping", LineType.REFUND),
        ("Refund", "Product tax", LineType.REFUND),
        ("Service Fee", "Fee/Reimbursement", LineType.FEE),
        ("Adjustment", "Product Price", LineType.ADJUSTMENT),
        ("Dispute Settlement", "Fee/Reimbursement", LineType.ADJUSTMENT),
        ("Moon Phase", "Lunar levy", LineType.UNKNOWN),
        ("Sale", "Lunar levy", LineType.UNKNOWN),
        ("", "", LineType.UNKNOWN),
    ],
)
def test_labels_are_known_by_a_table_and_never_guessed(transaction: str, amount: str, found: LineType) -> None:
    assert RULES.type_of((transaction, "Purchase", amount, "")) is found


def test_lines_that_are_not_the_payout_are_refused() -> None:
    for rows in (ROWS[:-1], [*ROWS, ROWS[1]]):
        assert refused(as_json(rows)).reason == "sum_differs"


def test_a_report_states_its_payout_once() -> None:
    assert refused(as_json(ROWS[1:])).reason == "not_a_settlement"
    assert refused(as_json([{**SUMMARY, "Total Payable": "1.00"}, *ROWS])).reason == "several_totals"
    assert refused(as_json([*ROWS, sale("Product Price", "0.00", Currency="CAD")])).reason == "several_currencies"


def test_an_amount_that_is_none_is_named_with_its_line() -> None:
    for amount, reason in (
        ("", "missing"),
        ("1.005", "wrong_value"),
        ("1.2.3", "wrong_value"),
        ("free", "wrong_value"),
    ):
        drift = refused(as_json([*ROWS, sale("Product Price", amount)]))
        assert (drift.reason, drift.path) == (reason, "line 11, column amount")


def test_an_order_number_that_a_spreadsheet_has_rounded_is_refused() -> None:
    drift = refused(as_csv([*ROWS, sale("Product Price", "0.00", **{"Purchase Order #": "1.80355E+12"})]))
    assert (drift.reason, drift.path.partition(", ")[2]) == ("wrong_value", "column purchase order #")


def test_a_report_of_another_version_names_the_column_it_lacks() -> None:
    assert refused(as_csv(ROWS, tuple(name for name in COLUMNS if name != "Amount Type"))).reason == "missing_column"


def test_an_archive_that_is_none_is_refused() -> None:
    assert refused(as_zip(ROWS)[:60]).reason == "not_a_settlement"
