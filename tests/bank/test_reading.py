"""Bank statements are read exactly, or refused with the place, the value and the remedy."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.statement import read_statement
from connectors.errors import SchemaDrift
from models.money import Money
from tests.bank.files import IBAN, Moved, camt

PAYOUT = Moved("90.11", "Payout 11223344556", reference="NTRF-771")
CSV = """date;amount;currency;reference;counterparty
2026-09-14;90.11;EUR;Payout 11223344556;Amazon Payments
2026-09-15;-12.50;EUR;Fee;House bank
"""


@pytest.mark.parametrize("version", ["02", "08"])
def test_an_entry_of_camt_is_a_line_with_its_sign_and_the_banks_words(version: str) -> None:
    [came, went] = read_statement(camt(PAYOUT, Moved("-12.50", "Rent", reference="NTRF-772"), version=version))
    assert (came.bank_account, came.line_id, came.booked_on) == (IBAN, "NTRF-771", date(2026, 9, 14))
    assert (came.amount, went.amount) == (Money.of("90.11", "EUR"), Money.of("-12.50", "EUR"))
    assert came.counterparty == "Amazon Payments Europe S.C.A."
    assert came.text == "Payout 11223344556"


def test_what_is_not_booked_is_not_read() -> None:
    pending = Moved("5.00", state="<Sts>PDNG</Sts>")
    assert [line.line_id for line in read_statement(camt(PAYOUT, pending))] == ["NTRF-771"]


def test_of_a_file_of_several_accounts_one_can_be_read_alone() -> None:
    assert read_statement(camt(PAYOUT), "DE89 3704 0044 0532 0130 00")
    assert not read_statement(camt(PAYOUT), "DE00")


def test_a_statement_in_utf_16_is_read() -> None:
    text = camt(PAYOUT).decode().replace("UTF-8", "UTF-16")
    assert read_statement(text.encode("utf-16")) == read_statement(camt(PAYOUT))


def test_entries_that_do_not_lead_from_the_opening_to_the_closing_balance_are_refused_whole() -> None:
    assert read_statement(camt(PAYOUT, opening="100.00", closing="190.11"))
    with pytest.raises(SchemaDrift, match=r"totals_differ.*190\.12.*opened with 100\.00 EUR.*90\.11 EUR"):
        read_statement(camt(PAYOUT, opening="100.00", closing="190.12"))


def test_a_movement_without_a_reference_has_the_same_name_however_often_it_is_read() -> None:
    twice = camt(Moved("5.00", "coffee"), Moved("5.00", "coffee"))
    names = [line.line_id for line in read_statement(twice)]
    assert len(set(names)) == 2
    assert [line.line_id for line in read_statement(twice)] == names
    assert read_statement(camt(Moved("5.00", "coffee")))[0].line_id == names[0]


def test_a_reference_that_two_movements_share_names_neither() -> None:
    back = Moved("-90.11", "returned", reference="NTRF-771")
    assert len({line.line_id for line in read_statement(camt(PAYOUT, back))} - {"NTRF-771"}) == 2


@pytest.mark.parametrize("text", [CSV, CSV.replace(";", ","), "\ufeff" + CSV.replace("\n", "\r\n")])
def test_a_csv_is_read_by_the_names_of_its_columns(text: str) -> None:
    [came, went] = read_statement(text.encode(), "House bank")
    assert (came.bank_account, came.booked_on, came.counterparty) == (
        "House bank",
        date(2026, 9, 14),
        "Amazon Payments",
    )
    assert (came.text, came.amount) == ("Payout 11223344556", Money.of("90.11", "EUR"))
    assert went.amount == Money.of("-12.50", "EUR")


def test_a_csv_may_bring_the_banks_own_id_and_columns_of_no_interest() -> None:
    [line] = read_statement(
        b"id,balance,date,amount,currency,reference,counterparty\nX-1,7.00,2026-09-14,5.00,EUR,a,b\n", "House bank"
    )
    assert line.line_id == "X-1"


ROW = "2026-09-14;{amount};{currency};Payout;Amazon\n"
NAMES = "date;amount;currency;reference;counterparty\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (CSV.replace("2026-09-15", "15.09.2026"), r"line 3, column date: '15\.09\.2026'.*2026-11-28"),
        (NAMES + ROW.format(amount="1.234,56", currency="EUR"), r"line 2, column amount: '1\.234,56'.*-1234\.56"),
        (NAMES + ROW.format(amount="5.001", currency="EUR"), r"line 2, column amount: '5\.001 EUR'.*more decimals"),
        (NAMES + ROW.format(amount="5.00", currency="EURO"), r"line 2, column amount: '5\.00 EURO'.*ISO 4217"),
        (CSV.replace("currency", "curr"), r"line 1, column currency"),
        (NAMES + "2026-09-14;5.00\n", r"line 2: .*5 columns, this one 2"),
        ("", r"line 1, column date"),
        ("<html/>", r"not_a_statement at line 1: 'html'.*CAMT\.053"),
        ("<Document", r"not_xml at \$"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_place_value_and_remedy(content: str, told: str) -> None:
    with pytest.raises(SchemaDrift, match=told):
        read_statement(content.encode(), "House bank")


def test_a_csv_of_nobodys_account_is_refused() -> None:
    with pytest.raises(SchemaDrift, match="--bank-account"):
        read_statement(CSV.encode())


def test_a_csv_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(SchemaDrift, match=r"not_text at byte \d+: b'\\xfc'"):
        read_statement(CSV.replace("Fee", "Gebühr").encode("latin-1"), "House bank")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('Ccy="EUR">90.11', 'Ccy="EUR">90,11', r"line \d+, Amt: '90,11'"),
        ('Ccy="EUR">90.11', 'Ccy="EUR">-90.11', r"line \d+, Amt: '-90\.11'.*CdtDbtInd"),
        ("CRDT", "BOTH", r"line \d+, CdtDbtInd: 'BOTH'"),
        ("2026-09-14", "14 September", r"line \d+, BookgDt: '14 Septemb'"),
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "", r"missing at line \d+, CdtDbtInd"),
        ("IBAN>", "BBAN>", r"missing at line \d+, Acct/Id/IBAN"),
        ("camt.053", "camt.052", r"not_a_statement.*camt\.052"),
    ],
)
def test_an_entry_that_the_standard_does_not_know_is_refused_by_its_line(before: str, after: str, told: str) -> None:
    with pytest.raises(SchemaDrift, match=told):
        read_statement(camt(PAYOUT).decode().replace(before, after).encode())


@pytest.mark.parametrize(
    "inside",
    [
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        "",
    ],
    ids=["bomb", "external", "empty"],
)
def test_a_document_type_is_refused_whatever_is_in_it(inside: str) -> None:
    text = camt(PAYOUT).decode().replace("?>\n", f"?>\n<!DOCTYPE Document [{inside}]>\n")
    with pytest.raises(SchemaDrift, match=r"not_a_statement at line 2: '<!DOCTYPE Document>'"):
        read_statement(text.encode())


@given(st.binary(max_size=300), st.sampled_from([b"", b"<", b"date,amount,currency,reference,counterparty\n"]))
def test_any_bytes_are_lines_or_a_named_refusal(noise: bytes, start: bytes) -> None:
    with contextlib.suppress(SchemaDrift):
        read_statement(start + noise, "House bank")
