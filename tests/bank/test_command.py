"""`settlements bank FILE` as finance types it, against a database, a Temporal and a worker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from temporalio.client import Client
from typer.testing import CliRunner, Result

from cli.app import app
from stack.temporal import NAMESPACE, LocalTemporal
from store.database import Database
from tests.bank.files import IBAN, Moved, camt
from tests.bank.scene import FIRST, SECOND, settled, working
from tests.settlement.books import Books

STATEMENT = camt(
    Moved("90.11", f"EFT {FIRST}", reference="N-1"),
    Moved("7.77", "EFT", reference="N-3"),
    Moved("500.00", "Rent", on="2026-09-30", reference="N-4", counterparty="A tenant"),
    Moved("-1.00", "Fee", on="2026-09-01", reference="N-5", counterparty="House bank"),
)


@pytest.fixture
def deployment(database_url: str, temporal_server: LocalTemporal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERYARD_DATABASE_URL", database_url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", NAMESPACE)


async def said(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["settlements", *words])


@pytest.mark.usefixtures("deployment")
async def test_finance_reads_a_statement_and_sees_what_has_come_and_what_has_not(
    database: Database, temporal_client: Client, tmp_path: Path
) -> None:
    await settled(database, FIRST, "90.11")
    await settled(database, SECOND, "42.00")
    file = tmp_path / "statement.xml"
    file.write_bytes(STATEMENT)
    async with working(temporal_client, database, Books()):
        first = await said("bank", str(file))
        again = await said("bank", str(file))
        listed = json.loads((await said("bank", str(file), "--json")).stdout)
    assert first.exit_code == 0, first.output
    assert "4 lines, 4 new; 1 matched with payouts now, 1 booked in the ERP, 0 refused by it" in first.stdout
    assert "4 lines, 0 new; 0 matched with payouts now, 0 booked in the ERP, 0 refused by it" in again.stdout
    assert first.stdout.split("Payouts that have come")[1] == again.stdout.split("Payouts that have come")[1]
    assert [each["number"] for each in listed["bank"]["arrived"]] == ["BNK-1"]
    assert [each["key"]["settlement_id"] for each in listed["bank"]["missing"]] == [SECOND]
    assert [each["line_id"] for each in listed["bank"]["stray"]] == ["N-3"]
    assert f"arrived on 2026-09-14 at {IBAN}" in (await said("show", f"amazon/EU/{FIRST}")).stdout
    assert "not seen at the bank" in (await said("show", f"amazon/EU/{SECOND}")).stdout


@pytest.mark.usefixtures("deployment")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"date,amount\n", "line 1, column currency"),
        (b"date,amount,currency,reference,counterparty\n1 May,5,EUR,a,b\n", "line 2, column date: '1 May'"),
        (b"<!DOCTYPE x><x/>", "No bank states a document type"),
    ],
)
async def test_a_file_that_is_no_statement_ends_with_the_place_and_a_remedy(
    tmp_path: Path, content: bytes, told: str
) -> None:
    file = tmp_path / "statement"
    file.write_bytes(content)
    result = await said("bank", str(file), "--bank-account", "House bank")
    assert result.exit_code == 2
    assert told in result.stderr


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = await said("bank", str(tmp_path / "nowhere.xml"))
    assert result.exit_code == 2
    assert "nowhere.xml" in result.stderr


@pytest.mark.usefixtures("deployment")
async def test_a_return_under_the_reference_of_its_payment_is_read_days_later(
    database: Database, temporal_client: Client, tmp_path: Path
) -> None:
    head, rows = "id,date,amount,currency,reference,counterparty\n", []
    async with working(temporal_client, database, Books()):
        for day, amount in (("2026-09-14", "90.11"), ("2026-09-17", "-90.11")):
            rows.append(f"X,{day},{amount},EUR,EFT,Amazon\n")
            (tmp_path / "day.csv").write_text(head + rows[-1])
            told = (await said("bank", str(tmp_path / "day.csv"), "--bank-account", "House bank")).stdout
            assert "1 lines, 1 new" in told
        (tmp_path / "month.csv").write_text(head + "".join(rows))
        told = (await said("bank", str(tmp_path / "month.csv"), "--bank-account", "House bank", "--json")).stdout
    assert (json.loads(told)["lines"], json.loads(told)["new"]) == (2, 0)
    assert [line["line_id"] for line in json.loads(told)["bank"]["stray"]] == ["X"]
