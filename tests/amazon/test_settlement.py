"""Settlement reports add up to the cent, or are refused at line and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.amazon.settlement import RULES, parse_settlement
from connectors.errors import SchemaDrift
from models.money import Money
from models.settlement import LineType, Settlement
from tests.amazon.payloads import SAMPLES

COLUMNS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
    "transaction-type", "order-id", "amount-type", "amount-description", "amount", "posted-date-time",
    "order-item-code", "sku", "quantity-purchased",
)  # fmt: skip
HEAD = ("281", "2026-06-16 00:00:00 UTC", "2026-06-30 23:59:59 UTC", "2026-07-02 00:00:00 UTC", "17.00", "USD")
GOODS = (
    "281", "", "", "", "", "USD", "Order", "112-1", "ItemPrice", "Principal", "20.00", "2026-06-17 08:14:22 UTC", "551",
    "SKU-1", "2",
)  # fmt: skip
FEE = ("281", "", "", "", "", "USD", "Order", "112-1", "ItemFees", "Commission", "-3.00", "", "551", "SKU-1", "2")
Table = list[tuple[str, ...]]


def report(rows: Table, columns: tuple[str, ...] = COLUMNS) -> bytes:
    return "\n".join("\t".join(cells) for cells in [columns, *rows]).encode()


def changed(row: tuple[str, ...], **cells: str) -> tuple[str, ...]:
    whole = [*row, *[""] * (len(COLUMNS) - len(row))]
    for name, value in cells.items():
        whole[COLUMNS.index(name.replace("_", "-"))] = value
    return tuple(whole)


def accepted_or_drift(body: bytes) -> Settlement | None:
    try:
        return parse_settlement(body, "US-1")
    except SchemaDrift:
        return None


def drift(body: bytes) -> SchemaDrift:
    with pytest.raises(SchemaDrift) as raised:
        parse_settlement(body, "US-1")
    return raised.value


def test_a_report_is_a_payout_and_its_lines() -> None:
    settlement = parse_settlement(report([HEAD, GOODS, FEE]), "US-1")
    assert (settlement.settlement_id, settlement.payout) == ("281", Money.of("17.00", "USD"))
    assert [line.type for line in settlement.lines] == [LineType.GOODS, LineType.COMMISSION]
    first = settlement.lines[0]
    assert (first.order_id, first.line_id, first.sku, first.quantity) == ("112-1", "551", "SKU-1", 2)
    assert first.label == "Order / ItemPrice / Principal"
    assert str(first.posted_at) == "2026-06-17 08:14:22+00:00"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the vendor's samples are not at {SAMPLES}")
def test_the_sample_adds_up() -> None:
    settlement = parse_settlement((SAMPLES / "settlementV2__US_thirdparty_synthetic.txt").read_bytes(), "US-1")
    assert settlement.lines_total == settlement.payout == Money.of("582.89", "USD")
    assert LineType.UNKNOWN not in {line.type for line in settlement.lines}
    assert LineType.TAX_WITHHELD in {line.type for line in settlement.lines}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_any_of_amazons_encodings_is_read(encoding: str) -> None:
    row = changed(GOODS, sku="KÜHLBOX")
    body = report([HEAD, row, FEE]).decode().encode(encoding)
    assert parse_settlement(body, "DE").lines[0].sku == "KÜHLBOX"


def test_european_commas_and_dates_are_read() -> None:
    head = changed(HEAD, total_amount="1.217,00", deposit_date="02.07.2026 10:00:00 UTC", currency="EUR")
    goods = changed(GOODS, amount="1.220,00", currency="EUR", posted_date_time="17.06.2026 08:14:22 UTC")
    settlement = parse_settlement(report([head, goods, changed(FEE, amount="-3,00", currency="EUR")]), "DE")
    assert settlement.payout == Money.of("1217", "EUR")
    assert str(settlement.deposited_at) == "2026-07-02 10:00:00+00:00"


def test_columns_may_stand_in_any_order_and_new_ones_be_added() -> None:
    columns = (*reversed(COLUMNS), "brand-new")
    rows = [(*reversed(changed(row)), "?") for row in (HEAD, GOODS, FEE)]
    assert parse_settlement(report(rows, columns), "US-1").payout == Money.of("17", "USD")


def test_windows_line_ends_blank_lines_and_quotes_mean_nothing() -> None:
    body = report([HEAD, changed(GOODS, sku='12" PAN'), FEE]).replace(b"\n", b"\r\n") + b"\r\n\r\n"
    assert parse_settlement(body, "US-1").lines[0].sku == '12" PAN'


def test_a_column_that_is_gone_is_named() -> None:
    columns = tuple("betrag" if name == "amount" else name for name in COLUMNS)
    found = drift(report([HEAD], columns))
    assert found.reason == "missing_column"
    assert "'amount'" in found.remedy


@pytest.mark.parametrize("amount", ["abc", "", "1.2.3", "20.005", "١٢"])
def test_an_amount_that_is_not_exact_money_is_refused_at_its_line(amount: str) -> None:
    found = drift(report([HEAD, changed(GOODS, amount=amount), FEE]))
    assert found.path == "line 3, column amount"
    assert found.value == repr(amount)


def test_a_report_that_does_not_add_up_is_refused_with_both_sums() -> None:
    found = drift(report([HEAD, GOODS]))
    assert found.reason == "sum_differs"
    assert "17.00" in found.value
    assert "20.00" in found.value


@pytest.mark.parametrize(
    ("cells", "column"),
    [({"currency": "EUR"}, "currency"), ({"settlement_id": "282"}, "settlement-id")],
)
def test_a_row_of_a_settlement_or_currency_without_a_total_is_refused(cells: dict[str, str], column: str) -> None:
    found = drift(report([HEAD, GOODS, changed(FEE, **cells)]))
    assert (found.reason, found.path) == ("no_total", f"line 4, column {column}")
    assert found.path.startswith("line 4")


def test_a_time_that_cannot_be_read_is_refused_at_its_line() -> None:
    found = drift(report([HEAD, changed(GOODS, posted_date_time="last week"), FEE]))
    assert found.path == "line 3, column posted-date-time"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("Order", "ItemPrice", "Principal"), LineType.GOODS),
        (("Order", "ItemPrice", "ShippingTax"), LineType.TAX),
        (("Order", "ItemPrice", "GiftWrap"), LineType.GIFT_WRAP),
        (("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Shipping"), LineType.TAX_WITHHELD),
        (("Order", "ItemFees", "MarketplaceFacilitatorVAT-Principal"), LineType.TAX_WITHHELD),
        (("Order", "Promotion", "Shipping"), LineType.PROMOTION),
        (("Order", "ItemFees", "FBAPerUnitFulfillmentFee"), LineType.FEE),
        (("Refund", "ItemPrice", "Principal"), LineType.REFUND),
        (("Refund", "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"), LineType.REFUND),
        (("Refund", "ItemFees", "RefundCommission"), LineType.FEE),
        (("A-to-z Guarantee Refund", "ItemPrice", "Principal"), LineType.REFUND),
        (("Order_Retrocharge", "ItemPrice", "Tax"), LineType.TAX),
        (("ServiceFee", "other-transaction", "Subscription Fee"), LineType.FEE),
        (("other-transaction", "other-transaction", "Previous Reserve Amount Balance"), LineType.RESERVE),
        (("other-transaction", "other-transaction", "WAREHOUSE_DAMAGE"), LineType.ADJUSTMENT),
        (("Transfer", "other-transaction", "Failed Disbursement: the bank said no"), LineType.TRANSFER),
        (("CouponRedemptionFee", "Coupon", "12/1 - 12/5"), LineType.FEE),
        (("Something", "quite", "new"), LineType.UNKNOWN),
        (("Order", "ItemPrice", "Mystery"), LineType.UNKNOWN),
    ],
)
def test_labels_are_classified_by_rule_and_never_guessed(labels: tuple[str, str, str], expected: LineType) -> None:
    assert RULES.type_of(labels) is expected


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30))
def test_what_adds_up_is_accepted_and_what_is_a_cent_off_is_not(cents: list[int]) -> None:
    def written(value: int) -> str:
        return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"

    rows = [changed(GOODS, amount=written(value)) for value in cents]
    good = parse_settlement(report([changed(HEAD, total_amount=written(sum(cents))), *rows]), "US-1")
    assert good.lines_total == good.payout
    assert drift(report([changed(HEAD, total_amount=written(sum(cents) + 1)), *rows])).reason == "sum_differs"


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_garbage_is_drift_and_nothing_else(body: bytes) -> None:
    assert drift(body).remedy


@given(st.data())
def test_damaged_cells_are_drift_and_nothing_else(data: st.DataObject) -> None:
    rows = [list(changed(row)) for row in (HEAD, GOODS, FEE)]
    row = data.draw(st.sampled_from(rows))
    row[data.draw(st.integers(0, len(COLUMNS) - 1))] = data.draw(st.text(max_size=12))
    body = report([tuple(cells) for cells in rows])
    settlement = accepted_or_drift(body)
    assert settlement is None or settlement.lines_total == settlement.payout
