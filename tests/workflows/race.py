"""A cancellation that meets an order in the middle of one of its steps."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlmodel import col
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateStage

from models.catalogue import Component
from models.messages import CancelOutcome, CancelRequest, OrderState
from models.order import ChannelState
from store import orders
from store.tables import StockLevel
from tests.workflows.fleet import ByOrder, Fleet
from tests.workflows.wild_order import WildOrder, an_id
from tests.workflows.world import an_order, line, taxed
from workflows.order import OrderWorkflow

STEPS = (
    "acknowledge",
    "assess",
    "quote",
    "reserve",
    "create_order",
    "release",
    "parcel awaited",
    "parcel leaves",
    "confirm",
    "post_shipment",
    "post_invoice",
    "send",
    "commit",
    "any moment",
)
BEFORE_THE_PARCEL = STEPS[: STEPS.index("parcel leaves")]
REQUEST = CancelRequest(reason="no longer wanted", actor="buyer")


class Race:
    """`number` varies the timing: which side is first, whether the effect or only its answer is still under way, who
    cancels, and how much has left by then."""

    def __init__(self, world: Fleet, step: str, number: int) -> None:
        self.world, self.step, self.number = world, step, number
        self.chance = random.Random(f"{step}/{number}")
        name = an_id()
        self.sku = f"sku-{name}"
        goods = taxed(line("1", self.sku, 2, "34.50"), "6.55")
        soon = {"acknowledge_by": datetime.now(UTC) + timedelta(hours=4)} if step == "acknowledge" else {}
        self.wild = WildOrder(world, an_order(goods, **soon), {f"item-{name}": 5})
        self.by_channel = number % 5 == 4
        self.outcome: CancelOutcome | None = None

    async def run(self) -> WildOrder:
        (item,) = self.wild.items
        await self.wild.map(self.sku, Component(item=item))
        if self.number % 7 == 6:
            self.world.wms.stubborn.add(str(self.wild.order.key))
        if self.step == "reserve":
            await self._while_its_stock_is_locked()
        elif self.step in ("parcel awaited", "parcel leaves", "any moment"):
            await self.wild.begin()
            await self._at_a_moment()
        else:
            await self._at_the_gate()
        await self.wild.bring_to_an_end()
        await self.nothing_went_forward_after_it()
        return self.wild

    async def _at_the_gate(self) -> None:
        gate = self._system.gate(self.wild.order, self.step, after=self.number % 2 == 1)
        await self.wild.begin()
        if self.step not in BEFORE_THE_PARCEL:
            await self._ship_some()
        async with asyncio.timeout(90):
            await self._until_reached(gate.reached)
        first = self.number % 3
        if first == 0:
            gate.opened.set()
            await self._cancel()
        elif first == 1:
            asyncio.get_running_loop().call_later(self.chance.uniform(0, 0.02), gate.opened.set)
            await self._cancel()
        else:
            cancelling = asyncio.create_task(self._cancel())
            await self._until_told()
            gate.opened.set()
            await cancelling

    async def _until_reached(self, reached: asyncio.Event) -> None:
        """The tax document is committed once everything has left."""
        waiting = asyncio.create_task(reached.wait())
        while not waiting.done():
            if self.step == "commit":
                for name, picks in list(self.world.wms.unshipped(self.wild.order)):
                    await self.wild.ship(name, picks, times=1)
            await asyncio.wait([waiting], timeout=0.05)

    async def _while_its_stock_is_locked(self) -> None:
        mine = select(StockLevel).where(col(StockLevel.item).in_(self.wild.items)).with_for_update()
        async with AsyncExitStack() as locked:
            for item, units in self.wild.shelves.items():
                await self.wild.set_shelf(item, units)
            session = await locked.enter_async_context(self.world.database.session())
            (await session.scalars(mine)).all()
            self.wild.handle = await self.world.start(self.wild.order)

            async def reserving() -> bool:
                return (await self.wild.look()).state is OrderState.ACCEPTED

            await self.wild.until(reserving, "the order to be accepted")
            cancelling = asyncio.create_task(self._cancel())
            await self._until_told()
        await cancelling

    async def _at_a_moment(self) -> None:
        if self.step == "any moment":
            await asyncio.sleep(self.chance.uniform(0, 1.5))
            await self._cancel()
            return
        await self.wild.until(self._is_released, "the release")
        if self.step == "parcel awaited":
            await self._cancel()
        else:
            await asyncio.gather(self._ship_what_is_there(), self._cancel())

    async def _is_released(self) -> bool:
        await self.wild.look()
        return any(self.world.wms.unshipped(self.wild.order))

    async def _ship_some(self) -> None:
        """Both units, or every third time one of them."""
        await self.wild.until(self._is_released, "the release")
        await self._ship_what_is_there()

    async def _ship_what_is_there(self) -> None:
        for name, picks in list(self.world.wms.unshipped(self.wild.order)):
            some = tuple(pick.model_copy(update={"quantity": 1}) for pick in picks) if self.number % 3 == 2 else picks
            await self.wild.ship(name, some, times=1)

    async def _cancel(self) -> None:
        if self.by_channel:
            await self.wild.hear_version(state=ChannelState.CANCELLED)
            return
        asked = await self.wild.handle.start_update(
            OrderWorkflow.cancel, REQUEST, wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )
        self.wild.told.append("cancel")
        self.outcome = await asked.result()

    async def _until_told(self) -> None:
        async def told() -> bool:
            return bool((await self.wild.look()).cancellations)

        await self.wild.until(told, "the order to know of the cancellation")

    @property
    def _system(self) -> ByOrder:
        world = self.world
        by_name: dict[str, ByOrder] = {
            "acknowledge": world.channel,
            "confirm": world.channel,
            "assess": world.fraud,
            "quote": world.tax,
            "commit": world.tax,
            "release": world.wms,
            "send": world.notifier,
        }
        return by_name.get(self.step, world.erp)

    @property
    def confirmed(self) -> bool:
        return bool(self.outcome and self.outcome.confirmed and not self.outcome.declined_units)

    async def nothing_went_forward_after_it(self) -> None:
        """Of an order that was cancelled as a whole: neither after it said so, nor after it answered."""
        if self.wild.final_state != OrderState.CANCELLED:
            assert not self.confirmed or self.outcome is None or not self._whole
            return
        async with self.world.database.session() as session:
            steps = await orders.transitions(session, self.wild.order.key)
        moments = [step.at for _, step in steps if step.state is OrderState.CANCELLING]
        events = (await self.wild.handle.fetch_history()).events
        answered = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED
        moments += [e.event_time.ToDatetime(UTC) for e in events if e.event_type == answered and self.confirmed]
        late = self.world.forward_since(self.wild.order, min(moments))
        assert late == [], f"{self.step} {self.number}: {late} after the cancellation"

    @property
    def _whole(self) -> bool:
        return self.outcome is not None and self.outcome.units == {"1": 2}
