"""An order of which units were cancelled brings exactly what its process expects of the channel, before refunds.

Some channels take the units off the order; others charge all of it and pay the units back, which is a refund.
"""

from __future__ import annotations

from importlib import import_module

import pytest

from models.expected import receivable
from models.money import Money
from models.order import Order
from models.settlement import RECEIVABLE, Settlement
from tests.conformance.stage import Stage, Stand
from tests.conformance.subject import Capability, Subject

CHANNELS = ("amazon", "mirakl", "shopify", "storefront", "walmart")


def paid(order: Order, settlements: list[Settlement]) -> Money:
    """What an order's process counts as received."""
    lines = [line for each in settlements for line in each.lines if line.order_id == order.key.external_id]
    assert lines
    return Money.total((line.amount for line in lines if line.type in RECEIVABLE), order.currency)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("channel_tax", [False, True])
@pytest.mark.parametrize("channel", CHANNELS)
async def test_an_order_without_one_of_its_units_settles_to_the_cent(
    channel: str, channel_tax: bool, stand: Stand
) -> None:
    subject: Subject = import_module(f"tests.conformance.subjects.{channel}").SUBJECT
    for lacks in (Capability.CANCEL_PART, *((Capability.CHANNEL_TAX,) if channel_tax else ())):
        if why := subject.without.get(lacks):
            pytest.skip(why)
    stage = Stage(subject, stand)
    try:
        before = await stage.shippable(channel_tax=channel_tax)
        first = before.lines[0]
        await stage.done(await stage.channel.cancel(stage.cancellation(before, {first.line_id: 1}), retry=False))
        after = await stage.order(before.key.external_id)
        rest = {line.line_id: line.open for line in before.lines}
        rest[first.line_id] -= 1
        await stage.channel.confirm(stage.parcel(before, rest), retry=False)
        settlements = await stage.settled()
        since = {first.line_id: 1 - after.lines[0].cancelled}
        assert paid(before, settlements) == receivable(after, since)
    finally:
        await stage.aclose()
