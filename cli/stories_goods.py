"""Stories of goods: partial, cancelled, held, changed, routed again, awaited."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from cli.stage import Stage, StoryFailed
from cli.stories import Telling
from cli.told import Told
from models.case import Action, CaseKind
from models.messages import CancelStatus, ChangeRequest, OrderSnapshot, OrderState
from models.money import Money

KAYAK, KAYAK_ITEM = "KAYAK-2", "KAYAK"
NEXT, NEXT_ITEM = "TENT-NEXT", "TENT-2027"
DELIVERED = 40
"""Kayaks that a lorry brings."""
LORRY_WAITS = 45.0
"""Seconds for which it waits for all who want a kayak."""
PREORDER_SECONDS = 12


class Lorry:
    """Brings the kayaks that several stories wait for, once all of them wait."""

    def __init__(self, awaited: int) -> None:
        self._missing = awaited
        self._all_wait, self._arrived = asyncio.Event(), asyncio.Event()

    async def come(self) -> None:
        """Return when the kayaks are there."""
        self._missing -= 1
        if self._missing <= 0:
            self._all_wait.set()
        await self._arrived.wait()

    async def drive(self, stage: Stage, told: Told) -> str:
        """It does not wait for ever for a story that failed before."""
        waiting = asyncio.create_task(self._all_wait.wait())
        await asyncio.wait([waiting], timeout=LORRY_WAITS)
        waiting.cancel()
        await stage.deliver(KAYAK_ITEM, "BER-1", DELIVERED)
        await stage.deliver(KAYAK_ITEM, "RNO-1", DELIVERED)
        self._arrived.set()
        return f"{DELIVERED} kayaks each reach BER-1 and RNO-1; the orders that waited are told"


def waits(seen: OrderSnapshot) -> bool:
    return seen.state in (OrderState.BACK_ORDERED, OrderState.ON_HOLD) and bool(seen.erp_order)


def line_of(seen: OrderSnapshot) -> str:
    return next(iter(seen.quantities.lines))


def parcels(seen: OrderSnapshot) -> str:
    nodes = ", ".join(dict.fromkeys(parcel.node for parcel in seen.shipments))
    return f"{len(seen.shipments)} parcel{'s' if len(seen.shipments) > 1 else ''} from {nodes}"


async def partial_shipment(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("shopify", {"MAT-01": 2, "BOTTLE-1": 1}))
    return f"no node has both items: {parcels(await stage.shipped(key))}; the channel hears of each"


async def bundle_in_parts(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("shopify", {"CAMP-STARTER": 2}, short_pick=True))
    return f"one item of a set is missing on the shelf: {parcels(await stage.shipped(key))}; sold units counted whole"


async def short_pick(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"TENT-4P-GRN": 2}, short_pick=True))
    return f"the first node had one too few, the rest was routed again: {parcels(await stage.shipped(key))}"


async def rejected(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("walmart", {"STOVE-01": 1}, rejected=True))
    return f"the first node refused the release: {parcels(await stage.shipped(key))}"


async def cancelled_after_release(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("shopify", {"STOVE-01": 2}, silent=True))
    await stage.see(key, lambda seen: bool(seen.released_at), "released")
    outcome = await stage.cancel(key, {}, "the buyer called")
    return f"the warehouse was asked and stopped: {outcome.status}, reservation, ERP and payment undone"


async def units_cancelled_after_release(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("storefront", {"STOVE-01": 3}, silent=True))
    seen = await stage.see(key, lambda seen: bool(seen.released_at), "released")
    outcome = await stage.cancel(key, {line_of(seen): 1}, "two are enough")
    seen = await stage.shipped(key)
    left = seen.quantities[line_of(seen)]
    return f"{outcome.status}: the warehouse stopped, the rest was released anew: {left.shipped} shipped, 1 cancelled"


async def too_late(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("shopify", {"HEADLAMP": 1}))
    await stage.shipped(key)
    outcome = await stage.cancel(key, {}, "the buyer changed her mind")
    if outcome.status is not CancelStatus.DECLINED or not outcome.return_offered:
        raise StoryFailed(f"{key} was shipped, and its cancellation is {outcome.status}")
    return f"{outcome.status}, {outcome.reason}; the buyer was offered a return"


async def by_channel(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("mirakl", {"STOVE-01": 3}, cancels_part=True))
    seen = await stage.see(key, lambda seen: seen.quantities[line_of(seen)].cancelled == 1, "a unit cancelled")
    seen = await stage.shipped(key)
    return f"the channel took one unit off: {seen.quantities[line_of(seen)].shipped} shipped, {seen.expected} expected"


async def by_buyer(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("walmart", {KAYAK: 1}, asks_to_cancel=True))
    await stage.ended(key)
    return "the buyer asked on the channel while it was back-ordered; a person agreed"


async def fraud(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell_alone("shopify", {"SOCKS-3PACK": 1}, suspect=True))
    case = await stage.case(key, CaseKind.FRAUD_REVIEW)
    await stage.decide(case, Action.SKIP, "known customer")
    return f"{case.reason.split('.')[0]}; {case.owner} let it go on; {parcels(await stage.shipped(key))}"


async def address(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("shopify", {"BAG-40": 1}, no_address=True))
    return f"no delivery address; amended to the invoice's by a person; {parcels(await stage.shipped(key))}"


async def price_floor(stage: Stage, told: Told) -> str:
    await stage.list_as("shopify", NEXT, NEXT_ITEM, floor=Money.of("900.00", "USD"))
    key = told.of(await stage.sell_alone("shopify", {NEXT: 1}, channel_tax=True))
    case = await stage.case(key, CaseKind.PRICE_BELOW_FLOOR)
    await stage.decide(case, Action.SKIP, "price approved")
    return f"{case.reason.partition('. skip')[0]}; {case.owner} approved it; {parcels(await stage.shipped(key))}"


async def payment(stage: Stage, told: Told) -> str:
    key = told.of(await stage.sell("mirakl", {"SOCKS-3PACK": 1}))
    return f"the channel debits the buyer once we took the order: waited for it; {parcels(await stage.shipped(key))}"


async def pre_order(stage: Stage, told: Told) -> str:
    day = datetime.now(UTC) + timedelta(seconds=PREORDER_SECONDS)
    await stage.list_as("storefront", NEXT, NEXT_ITEM, day=day)
    key = told.of(await stage.sell("storefront", {NEXT: 1}))
    seen = await stage.shipped(key)
    if min(parcel.shipped_at for parcel in seen.shipments) < day:
        raise StoryFailed(f"{key} left before its day")
    return f"not shipped before its day; then {parcels(seen)}"


def awaiting(lorry: Lorry) -> list[tuple[str, Telling]]:
    """The stories of those who wait for kayaks."""

    async def back_order(stage: Stage, told: Told) -> str:
        key = told.of(await stage.sell("amazon", {KAYAK: 1}))
        await stage.see(key, waits, "back-ordered")
        await lorry.come()
        return f"waited for stock with a promise date; then {parcels(await stage.shipped(key))}"

    async def units_by_operator(stage: Stage, told: Told) -> str:
        key = told.of(await stage.sell("storefront", {KAYAK: 3}))
        seen = await stage.see(key, waits, "back-ordered")
        outcome = await stage.cancel(key, {line_of(seen): 1}, "two are enough")
        await lorry.come()
        seen = await stage.shipped(key)
        left = seen.quantities[line_of(seen)].shipped
        return f"{outcome.status} before the release: {left} shipped, {seen.expected} expected"

    async def hold(stage: Stage, told: Told) -> str:
        key = told.of(await stage.sell_alone("walmart", {KAYAK: 1}))
        await stage.see(key, waits, "back-ordered")
        await stage.hold(key, "the buyer calls back about the colour")
        await lorry.come()
        case = await stage.case(key, CaseKind.OPERATOR_HOLD)
        await stage.decide(case, Action.SKIP, "green it is")
        return (
            f"held by {case.reason.partition('held by ')[2].split('.')[0]}; lifted; {parcels(await stage.shipped(key))}"
        )

    async def change(stage: Stage, told: Told) -> str:
        key = told.of(await stage.sell("storefront", {KAYAK: 3}))
        seen = await stage.see(key, waits, "back-ordered")
        line = line_of(seen)
        wish = ChangeRequest(
            actor="demo operator",
            reason="the buyer wants it sooner",
            service_level="express",
            sku={line: "TENT-4P-GRN"},
            quantity={line: 2},
        )
        await stage.change(key, wish)
        await lorry.come()
        seen = await stage.shipped(key)
        return f"other goods, one unit fewer, express: {seen.quantities[line].shipped} shipped, {parcels(seen)}"

    return [
        ("back-order", back_order),
        ("units cancelled by the operator", units_by_operator),
        ("hold of the operator", hold),
        ("change before the release", change),
    ]
