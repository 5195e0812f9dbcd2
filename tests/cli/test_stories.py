"""The demo's stories: told side by side, none holds the others up, and one that fails says for what it waited."""

from __future__ import annotations

import asyncio
import re

import pytest

from cli import programme
from cli.stage import Stage, StoryFailed
from cli.stories import Stories
from cli.stories_goods import Lorry
from cli.told import Told, print_stories
from models.order import OrderKey
from store.tables import OrderRow

KEY = OrderKey(channel="shopify", account="main", external_id="1")
NAMED = (
    "partial shipment|cancelled by the operator|cancelled by the channel|cancelled by the buyer|after the release"
    "|too late|hold: fraud|hold: address|hold: price|hold: payment|hold of the operator|change before|split over nodes"
    "|short pick|rejects|back-order|pre-order|bundle in parts|for sale again|broken|refused by inspection"
    "|after closing|goodwill"
    "|shipping paid back|replacement|two currencies|tax engine away|late event|repair by query"
)


class EmptyStage(Stage):
    """Where no order is known."""

    def __init__(self) -> None:
        self.gone: list[OrderKey] = []

    def let_go(self, key: OrderKey) -> None:
        self.gone.append(key)

    async def row(self, key: OrderKey) -> OrderRow | None:
        return None


def test_there_is_a_story_of_every_kind_that_the_field_knows() -> None:
    async def names() -> list[str]:
        return [name for name, _ in (*programme.before_payment(), *programme.after_closing())]

    told = asyncio.run(names())
    assert len(set(told)) == len(told)
    assert [kind for kind in NAMED.split("|") if not any(re.search(kind, name) for name in told)] == []


async def test_a_story_that_fails_says_why_and_the_others_go_on() -> None:
    async def good(stage: Stage, told: Told) -> str:
        told.of(KEY)
        return "shipped"

    async def bad(stage: Stage, told: Told) -> str:
        told.of(KEY)
        raise StoryFailed("it never came")

    stage = EmptyStage()
    stories = Stories(stage, [("bad", bad), ("good", good)])
    first, second = await stories.end()
    assert stories.over
    assert (first.failed, first.what, second.failed, second.what) == (True, "it never came", False, "shipped")
    assert stage.gone == [KEY, KEY]


async def test_a_lorry_waits_for_all_who_want_its_goods() -> None:
    arrived: list[str] = []

    class Yard(EmptyStage):
        async def deliver(self, item: str, node: str, units: int) -> None:
            arrived.append(f"{units} {item} at {node}")

    lorry, stage = Lorry(awaited=2), Yard()
    first = asyncio.create_task(lorry.come())
    driving = asyncio.create_task(lorry.drive(stage, Told("a delivery")))
    await asyncio.wait([driving], timeout=0.05)
    assert arrived == []
    await asyncio.gather(lorry.come(), first, driving)
    assert arrived == ["40 KAYAK at BER-1", "40 KAYAK at RNO-1"]


def test_the_table_of_stories_names_order_story_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    failed = Told("back-order", [KEY], "it never came", failed=True)
    print_stories([Told("goodwill", [KEY, KEY], "5.00 EUR done", state="closed"), failed])
    shown = capsys.readouterr().out
    for part in ("2 stories", "goodwill", "shopify/main/1 and 1 more", "5.00 EUR done", "closed", "FAILED"):
        assert part in shown
