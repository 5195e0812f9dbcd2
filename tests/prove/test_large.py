"""The long proofs: 200 orders each, on a product of its own (`make prove`)."""

from pathlib import Path

import pytest

from tests.prove import capturing, scenes
from tests.prove.product import Product

P99 = 100.0
"""Milliseconds."""
pytestmark = [pytest.mark.prove, pytest.mark.timeout(1500)]


@pytest.mark.parametrize(("name", "kills"), [("worker", 4), ("gateway", 4), ("temporal", 3), ("postgres", 3)])
async def test_200_orders_survive_kills_at_chance_moments(large: Product, name: str, kills: int) -> None:
    at = [(share, name) for share in scenes.moments(kills, seed=kills)]
    await scenes.survives_kills(large, at, while_money_comes=name)


async def test_200_orders_survive_two_ends_of_everything(large: Product) -> None:
    await scenes.survives_the_end_of_everything(large, scenes.moments(2, seed=5))


async def test_200_orders_survive_faults_of_every_outside_system(large: Product) -> None:
    await scenes.survives_faults(large)


async def test_fifty_copies_of_one_webhook_and_the_poll_make_one_order(large: Product) -> None:
    await scenes.takes_copies_once(large)


async def test_200_orders_are_captured_when_webhooks_are_lost_and_doubled(large: Product) -> None:
    await scenes.captures_all_by_poll(large, losing=0.05, doubling=0.1)


async def test_1000_orders_are_captured_after_two_poll_cycles(thousand: Product) -> None:
    await capturing.captures_all_after_two_cycles(thousand)


async def test_a_minute_of_webhooks_is_acknowledged_in_time_while_the_erp_is_dead(
    bereft: Product, tmp_path: Path
) -> None:
    acknowledged = await capturing.acknowledges_while_the_erp_is_dead(bereft, tmp_path, seconds=60)
    assert acknowledged.statuses == {200: 6000}
    assert acknowledged.percentile(0.99) <= P99
