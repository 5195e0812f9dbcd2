"""How an operator says where things ship from, and asks why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local import EXAMPLE_ROUTING
from cli.routing import begin_with
from models.fulfilment import Allocation, PickLine, RoutingRequest
from models.order import OrderKey
from models.routing import RoutingRules
from sandbox.goods import ITEMS
from store import reservations, routing, stock
from store.database import Database
from tests.cli.command import Shell, shell
from tests.conftest import run_in_own_loop
from tests.store.examples import NOON

KEY = OrderKey(channel="shopify", account="main", external_id="1001")


@pytest.fixture
def commands(database_url: str) -> Iterator[Shell]:
    with shell(ORDERYARD_DATABASE_URL=database_url, TEMPORAL_ADDRESS="127.0.0.1:1") as runner:
        yield runner


def reserve(url: str, *items: str) -> Allocation:
    """One of each item, by an order to Seattle at noon UTC of a Friday."""

    async def work() -> Allocation:
        database = Database(url)
        picks = tuple(PickLine(line_id=item, item=item, quantity=1) for item in items)
        async with database.session() as session:
            found = await routing.versions(session)
            at = found[0].applied_at if found else NOON
            levels = [stock.Level(item=item, node=node, on_hand=10) for item in items for node in ITEMS[item]]
            await stock.set_levels(session, levels)
        asked = RoutingRequest(order_key=KEY, decision=1, picks=picks, country="US", region="WA", at=at)
        async with database.session() as session:
            made = await reservations.reserve(session, asked)
        await database.aclose()
        return made

    return run_in_own_loop(work())


def test_the_rules_of_a_file_are_in_force_once_and_shown_with_their_history(commands: Shell, tmp_path: Path) -> None:
    before = commands.run("routing", "show")
    assert "fewest-parcels-0: the default" in before.out
    for news in ("new", "unchanged"):
        done = commands.run("routing", "apply", EXAMPLE_ROUTING, "--actor", "kim")
        assert done.code == 0
        assert f"rules nearest-first-1: {news}, since" in done.out
    assert "nodes BER-1, LEJ-2, RNO-1; not in the file: none" in done.out

    other = tmp_path / "cheap.json"
    other.write_text(json.dumps({"rules": {"name": "cheap", "criteria": ["cost"], "max_nodes": None}}))
    changed = commands.run("routing", "apply", other, "--json").json()
    assert (changed["rules"], changed["new"], changed["others"]) == ("cheap-2", True, ["BER-1", "LEJ-2", "RNO-1"])
    shown = commands.run("routing", "show", "--json").json()
    assert RoutingRules.model_validate(shown["in_force"]).label == "cheap-2"
    assert [(each["version"], each["applied_by"]) for each in shown["versions"]] == [(2, "operator"), (1, "kim")]


def test_a_file_that_cannot_be_meant_is_refused_with_field_value_and_remedy(commands: Shell, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("""
rules: {name: x, criteria: [cheapest], split_bundel: true, in_force_from: 2026-12-01}
nodes:
  - {name: A, time_zone: Berlin, cut_off: "25:00", country: Germany}
  - {capacity: many}
