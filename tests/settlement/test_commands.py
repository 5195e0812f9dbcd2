"""The commands for finance, against a database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from store.database import Database
from tests.settlement.faults import euros, settlement
from tests.settlement.test_views import posted

LINE = "amazon/EU/281#1"


@pytest.fixture
def deployment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A settlement of one order that was paid 2.41 too much, in a database that the commands find."""
    monkeypatch.setenv("ORDERYARD_DATABASE_URL", database_url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    paid = settlement(1, 0, 3)[0]
    paid.lines[0] = paid.lines[0].model_copy(update={"amount": paid.lines[0].amount + euros("2.41")})

    async def post() -> None:
        database = Database(database_url)
        await posted(database, [paid])
        await database.aclose()

    asyncio.run(post())
    return database_url


def said(*words: str) -> Result:
    return CliRunner().invoke(app, ["settlements", *words])


@pytest.mark.usefixtures("deployment")
def test_finance_sees_what_is_open_and_why(tmp_path: Path) -> None:
    (listed,) = json.loads(said("list", "--json").stdout)
    assert listed["open"] == {"amount": "2.41", "currency": "EUR"}
    shown = json.loads(said("show", "amazon/EU/281", "--json").stdout)
    assert [line["fault"] for line in shown["open"]] == ["over_paid"]
    assert "open" in said("show", "amazon/EU/281").stdout
    assert "over_paid" in said("explain", LINE).stdout
    assert said("export", "amazon/EU/281", "--to", str(tmp_path / "lines.csv")).exit_code == 0
    assert (tmp_path / "lines.csv").read_text(encoding="utf-8-sig").startswith("channel,account,settlement_id")
    (month,) = json.loads(said("month-end", "2026-09", "--to", str(tmp_path / "m.csv"), "--json").stdout)
    assert (month["channel"], month["settlements"]) == ("amazon", 1)
    assert "amazon EU" in said("month-end", "2026-09").stdout


@pytest.mark.usefixtures("deployment")
def test_rules_are_shown_and_a_new_version_is_applied(tmp_path: Path) -> None:
    (rules,) = json.loads(said("rules", "--channel", "amazon", "--json").stdout)
    assert rules["version"] == 1
    file = tmp_path / "rules.toml"
    file.write_text('channel = "amazon"\nversion = 2\nlabels = ["type"]\nrules = [["order", "goods"]]\n')
    assert "version 2 is in force" in said("rules", "--apply", str(file)).stdout
    assert said("rules", "--apply", str(file)).exit_code == 1
    assert "version 2, 1 rules" in said("rules", "--channel", "amazon").stdout


@pytest.mark.usefixtures("deployment")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "amazon/EU"), 2),
        (("show", "amazon/EU/404"), 1),
        (("explain", "amazon/EU/281"), 2),
        (("explain", "amazon/EU/281#999"), 1),
        (("month-end", "November"), 2),
        (("rules", "--channel", "moon"), 2),
        (("rules", "--apply", "nowhere.toml"), 2),
    ],
)
def test_a_wrong_word_ends_with_a_remedy(words: tuple[str, ...], code: int) -> None:
    result = said(*words)
    assert result.exit_code == code
    assert result.stderr.strip()
