"""Real orders that stop for five causes, and how each is put right."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType

from cli import repairing
from connectors.errors import Declined
from models import case_query
from models.case import Action, Amendment, CaseKind, ExceptionCase
from models.catalogue import Component
from models.messages import OrderState
from models.order import Order
from models.terms import SalesTerms
from store import cases, repairs, stock
from tests.workflows.fleet import Fleet
from tests.workflows.wild_order import an_id
from tests.workflows.world import ADDRESS, Handle, an_order, line, taxed
from workflows.order import OrderWorkflow

PACE = 20
"""Cases a second."""
STEPS = (
    "screen",
    "quote_tax",
    "create_erp_order",
    "release_to_wms",
    "confirm_parcel",
    "post_erp_shipment",
    "post_erp_invoice",
)
"""Activities, each of which an order of this file needs once."""


NONE = Amendment()


@dataclass(frozen=True)
class Cause:
    kind: CaseKind
    step: str
    action: Action
    again: str = ""
    """The activity that is begun twice: it says no once, or restates what was amended."""
    amendment: Amendment = NONE


CAUSES = (
    Cause(CaseKind.UNMAPPED_SKU, "enrich", Action.RETRY),
    Cause(CaseKind.TAX_DECLINED, "tax", Action.RETRY, "quote_tax"),
    Cause(CaseKind.ERP_DECLINED, "erp_order", Action.RETRY, "create_erp_order"),
    Cause(CaseKind.ADDRESS_INCOMPLETE, "address", Action.AMEND, "record_tax", Amendment(ship_to=ADDRESS)),
    Cause(CaseKind.OUT_OF_STOCK, "allocate", Action.RETRY),
)


class Parked:
    """The orders of one cause."""

    def __init__(self, world: Fleet, cause: Cause, count: int) -> None:
        self.world, self.cause = world, cause
        self.name = an_id()
        self.orders = [self._order() for _ in range(count)]
        self.handles: list[Handle] = []

    def _order(self) -> Order:
        goods = taxed(line("1", f"sku-{self.name}", 1, "34.50"), "6.55")
        kind = self.cause.kind
        return an_order(
            goods,
            **({"ship_to": ADDRESS.model_copy(update={"city": ""})} if kind is CaseKind.ADDRESS_INCOMPLETE else {}),
        )

    async def park(self) -> None:
        if self.cause.kind is not CaseKind.UNMAPPED_SKU:
            await self._map()
        if self.cause.kind is not CaseKind.OUT_OF_STOCK:
            await self._stock()
        for order in self.orders:
            self._say_no(order)
            self.handles.append(await self.world.start(order))
        if self.cause.kind is CaseKind.OUT_OF_STOCK:
            await asyncio.gather(*(self._let_the_promise_pass(handle) for handle in self.handles))
        await until(self._all_parked)

    def _say_no(self, order: Order) -> None:
        no = Declined("the code is refused: correct it", code="refused", field="tax_code:P9")
        if self.cause.kind is CaseKind.TAX_DECLINED:
            self.world.tax.will_fail_for(order, "quote", no)
        if self.cause.kind is CaseKind.ERP_DECLINED:
            self.world.erp.will_fail_for(order, "create_order", no)

    async def _let_the_promise_pass(self, handle: Handle) -> None:
        async def waits() -> bool:
            return (await handle.query(OrderWorkflow.snapshot)).state is OrderState.BACK_ORDERED

        await until(waits)
        await self.world.fast_forward(handle, SalesTerms().promise + timedelta(minutes=1))

    async def _all_parked(self) -> bool:
        return len(await self.open_cases()) == len(self.orders)

    async def open_cases(self) -> list[ExceptionCase]:
        async with self.world.database.session() as session:
            found = await cases.find(session, kind=self.cause.kind, limit=1000)
        mine = {str(order.key) for order in self.orders}
        return [case for case in found if str(case.order_key) in mine]

    async def _map(self) -> None:
        await self.world.map_sku(f"sku-{self.name}", Component(item=f"item-{self.name}"))

    async def _stock(self) -> None:
        async with self.world.database.session() as session:
            await stock.set_level(session, f"item-{self.name}", "BER-1", 1000)

    async def put_the_cause_right(self) -> None:
        """Nobody tells the orders of it: the repair does."""
        if self.cause.kind is CaseKind.UNMAPPED_SKU:
            await self._map()
        if self.cause.kind is CaseKind.OUT_OF_STOCK:
            await self._stock()

    async def repair(self) -> tuple[int, dict[str, int]]:
        """Dry run, then apply: how many cases the dry run found and could decide, and what became of them."""
        cause = self.cause
        query = f"channel=shopify and case={cause.kind} and step={cause.step}"
        wish = repairing.Wish(query, cause.action, cause.amendment, "the cause is gone", "ada", PACE)
        dry_run = await repairing.planned(self.world.database, case_query.parse(query, datetime.now(UTC)), wish)
        assert {str(case.order_key) for case in dry_run.cases} == {str(order.key) for order in self.orders}
        assert dry_run.possible == len(dry_run.cases)
        assert len(await self.open_cases()) == len(self.orders), "a dry run changes nothing"
        assert dry_run.repair is not None
        await repairing.start(self.world.database, self.world.client, dry_run.repair.repair_id, wait=True)
        async with self.world.database.session() as session:
            return len(dry_run.cases), await repairs.outcomes(session, dry_run.repair.repair_id)

    async def go_to_their_end(self) -> None:
        await asyncio.gather(*(self._end(*each) for each in zip(self.orders, self.handles, strict=True)))

    async def _end(self, order: Order, handle: Handle) -> None:
        async def shipped() -> bool:
            seen = await handle.query(OrderWorkflow.snapshot)
            return bool(seen.waiting_for and seen.waiting_for.startswith("settlement"))

        await until(shipped)
        await self.world.pay(handle, order)
        assert (await handle.result()).state is OrderState.CLOSED

    async def steps(self) -> Counter[str]:
        """Step -> how often it was begun for all orders together."""
        begun = Counter[str]()
        for handle in self.handles:
            found = await activities_of(handle)
            assert found == self._expected, f"{self.cause.kind}: {found}"
            begun.update(found)
        return begun

    @property
    def _expected(self) -> Counter[str]:
        """Each step once; the one that was refused once more, and an amended address is told to the tax engine."""
        return Counter(STEPS) + Counter([self.cause.again] if self.cause.again else [])

    @property
    def done_twice(self) -> int:
        counts = [system.counts for system in self.world.systems]
        mine = {str(order.key) for order in self.orders}
        done = [(what, number) for each in counts for (key, what), number in each.items() if key in mine]
        restated = "quote" if self.cause.action is Action.AMEND else ""
        return sum(number > 1 for what, number in done if what != restated)


async def activities_of(handle: Handle) -> Counter[str]:
    scheduled = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    events = (await handle.fetch_history()).events
    names = [e.activity_task_scheduled_event_attributes for e in events if e.event_type == scheduled]
    return Counter(each.activity_type.name for each in names if each.activity_type.name in (*STEPS, "record_tax"))


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 240.0, what: str = "it") -> None:
    try:
        async with asyncio.timeout(seconds):
            while not await holds():  # noqa: ASYNC110 - the condition is a fact in a server, not an event of this loop
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited {seconds:.0f} s in vain for {what}") from None
