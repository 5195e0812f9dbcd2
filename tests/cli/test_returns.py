"""Refunds, replacements and returns from the command line, against running workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from temporalio.client import Client

from models.order import ChannelState, Order
from models.return_process import opened_by
from models.returns import ReturnProcessState
from stack.temporal import NAMESPACE, LocalTemporal
from store import orders
from store.database import Database
from tests.cli.command import Ended, run
from tests.workflows.returns_world import a_sale, asked, ledger, reaches, shipped, start_return
from tests.workflows.world import World, eur
from workflows.returns import ReturnWorkflow

Run = Callable[..., Any]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture
async def world(temporal_client: Client, database: Database) -> AsyncIterator[World]:
    async with World(temporal_client, database) as world:
        yield world


@pytest.fixture
def starter(database_url: str, temporal_server: LocalTemporal) -> Run:
    """`python starter.py …` on this test's deployment; the workers go on meanwhile."""
    settings = {
        "ORDERYARD_DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "TEMPORAL_NAMESPACE": NAMESPACE,
    }

    async def command(*arguments: str) -> Ended:
        return await asyncio.to_thread(run, *arguments, settings=settings)

    return command


async def test_a_dry_run_shows_exact_lines_and_does_nothing(world: World, starter: Run) -> None:
    order = await shipped(world, a_sale())
    done = await starter("refund", str(order.key), "--line", "1=2", "--dry-run", "--json")
    told = done.json()
    assert (done.code, told["total"], told["paid"], told["left after it"]) == (
        0,
        "63.80 EUR",
        "95.70 EUR",
        "31.90 EUR",
    )
    shown = await starter("refund", str(order.key), "--amount", "5", "--dry-run")
    assert ("5.00 EUR" in shown.out, "90.70 EUR" in shown.out) == (True, True)
    assert await ledger(world, order) == []


async def test_a_refund_is_paid_once_however_often_it_is_asked_for(world: World, starter: Run) -> None:
    order = await shipped(world, a_sale())
    for _ in range(2):
        done = await starter("refund", str(order.key), "--line", "1=3", "--id", "late", "--json")
        assert (done.code, done.json()["state"], done.json()["total"]) == (0, "done", "95.70 EUR")
    assert [each.total for each in await ledger(world, order)] == [eur("95.70")]
    assert world.channel.count("refund") == 1
    more = await starter("refund", str(order.key), "--line", "1=1", "--json")
    assert (more.code, more.json()["why"]) == (1, "line 1: 1 units claimed, 0 may be refunded")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--line", "1"], "write LINE=UNITS"),
        (["--amount", "1=5.001"], "'5.001' is not an exact amount of EUR"),
        (["--paid-by-channel"], "say how much the channel has paid"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_the_remedy(
    world: World, starter: Run, options: list[str], words: str
) -> None:
    order = await shipped(world, a_sale())
    done = await starter("refund", str(order.key), *options)
    assert (done.code, words in done.err) == (2, True)


async def test_a_dearer_replacement_goes_on_once_it_is_paid(world: World, starter: Run) -> None:
    order = await shipped(world, a_sale())
    done = await starter("replace", str(order.key), "--line", "1=1:BOTTLE:50", "--json")
    key = order.key.model_copy(update={"external_id": f"{order.key.external_id}-X1"})
    assert (done.code, done.json()["order"], done.json()["buyer pays"]) == (0, str(key), "21.27 EUR")
    assert (await starter("replace", str(key), "--paid")).code == 0
    async with world.database.session() as session:
        row = await orders.get(session, key)
    assert row is not None
    assert row.order().state is ChannelState.OPEN
    await world.client.get_workflow_handle(key.workflow_id).terminate()
    assert "is no replacement" in (await starter("replace", str(order.key), "--paid")).err


async def review(world: World, order: Order) -> Any:
    handle = await start_return(world, opened_by(asked(order, 4), "c"))
    await reaches(handle, ReturnProcessState.REVIEW)
    return handle


async def test_a_return_is_requested_shown_inspected_and_paid(world: World, starter: Run) -> None:
    order = await shipped(world, a_sale())
    opened = (await starter("returns", "request", str(order.key), "--line", "1=1", "--id", "a", "--json")).json()
    handle = world.client.get_workflow_handle_for(ReturnWorkflow.run, opened["workflow"])
    await reaches(handle, ReturnProcessState.APPROVED)
    [listed] = (await starter("returns", "list", "--order", str(order.key), "--json")).json()
    assert (listed["return_id"], listed["state"]) == (opened["return"], "approved")
    found = await starter(
        "returns", "inspect", opened["return"], "--item", "MAT-FOAM=1:resell", "--node", "BER-1", "--receipt", "B1"
    )
    assert (found.code, found.err) == (0, "")
    await handle.result()
    shown = await starter("returns", "show", opened["workflow"])
    assert all(words in shown.out for words in ("closed", "31.90 EUR", "MAT-FOAM", "RET-1"))


async def test_a_return_in_review_is_decided_and_then_no_more(world: World, starter: Run) -> None:
    order = await shipped(world, a_sale())
    handle = await review(world, order)
    number = f"RT-{order.key.external_id}"
    assert (await starter("returns", "decide", number, "--accept", "--line", "1=1")).code == 0
    assert (await reaches(handle, ReturnProcessState.APPROVED)).wanted == {"1": 1}
    again = await starter("returns", "decide", number, "--refuse")
    assert (again.code, "is approved already" in again.err) == (1, True)
    assert (await starter("returns", "exchange", number)).code == 0
    assert (await handle.query(ReturnWorkflow.snapshot)).exchange is not None
    assert "no return nonsense" in (await starter("returns", "show", "nonsense")).err
