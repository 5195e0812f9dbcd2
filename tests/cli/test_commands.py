"""What every command says of itself, and what it says where it can do nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.command import run, run_each

COMMANDS = {
    "up": ["--quota-scale", "--poll-seconds"],
    "demo": ["--orders", "--count", "--seed", "--json", "--keep"],
    "sandbox": ["--port", "--state", "--webhooks-to", "--orders", "--seed", "--quota-scale", "--ship-delay"],
    "parse": ["--account", "--json"],
    "ingest": ["--account", "--json"],
    "settle": ["--channel", "--account", "--json"],
    "order list": ["--state", "--channel", "--limit", "--json"],
    "order show": ["--json"],
    "order cancel": ["--line", "--reason", "--why", "--actor", "--json"],
    "order hold": ["--reason", "--expires", "--on-expiry", "--actor"],
    "order change": ["--ship-to", "--service", "--sku", "--quantity", "--reason", "--actor"],
    "exceptions list": ["--kind", "--channel", "--all", "--json"],
    "exceptions resolve": ["--actor", "--note", "--ship-to", "--service-level", "--sku"],
    "refund": ["--line", "--amount", "--shipping", "--reason", "--id", "--dry-run", "--actor", "--json"],
    "replace": ["--line", "--reason", "--paid", "--actor", "--json"],
    "returns list": ["--state", "--order", "--limit", "--json"],
    "returns show": ["--json"],
    "returns request": ["--line", "--reason", "--id", "--actor", "--json"],
    "returns decide": ["--accept", "--refuse", "--order", "--line", "--reason", "--actor"],
    "returns inspect": ["--item", "--receipt", "--node", "--note", "--actor"],
    "returns exchange": ["--line", "--note", "--actor"],
    "dead-letters list": ["--channel", "--reason", "--json"],
    "dead-letters replay": ["--all"],
    "inventory reconcile": ["--grace-seconds", "--json"],
    "inventory show": ["--json"],
    "schedules apply": ["--poll-seconds", "--json"],
    "listings map": ["--floor", "--available-from"],
    "rates set": ["--on", "--source"],
    "rates list": ["--currency", "--json"],
    "routing show": ["--json"],
    "routing apply": ["--actor", "--check", "--json"],
    "routing explain": ["--decision", "--json"],
    "nodes list": ["--json"],
    "versions": ["--json"],
    "versions set-current": [],
    "versions ramp": [],
    "versions rescue": ["--query", "--to", "--dry-run", "--yes"],
    "versions check": ["--query", "--json"],
}


def test_the_help_names_every_command() -> None:
    done = run("--help")
    assert done.code == 0
    assert all(name.split()[0] in done.out for name in COMMANDS)


def test_each_command_explains_itself_and_its_options() -> None:
    ended = run_each([[*command.split(), "--help"] for command in COMMANDS])
    for (command, options), done in zip(COMMANDS.items(), ended, strict=True):
        assert done.code == 0
        assert f"starter.py {command}" in done.out
        assert [option for option in options if option not in done.out] == []


def test_where_no_stack_runs_every_command_that_needs_one_says_how_to_start_it(tmp_path: Path) -> None:
    commands = [
        ["order", "list"],
        ["order", "show", "shopify/main/1"],
        ["order", "cancel", "shopify/main/1"],
        ["order", "hold", "shopify/main/1", "--reason", "the buyer called"],
        ["order", "change", "shopify/main/1", "--service", "express"],
        ["rates", "set", "USD", "EUR", "0.92"],
        ["exceptions", "list", "--json"],
        ["exceptions", "resolve", "some-case", "retry"],
        ["refund", "shopify/main/1", "--shipping"],
        ["replace", "shopify/main/1", "--line", "1=1"],
        ["returns", "list"],
        ["returns", "show", "RMA-1"],
        ["dead-letters", "list"],
        ["inventory", "show"],
        ["inventory", "reconcile"],
        ["dead-letters", "replay", "1"],
        ["schedules", "apply"],
        ["listings", "map", "shopify", "SKU", "ITEM"],
        ["routing", "show"],
        ["routing", "explain", "shopify/main/1"],
        ["nodes", "list"],
        ["versions"],
        ["versions", "set-current", "1.0"],
        ["versions", "rescue", "shopify/main/1"],
        ["ingest", "shopify", "starter.py"],
        ["settle", "starter.py"],
    ]
    for command, done in zip(commands, run_each(commands, {"ORDERYARD_DATA_DIR": str(tmp_path)}), strict=True):
        assert (command, done.code, done.out) == (command, 2, "")
        assert done.err.strip() == (
            f"no stack runs in {tmp_path}: start one with `python starter.py up`,"
            " or set ORDERYARD_DATABASE_URL and TEMPORAL_ADDRESS"
        )


def test_a_process_ends_with_the_code_of_its_command(tmp_path: Path) -> None:
    done = run("order", "list", settings={"ORDERYARD_DATA_DIR": str(tmp_path)})
    assert (done.code, done.out) == (2, "")
    assert "no stack runs in" in done.err


def test_a_store_that_does_not_answer_is_told_in_one_line() -> None:
    nowhere = {"ORDERYARD_DATABASE_URL": "postgresql://u:tell-nobody@127.0.0.1:1/x", "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    (done,) = run_each([["order", "list"]], nowhere)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("PostgreSQL does not answer: ")
    assert len(done.err.splitlines()) == 1
    assert "tell-nobody" not in done.err


def test_a_temporal_that_does_not_answer_is_told_with_its_address(settings: dict[str, str]) -> None:
    (done,) = run_each([["order", "cancel", "shopify/main/1"]], settings)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Temporal does not answer at 127.0.0.1:1")


def test_arguments_that_cannot_be_meant_are_refused_before_anything_is_done(settings: dict[str, str]) -> None:
    cases = [
        (["order", "show", "1"], "write channel/account/external-id"),
        (["order", "show", "shopify//1"], "write channel/account/external-id"),
        (["order", "cancel", ""], "write channel/account/external-id"),
        (["order", "cancel", "a/b/1", "--line", "1"], "--line 1: write LINE=UNITS"),
        (["order", "cancel", "a/b/1", "--line", "1=0"], "--line 1=0: 0 units are none: give 1 or more"),
        (["order", "cancel", "a/b/1", "--line", "1=1", "--line", "1=2"], "line 1 is named twice"),
        (["order", "cancel", "a/b/1", "--why", "boredom"], "'boredom' is not one of"),
        (["order", "hold", "a/b/1", "--reason", " "], "say why the order is held"),
        (["order", "hold", "a/b/1", "--reason", "x", "--expires", "soon"], "--expires soon: not a time: write 30m"),
        (["order", "hold", "a/b/1", "--reason", "x", "--expires", "2026-01-01"], "that has passed already"),
        (
            ["order", "hold", "a/b/1", "--reason", "x", "--on-expiry", "retry"],
            "a hold ends by itself in skip or cancel",
        ),
        (["order", "change", "a/b/1"], "say what changes"),
        (["order", "change", "a/b/1", "--quantity", "1=less"], "--quantity 1=less: write LINE=UNITS"),
        (["order", "change", "a/b/1", "--ship-to", "[]"], "--ship-to is not an address"),
        (["rates", "set", "USD", "dollars", "1"], "'dollars' is not a currency"),
        (["rates", "set", "USD", "EUR", "0"], "rate '0': write a number above 0"),
        (["rates", "set", "EUR", "eur", "1"], "a currency needs no rate into itself"),
        (["rates", "set", "USD", "EUR", "1", "--on", "1 May"], "--on 1 May: not a day: write YYYY-MM-DD"),
        (["listings", "map", "shopify", "S", "I", "--floor", "12.5"], "write the amount and its currency"),
        (["listings", "map", "shopify", "S", "I", "--available-from", "May"], "--available-from May: not a day"),
        (["exceptions", "resolve", "c", "amend", "--ship-to", "{"], "--ship-to is not an address"),
        (["exceptions", "resolve", "c", "amend", "--sku", "1"], "write LINE=SKU"),
        (["exceptions", "resolve", "c", "amend", "--sku", "1=A", "--sku", "1=B"], "each line once"),
        (["exceptions", "resolve", "c", "explode"], "'explode' is not one of"),
        (["listings", "map", "shopify", "SKU", "ITEM=many"], "is not ITEM=QUANTITY:SHARE"),
        (["listings", "map", "shopify", "SKU", "ITEM=0"], "is not ITEM=QUANTITY:SHARE"),
        (["listings", "map", "shopify", "SKU"], "Missing argument"),
        (["order", "list", "--limit", "0"], "--limit"),
        (["order", "list", "--state", "lost"], "'lost' is not one of"),
        (["schedules", "apply", "--poll-seconds", "0"], "--poll-seconds"),
        (["sandbox", "--port", "99999"], "--port"),
        (["dead-letters", "replay"], "give event numbers, or --all"),
        (["parse", "ebay", "file.json"], "'ebay' is not one of"),
        (["parse", "shopify"], "Missing argument"),
        (["parse", "shopify", "file.json", "--colour"], "No such option"),
    ]
    for (command, told), done in zip(cases, run_each([command for command, _ in cases], settings), strict=True):
        assert (command, done.code, done.out) == (command, 2, "")
        assert told in done.err


def test_a_store_without_anything_in_it_lists_nothing(settings: dict[str, str]) -> None:
    lists = [[*command.split(), "--json"] for command in ("order list", "exceptions list", "dead-letters list")]
    *listed, unknown, nothing = run_each(
        [*lists, ["order", "show", "shopify/main/1"], ["dead-letters", "replay", "--all"]], settings
    )
    assert [(done.code, done.json()) for done in listed] == [(0, [])] * 3
    assert (unknown.code, unknown.out) == (1, "")
    assert "no order shopify/main/1" in unknown.err
    assert nothing.code == 0


@pytest.fixture
def settings(database_url: str) -> dict[str, str]:
    """A store, and no engine."""
    return {"ORDERYARD_DATABASE_URL": database_url, "TEMPORAL_ADDRESS": "127.0.0.1:1"}


def test_a_rate_is_entered_corrected_and_listed(settings: dict[str, str]) -> None:
    first, second, listed, others = run_each(
        [
            ["rates", "set", "usd", "EUR", "0.9", "--on", "2026-11-02"],
            ["rates", "set", "USD", "EUR", "0.92", "--on", "2026-11-02", "--source", "ECB"],
            ["rates", "list", "--json"],
            ["rates", "list", "--currency", "GBP", "--json"],
        ],
        settings,
    )
    assert (first.code, first.out.strip()) == (0, "1 USD = 0.9 EUR from 2026-11-02 on")
    assert second.code == 0
    (rate,) = listed.json()
    assert (rate["currency"], rate["books_currency"], rate["valid_on"]) == ("USD", "EUR", "2026-11-02")
    assert (Decimal(rate["rate"]), rate["source"]) == (Decimal("0.92"), "ECB")
    assert others.json() == []


def test_a_listing_is_mapped_with_its_floor_price_and_its_first_day(settings: dict[str, str]) -> None:
    again = ["listings", "map", "shopify", "SKU-1", "ITEM=2:1"]
    priced, plain = run_each([[*again, "--floor", "12.50EUR", "--available-from", "2027-01-31"], again], settings)
    assert (priced.code, priced.out.strip()) == (0, "shopify SKU-1: version 1")
    assert (plain.code, plain.out.strip()) == (0, "shopify SKU-1: version 2")
