"""Stories of goods and money that go back, of books in two currencies, of systems that are away, and of repair."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from cli import repairing
from cli.repairing import Wish
from cli.stage import Stage, StoryFailed
from cli.stories_goods import line_of, parcels
from cli.told import Told
from models import case_query
from models.case import Action, Amendment, CaseKind
from models.channel import RefundReason
from models.messages import OrderState
from models.money import Money
from models.order import OrderKey
from models.return_process import ReturnFile
from sandbox.wms_returns import PieceBack

PARKED = 5


async def returned_for_sale(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"TENT-4P-GRN": 2}))
    file = await _sent_back(stage, key, 2, PieceBack(item="TENT-4P", quantity=2, condition="resell"))
    return f"two units back on the shelf; {_end(file)}"


async def returned_broken(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"HEADLAMP": 3}))
    file = await _sent_back(stage, key, 1, PieceBack(item="LAMP-HEAD", quantity=1, condition="scrap"))
    return f"one of three units, broken: written off and paid back; {_end(file)}"


async def returned_used(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"STOVE-01": 1}))
    file = await _sent_back(stage, key, 1, PieceBack(item="STOVE-GAS", quantity=1, condition="reject"))
    return f"used by the buyer: neither restocked nor paid back; {_end(file)}"


async def _sent_back(stage: Stage, key: OrderKey, units: int, piece: PieceBack) -> ReturnFile:
    seen = await stage.shipped(key)
    line = line_of(seen)
    file = await stage.request_return(key, {line: units}, f"demo: {piece.condition}")
    await stage.send_back(file, piece.model_copy(update={"line_reference": line}))
    return await stage.returned(file)


def _end(file: ReturnFile) -> str:
    return f"return {file.state}: {file.history[-1].cause}"


async def goodwill(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("shopify", {"BAG-40": 1}))
    seen = await stage.shipped(key)
    assert seen.expected is not None
    share = Money.of("5" if seen.expected.currency == "JPY" else "5.00", seen.expected.currency)
    paid = await stage.refund(key, "scratch", RefundReason.GOODWILL, amounts={line_of(seen): share})
    return f"goodwill for a scratch: {paid}, with a credit note"


async def shipping_refund(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"MAT-01": 1}))
    await stage.shipped(key)
    paid = await stage.refund(key, "late", RefundReason.GOODWILL, shipping=True)
    return f"shipping paid back for a late parcel: {paid}"


async def exchange(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"HEADLAMP": 1}))
    seen = await stage.shipped(key)
    other = told.of(await stage.replace(key, line_of(seen), RefundReason.NOT_RECEIVED))
    return f"lost on its way: {other} sends it again without a price; {parcels(await stage.shipped(other))}"


async def two_currencies(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"SOCKS-3PACK": 1}, channel_tax=True))
    seen = await stage.shipped(key)
    assert seen.expected is not None
    return (
        f"sold by Camp Deutschland GmbH in {seen.expected.currency}, booked in EUR at the rate of the day;"
        f" shipped by Camp America Inc: {parcels(seen)}"
    )


async def degraded_tax(stage: Stage, told: Told) -> str:
    fault = {"operation": "tax.create", "kind": "error", "status": 503, "key": "BAG-40"}
    number = await stage.run.trouble(fault)
    key = told.of(await stage.sell("storefront", {"BAG-40": 1}))
    seen = await stage.see(key, lambda seen: "tax" in seen.degraded, "degraded tax")
    how = seen.degraded["tax"]
    await stage.run.heal(number)
    await stage.see(key, lambda seen: not seen.degraded, "healed tax")
    return f"{how}; recorded once the engine was back; {parcels(await stage.shipped(key))}"


async def repaired(stage: Stage, told: Told) -> str:
    """Several orders stop at the same step for the same cause; one decision resumes them all there."""
    number = await stage.run.trouble({"operation": "fraud.assess", "kind": "decline", "key": "amazon/"})
    keys = [told.of(await stage.sell_alone("amazon", {"HEADLAMP": 1})) for _ in range(PARKED)]
    await asyncio.gather(*(stage.case(key, CaseKind.FRAUD_REVIEW) for key in keys))
    await stage.run.heal(number)
    query = "channel=amazon and case=fraud_review"
    wish = Wish(query, Action.RETRY, Amendment(), "the service knows the country again", "demo operator", 20)
    planned = await repairing.planned(stage.run.database, case_query.parse(query, datetime.now(UTC)), wish)
    if planned.repair is None:
        raise StoryFailed(f"no repair was planned for {query}")
    await repairing.start(stage.run.database, stage.run.client, planned.repair.repair_id, wait=True)
    for key in keys:
        await stage.shipped(key)
    return f'repair --query "{query}": {len(planned.cases)} in the dry run, each resumed where it had stopped'


async def returned_after_closing(stage: Stage, told: Told) -> str:
    key = told.of(await _closed(stage, "storefront"))
    row = await stage.row(key)
    assert row is not None
    item = {"HEADLAMP": "LAMP-HEAD"}[row.order().lines[0].sku]
    file = await _sent_back(stage, key, 1, PieceBack(item=item, quantity=1, condition="resell"))
    return f"the order was closed already; {_end(file)}"


async def _closed(stage: Stage, channel: str) -> OrderKey:
    key = await stage.sell(channel, {"HEADLAMP": 1})
    await stage.shipped(key)
    await stage.run.close_period()
    seen = await stage.ended(key)
    if seen.state is not OrderState.CLOSED:
        raise StoryFailed(f"{key} ended as {seen.state}")
    return key


async def late_event(stage: Stage, told: Told) -> str:
    key = told.of(await _closed(stage, "shopify"))
    row = await stage.row(key)
    assert row is not None
    order = row.order()
    amount = Money.of("3" if order.currency == "JPY" else "3.00", order.currency)
    line = order.lines[0].line_id
    paid = await stage.refund(key, "afterwards", RefundReason.GOODWILL, amounts={line: amount})
    await stage.run.close_period()
    case = await stage.dealt_with(key, CaseKind.LATE_EVENT)
    heard = case.reason.partition(": ")[2].partition(". skip")[0]
    return f"goodwill after closing, {paid}; {heard}: {case.owner} saw to it"
