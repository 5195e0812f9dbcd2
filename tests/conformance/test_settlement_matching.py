"""What each twin pays is exactly what its orders are to bring: nothing is left over, no fault is invented."""

from __future__ import annotations

from importlib import import_module

import pytest

from models.expected_money import expected_money
from models.matching import OrderMatch
from models.matching_order import match_order
from models.money import Money
from models.order import Order
from models.settlement import Settlement
from tests.conformance.stage import Stage, Stand
from tests.conformance.subject import Capability, Subject

CHANNELS = ("amazon", "mirakl", "shopify", "storefront", "walmart")


def matched(order: Order, settlements: list[Settlement], subject: Subject) -> OrderMatch:
    lines = [line for each in settlements for line in each.lines if line.order_id == order.key.external_id]
    assert lines
    return match_order(expected_money(order), lines, [], subject.format.settlement_rules, None)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_twin_pays_what_its_orders_are_to_bring(channel: str, stand: Stand) -> None:
    subject: Subject = import_module(f"tests.conformance.subjects.{channel}").SUBJECT
    stage = Stage(subject, stand)
    try:
        orders = [await stage.shipped() for _ in range(2)]
        if Capability.CHANNEL_TAX not in subject.without:
            orders.append(await stage.shipped(channel_tax=True))
        settlements = await stage.settled()
        for order in orders:
            result = matched(order, settlements, subject)
            assert result.faults == frozenset(), (order.key, result)
            assert not Money.total((each.residual for each in result.verdicts), order.currency)
    finally:
        await stage.aclose()


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_refund_that_the_order_tells_of_is_known_to_its_settlement(channel: str, stand: Stand) -> None:
    subject: Subject = import_module(f"tests.conformance.subjects.{channel}").SUBJECT
    stage = Stage(subject, stand)
    try:
        order = await stage.shipped()
        request = stage.refund(order)
        await stage.done(await stage.channel.refund(request, retry=False))
        settlements = await stage.settled()
        told = await stage.order(order.key.external_id)
        if not told.refunds:
            pytest.skip(f"{channel} does not state refunds in its orders: our own ledger of refunds knows them")
        assert matched(told, settlements, subject).faults == frozenset()
    finally:
        await stage.aclose()
