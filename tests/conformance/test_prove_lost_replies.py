"""Acceptance: outside writes that succeed, and whose replies are lost, once or twice in a row: none has two effects."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.conformance.lost_replies import Tally, of_channel
from tests.conformance.lost_system_replies import of_systems
from tests.conformance.stage import Stand
from tests.conformance.test_channels import names_in

pytestmark = pytest.mark.asyncio(loop_scope="session")
SMALL = ("storefront", "walmart")


async def prove(stand: Stand, channels: list[str], times: int) -> None:
    tallies: list[Tally] = await of_systems(times)
    for channel in channels:
        tallies += await of_channel(import_module(f"tests.conformance.subjects.{channel}").SUBJECT, stand, times)
    print("\n" + "\n".join(str(tally) for tally in tallies))
    written, lost = sum(tally.times for tally in tallies), sum(tally.lost for tally in tallies)
    doubled = sum(tally.doubled for tally in tallies)
    print(f"{len(tallies)} kinds of writes × {times} = {written}, {lost} replies lost: {doubled} doubled effects")
    assert doubled == 0
    assert len(tallies) >= 12


async def test_writes_whose_replies_are_lost_have_one_effect(stand: Stand) -> None:
    await prove(stand, list(SMALL), times=2)


@pytest.mark.prove
@pytest.mark.timeout(1800)
async def test_fifty_of_each_write_whose_replies_are_lost_have_one_effect(stand: Stand) -> None:
    await prove(stand, [name for name in names_in("subjects") if name != "bazaar"], times=50)
