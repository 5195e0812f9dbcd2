"""One order to which everything may be said at any moment, and what must hold of it whatever is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import select
from sqlmodel import col
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from models.case import Action, CaseKind, ExceptionCase, Resolution
from models.catalogue import Component
from models.fulfilment import PickLine, Shipment, Shortfall, ShortfallKind
from models.messages import CancelRequest, ChannelUpdate, OrderSnapshot, OrderState
from models.money import Money
from models.order import ChannelState, Order
from models.settlement import OrderMoney
from models.states import strays
from store import stock
from store.tables import StockLevel
from tests.recorded import replay
from tests.workflows.fleet import Fleet
from tests.workflows.world import PURCHASED, Handle, eur
from workflows.order import OrderWorkflow

T = TypeVar("T")
PATIENCE = 300.0
LOOK = 0.1
MUCH_COMES, GIVE_UP = 5, 50
"""Rounds after which another node gets stock, and after which nobody waits for more."""
ATTEMPTS = 10
TRY_AGAIN = (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.UNAVAILABLE)
"""A moment between two tasks, or a busy machine."""
NODES = ("BER-1", "LEJ-2")


class WildOrder:
    def __init__(self, world: Fleet, order: Order, shelves: dict[str, int]) -> None:
        """`shelves`: item -> units at the first node; the second one has as many."""
        self.world, self.order, self.shelves = world, order, shelves
        self.handle: Handle
        self.told: list[str] = []
        self.ended = False
        self.latest = order
        self.final_state = ""
        self._after_cancel: dict[str, int] | None = None
        self._before: OrderSnapshot | None = None
        self._messages = 0
        self._reported: set[str] = set()

    @property
    def items(self) -> list[str]:
        return list(self.shelves)

    async def begin(self) -> None:
        for item, units in self.shelves.items():
            await self.set_shelf(item, units)
        self.handle = await self.world.start(self.order)

    async def set_shelf(self, item: str, units: int) -> None:
        async with self.world.database.session() as session:
            for node in NODES:
                await stock.set_level(session, item, node, units)

    async def map(self, sku: str, *components: Component) -> None:
        await self.world.map_sku(sku, *components)

    # What is said to it

    async def say(self, what: str, message: Callable[[], Awaitable[T]]) -> T | None:
        """None when the order has ended, or refuses it by its rules."""
        self.told.append(what)
        for _ in range(ATTEMPTS):
            try:
                return await message()
            except WorkflowUpdateFailedError as error:
                self.told.append(f"  refused: {error.cause}")
                return None
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    self.ended = True
                    return None
                if error.status not in TRY_AGAIN:
                    raise
                await asyncio.sleep(LOOK)
        raise AssertionError(f"{what}: the order's task fails again and again")

    async def signal(self, what: str, signal: Any, argument: Any) -> None:
        await self.say(f"{what}: {argument!r}"[:300], lambda: self.handle.signal(signal, argument))

    async def update(self, what: str, update: Any, argument: Any) -> Any:
        return await self.say(f"{what}: {argument!r}"[:300], lambda: self.handle.execute_update(update, argument))

    def number(self) -> int:
        self._messages += 1
        return self._messages

    async def hear_version(self, **changes: Any) -> None:
        self.latest = self.latest.model_copy(update={"version": self.latest.version + timedelta(minutes=1), **changes})
        await self.signal("version", OrderWorkflow.channel_changed, ChannelUpdate(order=self.latest))

    async def resolve(self, case: ExceptionCase, action: Action) -> None:
        resolution = Resolution(case_id=case.case_id, action=action, actor="somebody")
        await self.update("resolve", OrderWorkflow.resolve, resolution)

    async def ship(self, name: str, picks: tuple[PickLine, ...], *, times: int) -> None:
        self.told.append(f"ship {name}: {picks!r} × {times}")
        shipment = await self.world.wms.ship(name, picks, report=False)
        for _ in range(times):
            await self.report(shipment)

    async def report(self, shipment: Shipment) -> None:
        self._reported.add(shipment.shipment_id)
        await self.signal("parcel", OrderWorkflow.shipment_reported, shipment)

    async def fall_short(self, name: str, picks: tuple[PickLine, ...], kind: ShortfallKind, *, times: int) -> None:
        """What the warehouse says that it will not ship it does not ship."""
        node = self.world.wms.releases[name].node
        report = Shortfall(
            report_id=f"short-{self.number()}",
            fulfilment_id=name,
            node=node,
            kind=kind,
            reported_at=PURCHASED,
            picks=picks,
        )
        self.world.wms.forget(name, picks)
        for _ in range(times):
            await self.signal("shortfall", OrderWorkflow.shortfall_reported, report)

    async def pay(self, amount: Money, settlement: str) -> None:
        money = OrderMoney(
            order_key=self.order.key, settlement_id=settlement, received=amount, fees=eur("0"), refunds=eur("0")
        )
        await self.signal("money", OrderWorkflow.money_received, money)

    async def stock_comes(self, item: str, units: int) -> None:
        self.told.append(f"stock: {units} × {item}")
        for level in await self.levels():
            if level.item == item:
                async with self.world.database.session() as session:
                    await stock.set_level(session, item, level.node, level.on_hand + units)
        await self.world.tell_waiting_orders()

    # What must hold

    async def look(self) -> OrderSnapshot:
        """Where the order stands; everything that must hold at any moment is proven by the way."""
        seen = await self._snapshot()
        before, self._before = self._before, seen
        for name, line in seen.quantities.lines.items():
            assert line.ordered == line.open + line.reserved + line.released + line.shipped + line.cancelled
            assert line.refunded <= line.cancelled + line.returned + line.goodwill
            if before and name in before.quantities.lines and self._after_cancel is None:
                was = before.quantities[name]
                assert line.ordered != was.ordered or line.cancelled >= was.cancelled, "a cancelled unit came back"
                assert line.ordered != was.ordered or line.shipped >= was.shipped, "a unit that had left came back"
        await self._nothing_goes_forward_after_a_cancellation(seen)
        return seen

    async def _snapshot(self) -> OrderSnapshot:
        for _ in range(ATTEMPTS):
            try:
                return await self.handle.query(OrderWorkflow.snapshot)
            except RPCError as error:
                if error.status not in TRY_AGAIN:
                    raise
        raise AssertionError("the order does not answer")

    async def _nothing_goes_forward_after_a_cancellation(self, seen: OrderSnapshot) -> None:
        now = self.world.forward_effects(self.order)
        if self._after_cancel is not None:
            assert now == self._after_cancel, f"an effect after the cancellation: {self._after_cancel} became {now}"
        whole = all(line.cancelled == line.ordered for line in seen.quantities.lines.values())
        if whole and any(each.confirmed for each in seen.cancellations):
            self._after_cancel = now

    async def is_over(self) -> bool:
        return (await self.handle.describe()).status is not WorkflowExecutionStatus.RUNNING

    async def holds_what_it_ships(self) -> None:
        """Of items that make no bundle: reserved is what its fulfilments still have to ship, as soon as all is told."""

        async def equal() -> bool:
            quantities = (await self.look()).quantities
            wanted = sum(line.reserved + line.released for line in quantities.lines.values())
            return wanted == await self.reserved()

        await self.until(equal, "the reservations to be what is to be shipped")

    async def reserved(self) -> int:
        async with self.world.database.session() as session:
            rows = await stock.reservations(session, self.order.key)
        return sum(row.quantity - row.shipped for row in rows if row.state == "held")

    async def levels(self) -> list[StockLevel]:
        found = select(StockLevel).where(col(StockLevel.item).in_(self.items))
        async with self.world.database.session() as session:
            return list(await session.scalars(found))

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not await holds():  # noqa: ASYNC110 - the condition is a fact in a server
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}; last seen: {self._before!r}") from None

    # Its end

    async def bring_to_an_end(self) -> None:
        """Everything that was broken works; whoever is asked decides; what is wanted is shipped and paid."""
        self.world.heal(self.order)
        try:
            async with asyncio.timeout(PATIENCE):
                rounds = 0
                while not await self.is_over():
                    await self._next_step(await self.look(), rounds)
                    rounds += 1
        except TimeoutError:
            raise AssertionError(f"never came to its end; last seen: {self._before!r}") from None
        await self._ended_well()

    async def _next_step(self, seen: OrderSnapshot, rounds: int) -> None:
        unshipped = list(self.world.wms.unshipped(self.order))
        if seen.cases:
            await self._decide(seen.cases[0])
        elif unheard := self._unheard(seen):
            await self.report(unheard[0])
        elif unshipped:
            name, picks = unshipped[0]
            await self.ship(name, picks, times=1)
        elif self.latest.state is ChannelState.PENDING:
            await self.hear_version(state=ChannelState.OPEN)
        elif seen.waiting_for and seen.waiting_for.startswith("settlement") and seen.expected:
            missing = seen.expected - (seen.received or eur("0"))
            await self.pay(missing, f"last-{self.number()}")
        else:
            await self._wait(seen, rounds)

    async def _wait(self, seen: OrderSnapshot, rounds: int) -> None:
        """Where nothing comes by itself, another node gets stock; and in the end nobody waits for more."""
        if rounds == MUCH_COMES:
            for item in self.items:
                await self.world.put_stock(item, "HAM-3", 50)
        elif rounds > GIVE_UP and not seen.quantities.finished:
            wish = CancelRequest(reason="nobody waits any longer", actor="operator")
            await self.update("cancel", OrderWorkflow.cancel, wish)
        await self.world.tell_waiting_orders()
        await asyncio.sleep(LOOK)

    def _unheard(self, seen: OrderSnapshot) -> list[Shipment]:
        known = {record.shipment_id for record in seen.shipments} | self._reported
        mine = [name for name in self.world.wms.shipped if name.startswith(f"{self.order.key}#")]
        left = [parcel for name in mine for parcel in self.world.wms.shipped[name]]
        return [each for each in left if each.shipment_id not in known]

    async def _decide(self, case: ExceptionCase) -> None:
        if case.kind is CaseKind.UNMAPPED_SKU:
            for sku in case.detail["skus"]:
                await self.map(sku, Component(item=self.items[0]))
            await self.world.tell_waiting_orders()
        wishes = (Action.SKIP, Action.RETRY, Action.CANCEL)
        if case.kind is CaseKind.ADDRESS_INCOMPLETE:
            wishes = (Action.CANCEL, Action.RETRY, Action.SKIP)
        await self.resolve(case, next(action for action in wishes if action in case.allowed))

    async def _ended_well(self) -> None:
        final = await self.handle.result()
        self._before, self.final_state = final, final.state.value
        assert final.state in (OrderState.CLOSED, OrderState.CANCELLED)
        assert final.quantities.finished
        assert final.cases == ()
        assert final.untold == ()
        path = [OrderState(state) for state in await self.world.states(self.order)]
        assert strays(path) == [], f"ways that are none: {strays(path)} in {path}"
        assert await self.reserved() == 0
        await self._nothing_goes_forward_after_a_cancellation(final)
        effects = self.world.forward_effects(self.order)
        assert effects.get("create_order", 0) <= 1
        if final.state is OrderState.CANCELLED:
            assert not final.shipments
            assert self.world.erp.counts[str(self.order.key), "cancel_order"] >= effects.get("create_order", 0)
        await self._shelves_add_up()
        await self._replays()

    async def _shelves_add_up(self) -> None:
        levels = await self.levels()
        assert [level.reserved for level in levels] == [0] * len(levels)
        assert all(level.on_hand >= 0 for level in levels)

    async def _replays(self) -> None:
        await replay(await self.handle.fetch_history(), [OrderWorkflow])


def an_id() -> str:
    return str(uuid4().int % 10**12)
