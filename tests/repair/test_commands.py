"""The commands of repair as a person runs them, against a worker that is a real process, and dies."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.repair import Outcome
from sandbox.core import SandboxOptions
from sandbox.twins import Twins
from stack.temporal import LocalTemporal
from tests.cli.command import Shell, run_each, running, shell
from tests.repair.scene import Scene, until

WORKER = ("worker.py", "--queues", "repair,breaker")


@pytest.fixture
def settings(database_url: str, temporal_server: LocalTemporal, tmp_path: Path) -> dict[str, str]:
    twins = Twins(SandboxOptions())
    file = tmp_path / "connections.json"
    file.write_text(json.dumps(twins.connections()))
    twins.sandbox.shelf.close()
    return {
        "ORDERYARD_DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "ORDERYARD_CONNECTIONS_FILE": str(file),
        "ORDERYARD_METRICS_PORT": "0",
        "ORDERYARD_BUILD_ID": "",  # A build that is not current gets no work.
    }


@pytest.fixture
def commands(settings: dict[str, str]) -> Iterator[Shell]:
    with shell(**settings) as runner:
        yield runner


async def run(commands: Shell, *arguments: str) -> tuple[int, str]:
    """Beside this loop, which runs the orders."""
    done = await asyncio.to_thread(commands.run, *arguments)
    return done.code, done.out + done.err


async def test_a_worker_that_is_killed_in_the_middle_of_a_repair_costs_nothing(
    scene: Scene, settings: dict[str, str], commands: Shell
) -> None:
    keys = await scene.park("erp order", 30)
    await scene.until_open(30)
    scene.agree(keys)
    words = ("--action", "retry", "--note", "the ERP is mended", "--actor", "ada", "--per-second", "10", "--json")
    with running(*WORKER, settings=settings) as first:
        code, out = await run(commands, "repair", "--query", "case=erp_declined", *words, "--apply", "--no-wait")
        assert code == 0, out
        repair_id = json.loads(out)["repair_id"]

        async def begun() -> bool:
            return (await scene.outcomes(repair_id)).get(Outcome.APPLIED, 0) >= 5

        await until(begun)
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    left = (await scene.outcomes(repair_id)).get("left", 0)
    with running(*WORKER, settings=settings):
        code, out = await run(commands, "repair", "apply", repair_id, "--json")
    assert (code, json.loads(out)["state"], json.loads(out)["outcomes"]) == (0, "done", {"applied": 30}), out
    assert left > 0
    assert await scene.results(keys) == ["done"] * 30
    assert set(Counter(scene.systems.done).values()) == {1}


async def test_a_dry_run_says_how_many_and_keeps_a_plan_that_is_applied_as_it_was_shown(
    scene: Scene, settings: dict[str, str], commands: Shell
) -> None:
    keys = await scene.park("tax", 3) + await scene.park("confirm", 1, channel="shopify")
    await scene.until_open(4)
    code, out = await run(commands, "repair", "--query", "channel=amazon and since=1h", "--action", "skip")
    assert (code, "3 open cases match" in out, "skip: possible for 3, not for 0" in out) == (0, True, True)
    assert "apply" not in out
    words = ("--action", "retry", "--note", "agreed", "--actor", "ada", "--json")
    code, out = await run(commands, "repair", "--query", "case=tax_declined", *words)
    told = json.loads(out)
    assert (told["count"], told["by_owner"], told["possible"]) == (3, {"finance": 3}, 3)
    scene.agree(keys)
    with running(*WORKER, settings=settings):
        assert (await run(commands, "repair", "apply", told["repair_id"]))[0] == 0
    assert [case.order_key.channel for case in await scene.open_cases()] == ["shopify"]
    code, out = await run(commands, "repair", "show", told["repair_id"])
    assert all(word in out for word in ("agreed", "ada", "case=tax_declined", "applied"))
    code, out = await run(commands, "repair", "list", "--json")
    assert [each["outcomes"] for each in json.loads(out)] == [{"applied": 3}]


async def test_calls_to_a_system_are_stopped_and_resumed_by_hand(settings: dict[str, str], commands: Shell) -> None:
    async def standing() -> dict[str, str]:
        _, out = await run(commands, "systems", "status", "--json")
        (notify,) = [each for each in json.loads(out) if each["system"] == "notify"]
        return dict(notify)

    async def stopped() -> bool:
        return (await standing())["calls"] == "stopped"

    async def going() -> bool:
        return (await standing())["calls"] != "stopped"

    with running(*WORKER, settings=settings):
        code, out = await run(commands, "systems", "pause", "notify", "--reason", "a flood", "--actor", "ada")
        assert code == 0, out
        await until(stopped)
        assert (await standing())["why"] == "a flood"
        assert (await run(commands, "systems", "resume", "notify", "--actor", "bob"))[0] == 0
        await until(going)
        code, out = await run(commands, "systems", "trips", "notify", "--json")
        assert [(each["actor"], each["reason"]) for each in json.loads(out)] == [("ada", "a flood")]


def test_what_cannot_be_meant_is_refused_with_the_remedy(settings: dict[str, str]) -> None:
    refused = {
        ("repair",): "which cases?",
        ("repair", "--query", "chanel=amazon"): "use one of channel",
        ("repair", "--query", "channel=amazon", "--apply"): "--note",
        ("repair", "--query", "channel=amazon", "--action", "amend"): "go together",
        ("repair", "--query", "channel=amazon", "--action", "amend", "--amend", '{"shipto": {}}'): "shipto",
        ("repair", "--query", "channel=amazon", "--action", "amend", "--amend", '{"ship_to": {"zip": "1"}}'): "zip",
        ("repair", "--query", "channel=amazon", "--action", "amend", "--amend", "{}"): "nothing to change",
        ("repair", "show", "R-1"): "no repair R-1",
        ("repair", "stop", "R-1"): "does not run",
        ("systems", "pause", "teleport", "--reason", "x"): "no queue 'teleport'; use one of erp",
        ("systems", "resume", "wms"): "are not stopped",
        ("tax-codes", "set", "TENT", " "): "give an item and a code",
        ("channels", "resume", "etsy/EU"): "no connection etsy/EU",
        ("blast-radius", "--channel", "etsy", "--mapping-version", "1"): "use one of amazon",
        ("blast-radius", "--channel", "amazon", "--mapping-version", "1", "--apply"): "--note",
    }
    for (command, told), done in zip(refused.items(), run_each(list(refused), settings), strict=True):
        assert done.code in (1, 2), command
        assert told in done.out + done.err, (command, done.out + done.err)


def test_fixes_say_how_many_orders_they_release(settings: dict[str, str]) -> None:
    done = run_each(
        [
            ("tax-codes", "set", "TENT-4P", "P0000000", "--actor", "ada"),
            ("tax-codes", "list", "--json"),
            ("channels", "resume", "amazon/US-1"),
            ("blast-radius", "--channel", "amazon", "--mapping-version", "1", "--json"),
        ],
        settings,
    )
    assert [each.code for each in done] == [0, 0, 0, 0], [each.err for each in done]
    assert "TENT-4P: the default -> P0000000; 0 waiting orders are tried again" in done[0].out
    assert [(row["item"], row["actor"]) for row in done[1].json()] == [("TENT-4P", "ada")]
    assert "amazon/US-1: 0 waiting orders" in done[2].out
    assert (done[3].json()["orders"], done[3].json()["money"]) == (0, [])