surplus: 1
""")
    refused = commands.run("routing", "apply", bad)
    assert (refused.code, refused.out) == (2, "")
    assert [line.split(": ", 2)[:2] for line in refused.err.splitlines()] == [
        ["rules.in_force_from", "'2026-12-01'"],
        ["rules.criteria[0]", "'cheapest'"],
        ["rules.split_bundel", "'true'"],
        ["nodes[0].country", "'Germany'"],
        ["nodes[0].time_zone", "'Berlin'"],
        ["nodes[0].cut_off", "'25:00'"],
        ["nodes[1].name", "it is missing"],
        ["nodes[1].capacity", "'many'"],
        ["surplus", "'1'"],
    ]
    assert "cut_off: '25:00': write a time of day as 14:00" in refused.err
    assert "surplus: '1': there is no such field: use nodes, rules" in refused.err
    assert "fewest-parcels-0" in commands.run("routing", "show").out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.yaml", None, "No such file"),
        ("list.yaml", "- 1", "it is no mapping: give `rules`, `nodes`, or both"),
        ("torn.json", "{", "give a file of YAML, or of JSON if its name ends in .json"),
        ("twice.yaml", "nodes: [{name: A}, {name: A}]", "A stands there twice: describe each node once"),
        ("whole.yaml", "rules: {name: x, criteria: [cost], split_units: no, split_bundles: yes}", "set both"),
    ],
)
def test_a_file_that_is_none_is_refused(
    commands: Shell, tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    refused = commands.run("routing", "apply", file, "--check")
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err


def test_rules_that_an_earlier_version_would_replace_are_refused(commands: Shell, tmp_path: Path) -> None:
    files = {day: tmp_path / f"{day}.yaml" for day in ("2099-01-02", "2099-01-01")}
    for day, file in files.items():
        file.write_text(f"rules: {{name: r{day}, criteria: [cost], in_force_from: '{day}T00:00:00Z'}}")
    assert commands.run("routing", "apply", files["2099-01-02"]).code == 0
    refused = commands.run("routing", "apply", files["2099-01-01"])
    assert refused.code == 2
    assert "in_force_from 2099-01-01 00:00 UTC is before that of version 1" in refused.err


def test_what_yaml_would_misread_is_read_as_it_is_written(commands: Shell, tmp_path: Path) -> None:
    """A country that is NO, a time that is 840 to YAML, and a cost that no binary fraction is."""
    file = tmp_path / "oslo.yaml"
    file.write_text("nodes: [{name: OSL-1, country: NO, serves: [NO], cut_off: 14:00, costs: {NO: 4.10}, capacity: ~}]")
    assert commands.run("routing", "apply", file).code == 0
    [node] = commands.run("nodes", "list", "--json").json()
    assert (node["country"], node["serves"], node["cut_off"]) == ("NO", ["NO"], "14:00:00")
    assert (node["costs"], node["capacity"]) == ({"NO": "4.10"}, None)


def test_why_a_node_ships_is_told_with_every_candidate_and_the_rules(commands: Shell, database_url: str) -> None:
    commands.run("routing", "apply", EXAMPLE_ROUTING)
    assert [plan.node for plan in reserve(database_url, "TENT-4P").nodes] == ["RNO-1"]
    told = commands.run("routing", "explain", str(KEY))
    assert told.code == 0
    assert "decision 1 of" in told.out
    assert "by nearest-first-1" in told.out
    assert "RNO-1 has everything; LEJ-2 would too, behind on nearest: 2 against 1" in told.out
    assert "ships  RNO-1: 1 x TENT-4P" in told.out
    assert "decided again from what was kept: the same" in told.out

    [explained] = commands.run("routing", "explain", str(KEY), "--json").json()
    assert explained["inputs"]["rules"]["name"] == "nearest-first"
    assert explained["inputs"]["shelves"]["stock"]["BER-1"] == {"TENT-4P": 10}
    assert {each["node"]: each["chosen"] for each in explained["body"]["considered"]} == {
        "BER-1": False,
        "LEJ-2": False,
        "RNO-1": True,
    }


def test_an_order_that_is_not_routed_is_said_to_be_so(commands: Shell) -> None:
    for arguments, said in ([], "no decision about"), (["--decision", "3"], "no decision 3 about"):
        told = commands.run("routing", "explain", str(KEY), *arguments)
        assert (told.code, told.out) == (1, "")
        assert said in told.err
    assert commands.run("routing", "explain", "nonsense").code == 2


def test_nodes_are_listed_with_what_today_took_of_them(commands: Shell, database_url: str) -> None:
    commands.run("routing", "apply", EXAMPLE_ROUTING)
    reserve(database_url, "TENT-4P", "MAT-FOAM")
    found = {node["name"]: node for node in commands.run("nodes", "list", "--json").json()}
    assert {name: (node["begun_today"], node["described"]) for name, node in found.items()} == {
        "BER-1": (1, True),
        "LEJ-2": (0, True),
        "RNO-1": (0, True),
    }
    table = commands.run("nodes", "list").out
    assert "14:00 Europe/Berlin" in table
    assert "US, CA, MX" in table


def test_a_stack_begins_with_the_example_and_leaves_what_an_operator_applied(
    commands: Shell, database_url: str, tmp_path: Path
) -> None:
    async def begin() -> None:
        database = Database(database_url)
        await begin_with(database, EXAMPLE_ROUTING)
        await database.aclose()

    for _ in range(2):
        run_in_own_loop(begin())
    other = tmp_path / "other.yaml"
    other.write_text("{rules: {name: mine, criteria: [cost]}, nodes: [{name: BER-1, active: false}]}")
    commands.run("routing", "apply", other)
    run_in_own_loop(begin())
    shown = commands.run("routing", "show", "--json").json()
    assert [each["name"] for each in shown["versions"]] == ["mine", "nearest-first"]
    assert {node["name"] for node in commands.run("nodes", "list", "--json").json() if node["active"]} == {
        "LEJ-2",
        "RNO-1",
    }
