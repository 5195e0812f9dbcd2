"""Scenarios: data that tells the same story each time, and says clearly what it cannot mean."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.app import create_app
from sandbox.core import SandboxOptions
from sandbox.goods import UNMAPPED_SKU
from sandbox.scenario import Chances, Scenario, ScenarioError, load_scenario, names
from sandbox.traits import COPIES, Traits, draw

CHANNELS = ("amazon", "shopify", "walmart", "mirakl", "storefront")
MANY = 2000


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    return file


def stories(channel: str, scenario: Scenario | None = None, count: int = MANY) -> list[Traits]:
    return [draw(7, channel, number, scenario) for number in range(1, count + 1)]


@pytest.mark.parametrize("name", ["everyday", "demo", "rough", "calm"])
def test_every_scenario_of_the_house_can_be_told(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.about
    assert name in names()
    assert all(draw(scenario.seed, channel, 1, scenario).items for channel in CHANNELS)


@pytest.mark.parametrize("name", names())
def test_every_scenario_of_the_house_fits_the_sandbox_as_it_is(name: str) -> None:
    app = create_app(SandboxOptions.in_scenario(name, base_url="http://sandbox.test"))
    assert set(app.state.twins.channels) == set(CHANNELS)


@given(st.integers(0, 2**31), st.sampled_from(CHANNELS), st.integers(1, 10_000))
def test_the_same_seed_tells_the_same_story(seed: int, channel: str, number: int) -> None:
    assert draw(seed, channel, number) == draw(seed, channel, number)


def test_another_seed_tells_another_story() -> None:
    assert [draw(1, "amazon", number) for number in range(9, 40)] != [
        draw(2, "amazon", number) for number in range(9, 40)
    ]


@pytest.mark.parametrize("channel", CHANNELS)
def test_everyday_buyers_behave_as_often_as_the_scenario_says(channel: str) -> None:
    told = stories(channel)
    often = {trait: sum(bool(getattr(each, trait)) for each in told) / MANY for trait in Chances.model_fields}
    assert often["cancel"] == pytest.approx(0.04, abs=0.015)
    assert often["asks_to_cancel"] == pytest.approx(0.01, abs=0.008)
    assert often["returns"] == pytest.approx(0.03, abs=0.013)
    assert often["lose_webhook"] == pytest.approx(0.03, abs=0.013)
    assert often["cancels_part"] == 0
    copies = Counter(each.duplicates for each in told)
    assert set(copies) == {1, COPIES}
    assert copies[COPIES] / MANY == pytest.approx(0.1, abs=0.025)


def test_the_first_orders_are_one_of_each_special_kind() -> None:
    for channel in CHANNELS:
        first = stories(channel, count=8)
        assert ([listing.sku for listing, _ in first[0].items], first[0].duplicates) == (["CAMP-STARTER"], 3)
        assert [listing.sku for listing, _ in first[1].items] == ["MAT-01", "BOTTLE-1"]
        assert [units for _, units in first[2].items] == [3]
        assert first[3].channel_tax
        assert first[5].cancel
        assert first[7].lose_webhook
    assert draw(7, "amazon", 4).channel_fulfilled
    assert draw(7, "walmart", 4).channel_fulfilled


def test_what_nobody_mapped_and_what_no_tax_engine_takes_is_sold_in_the_shop_alone() -> None:
    unmapped = {
        c for c in CHANNELS for n in range(1, 200) for listing, _ in draw(7, c, n).items if listing.sku == UNMAPPED_SKU
    }
    troubled = {channel for channel in CHANNELS for number in range(1, 200) if draw(7, channel, number).tax_trouble}
    assert unmapped == troubled == {"shopify"}


def test_to_make_one_trait_certain_changes_no_other(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, "like: everyday\nchances: {gift: 1}\n"))
    for plain, gifted in zip(stories("mirakl", count=100)[8:], stories("mirakl", scenario, 100)[8:], strict=True):
        assert gifted == Traits(**{**vars(plain), "gift": True})


def test_a_scenario_says_only_what_differs(tmp_path: Path) -> None:
    mine = load_scenario(written(tmp_path, "like: rough\nseed: 99\nwebhooks: {lost: 0.5}\n"))
    rough = load_scenario("rough")
    assert (mine.seed, mine.webhooks.lost, mine.webhooks.doubled) == (99, 0.5, rough.webhooks.doubled)
    assert (mine.faults, mine.chances, mine.channels) == (rough.faults, rough.chances, rough.channels)


def test_the_rough_day_is_as_rough_as_the_acceptance_asks_for() -> None:
    rough = load_scenario("rough")
    assert (rough.webhooks.lost, rough.webhooks.doubled, rough.webhooks.held_back) == (0.05, 0.1, 0.1)
    assert {(fault.operation.split(".")[0], fault.probability) for fault in rough.faults} == {
        (c, 0.02) for c in CHANNELS
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chances: {cancel: 1.5}", ["mine.yaml: chances.cancel", "1.5"]),
        ("chances: {cancels: 0.5}", ["chances.cancels", "not permitted", "0.5"]),
        ("quota_scale: 0", ["quota_scale", "0"]),
        ("seed: soon", ["seed", "'soon'"]),
        ("first: {1: {items: {UNICORN: 1}}}", ["first.1.items", "UNICORN", "CAMP-STARTER"]),
        ("first: {0: {}}", ["first.0", "greater than 0"]),
        ("channels: {amazon: {chances: {gift: -1}}}", ["channels.amazon.chances.gift", "-1"]),
        ("faults: [{operation: amazon.search_orders, kind: sulk}]", ["faults.0.kind", "'sulk'", "throttle"]),
        ("delays: {ship: -1}", ["delays.ship", "-1"]),
        ("like: nobody", ["no scenario 'nobody'", "everyday", "rough"]),
        ("- a\n- list", ["fields are expected"]),
        ("seed: [", ["mine.yaml", "line"]),
    ],
)
def test_what_cannot_be_meant_is_named_by_file_field_and_value(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ScenarioError) as refused:
        load_scenario(written(tmp_path, text))
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_scenario_that_is_like_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"like: {file}\n")
    with pytest.raises(ScenarioError, match="circle"):
        load_scenario(file)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"channels": {"ebay": {}}}, ["ebay", "amazon"]),
        (
            {"faults": [{"operation": "amazon.make_coffee", "kind": "error"}]},
            ["faults.0.operation", "amazon.make_coffee"],
        ),
    ],
)
def test_a_scenario_of_what_the_sandbox_does_not_have_is_refused(said: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ScenarioError) as refused:
        Scenario.model_validate(said).check({"amazon": None}, {"amazon.search_orders"})
    assert [word for word in words if word not in str(refused.value)] == []


def test_what_is_asked_for_comes_before_what_the_scenario_says() -> None:
    options = SandboxOptions.in_scenario("demo", seed=5, quota_scale=None, ship_delay=0.0)
    assert (options.seed, options.quota_scale, options.ship_delay) == (5, 200, 0.0)
    assert options.scenario == load_scenario("demo")
