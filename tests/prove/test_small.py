"""The proofs in small, part of every test run: one product, plugs pulled in the middle of the work."""

import pytest

from tests.prove import scenes
from tests.prove.product import Product

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]


async def test_fifty_copies_of_one_webhook_and_the_poll_make_one_order(small: Product) -> None:
    await scenes.takes_copies_once(small)


async def test_the_poll_finds_the_orders_whose_webhooks_were_lost(small: Product) -> None:
    await scenes.captures_all_by_poll(small, losing=0.3, doubling=0.3)


async def test_lost_replies_errors_and_throttling_double_nothing(small: Product) -> None:
    await scenes.survives_faults(small, times=4)


async def test_killed_processes_lose_and_double_nothing(small: Product) -> None:
    await scenes.survives_kills(small, [(0.1, "gateway"), (0.25, "postgres"), (0.4, "temporal"), (0.6, "worker")])


async def test_everything_ended_and_started_again_goes_on_where_it_was(small: Product) -> None:
    await scenes.survives_the_end_of_everything(small, [0.4])
