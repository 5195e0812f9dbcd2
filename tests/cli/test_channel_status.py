"""Where the accounts stand, as an operator reads it: also of those that nobody has heard of yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.ports import Drift
from sandbox.core import SandboxOptions
from sandbox.twins import Twins
from store import drift
from store.database import Database
from tests.cli.command import Shell, shell
from tests.conftest import run_in_own_loop

SHOP = {"provider": "shopify", "base_url": "http://x", "credentials": {"access_token": "t"}}
CHANNELS = [
    {**SHOP, "account": "de", "legal_entity": "Camp GmbH", "currency": "EUR", "region": "DE"},
    {**SHOP, "account": "us", "legal_entity": "Camp Inc.", "currency": "USD"},
    {**SHOP, "provider": "walmart", "account": "US"},
]


@pytest.fixture
def commands(database_url: str, tmp_path: Path) -> Iterator[Shell]:
    file, twins = tmp_path / "connections.json", Twins(SandboxOptions())
    file.write_text(json.dumps({**twins.connections(), "channels": CHANNELS}))
    twins.sandbox.shelf.close()
    settings = {"ORDERYARD_DATABASE_URL": database_url, "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    with shell(**settings, ORDERYARD_CONNECTIONS_FILE=str(file)) as commands:
        yield commands


def test_connected_accounts_are_shown_with_whom_they_sell_for_before_anything_is_read(commands: Shell) -> None:
    told = commands.run("channels", "status", "--json").json()
    assert [(each["channel"], each["account"]) for each in told] == [
        ("shopify", "de"),
        ("shopify", "us"),
        ("walmart", "US"),
    ]
    assert (told[0]["legal_entity"], told[0]["region"], told[0]["currency"]) == ("Camp GmbH", "DE", "EUR")
    assert all(each["connected"] and each["last_success_at"] is None for each in told)
    assert len(commands.run("channels", "status", "--channel", "walmart", "--json").json()) == 1
    table = commands.run("channels", "status")
    assert (table.code, table.err) == (0, "")
    assert "Camp Inc., USD" in table.out
    assert "never" in table.out


def test_drift_is_counted_by_the_version_in_which_it_was_seen(commands: Shell, database_url: str) -> None:
    async def seen() -> None:
        database = Database(database_url)
        for version in ("2026-07", "2026-07", "2026-10"):
            async with database.session() as session:
                found = Drift(kind="unknown_field", path="line_items[].gift_story")
                await drift.count(session, "shopify", version, [found], event_id=1)
        await database.aclose()

    run_in_own_loop(seen())
    told = commands.run("channels", "status", "--channel", "shopify", "--json").json()
    assert {row["api_version"]: row["count"] for row in told[0]["drift"]} == {"2026-07": 2, "2026-10": 1}
    lines = [line for line in commands.run("channels", "status").out.splitlines() if "gift_story" in line]
    assert [("2026-07" in line, "2026-10" in line) for line in lines] == [(True, False), (False, True)]
