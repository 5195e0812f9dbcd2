"""Random messages, legal and illegal, to a real order (`RuleBasedStateMachine`); a run that fails tells its steps."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from connectors.errors import InDoubt, Unavailable
from models.case import Action
from models.catalogue import Component
from models.fulfilment import PickLine, ShortfallKind
from models.messages import (
    CancelRequest,
    CauseGone,
    ChangeRequest,
    ChannelUpdate,
    HoldRequest,
    RefundCounted,
    ReturnCounted,
)
from models.order import ChannelState, Parcel
from tests.workflows.fleet import Fleet
from tests.workflows.wild_order import WildOrder, an_id
from tests.workflows.world import ADDRESS, PURCHASED, an_order, eur, line, refused, taxed
from workflows.order import OrderWorkflow

T = TypeVar("T")
OPERATIONS = (
    *("create_order", "change_order", "cancel_order", "post_shipment", "post_invoice"),
    *("release", "cancel", "shipments", "quote", "void", "commit", "assess", "confirm", "acknowledge"),
)
UNITS = st.integers(0, 4)
LINES = st.sampled_from(["1", "2", "3", "9"])
SOME_UNITS = st.dictionaries(LINES, UNITS, max_size=3)
ANSWER = 700.0


class WildMachine(RuleBasedStateMachine):
    """The world runs in its own thread's loop; many machines drive their orders in it at the same time."""

    finished: ClassVar[Counter[str]] = Counter()

    def __init__(self, world: Fleet, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.world, self.loop = world, loop
        self.wild: WildOrder | None = None

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Every step, with the order looked at after it. What fails is told with all the steps before it."""

        async def step() -> T:
            result = await work
            await self.order.look()
            return result

        try:
            return asyncio.run_coroutine_threadsafe(step(), self.loop).result(ANSWER)
        except BaseException as error:
            self.tell(error)
            raise

    def tell(self, error: BaseException) -> None:
        steps = "\n".join(self.order.told)
        text = f"\n--- {self.order.order.key} failed: {error!r}\n{self.order.order!r}\n{steps}\n---"
        print(text, flush=True)
        self.wild = None

    @property
    def order(self) -> WildOrder:
        assert self.wild is not None
        return self.wild

    @initialize(
        quantities=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        kinds=st.lists(st.sampled_from(["plain", "plain", "bundle", "new"]), min_size=3, max_size=3),
        shelf=st.integers(0, 6),
        state=st.sampled_from([ChannelState.OPEN, ChannelState.OPEN, ChannelState.PENDING]),
        taxes=st.booleans(),
        doubted=st.booleans(),
        stubborn=st.booleans(),
        acknowledge=st.booleans(),
    )
    def an_order_begins(
        self,
        quantities: list[int],
        kinds: list[str],
        shelf: int,
        state: ChannelState,
        *,
        taxes: bool,
        doubted: bool,
        stubborn: bool,
        acknowledge: bool,
    ) -> None:
        name = an_id()
        lines = [line(str(n), f"{kinds[n - 1]}-{name}", units, "10.00") for n, units in enumerate(quantities, 1)]
        if taxes:
            lines[0] = taxed(lines[0], "1.90")
        by = {"acknowledge_by": PURCHASED} if acknowledge else {}
        order = an_order(*lines, state=state, **by)
        self.wild = WildOrder(self.world, order, {f"item-{name}": shelf, f"other-{name}": shelf})
        if doubted:
            self.world.fraud.doubted.add(str(order.key))
        if stubborn:
            self.world.wms.stubborn.add(str(order.key))
        self.has_bundles = "bundle" in kinds[: len(lines)]

        async def begin() -> None:
            item, other = self.order.items
            await self.order.map(f"plain-{name}", Component(item=item))
            await self.order.map(f"bundle-{name}", Component(item=item), Component(item=other, quantity=2))
            await self.order.begin()

        self.do(begin())

    @rule(system=st.integers(0, 4), operation=st.sampled_from(OPERATIONS), kind=st.sampled_from(["no", "away", "lost"]))
    def a_system_is_in_trouble(self, system: int, operation: str, kind: str) -> None:
        error = {"no": refused(), "away": Unavailable("away"), "lost": InDoubt("the reply was lost")}[kind]
        self.order.told.append(f"trouble: {operation}: {kind}")
        for each in self.world.systems:
            each.will_fail_for(self.order.order, operation, error)

    @rule(units=st.dictionaries(LINES, UNITS, min_size=1, max_size=3))
    def somebody_cancels(self, units: dict[str, int]) -> None:
        request = CancelRequest(reason="not wanted", actor="somebody", units=units)
        self.do(self.order.update("cancel", OrderWorkflow.cancel, request))

    @rule(meant=st.sampled_from([True, False, False]))
    def all_is_cancelled(self, *, meant: bool) -> None:
        if not meant:
            return
        request = CancelRequest(reason="not wanted at all", actor="buyer")
        self.do(self.order.update("cancel", OrderWorkflow.cancel, request))

    @rule(
        quantity=st.dictionaries(LINES, UNITS, max_size=2),
        moves=st.booleans(),
        level=st.sampled_from([None, "express"]),
        sku=st.dictionaries(LINES, st.sampled_from(["MAT", "plain", "unheard-of"]), max_size=1),
    )
    def somebody_changes(
        self, quantity: dict[str, int], *, moves: bool, level: str | None, sku: dict[str, str]
    ) -> None:
        name = self.order.items[0].partition("-")[2]
        request = ChangeRequest(
            actor="somebody",
            quantity=quantity,
            ship_to=ADDRESS.model_copy(update={"postal_code": "10119"}) if moves else None,
            service_level=level,
            sku={at: f"{new}-{name}" for at, new in sku.items()},
        )
        self.do(self.order.update("change", OrderWorkflow.change, request))

    @rule(ends=st.sampled_from([Action.SKIP, Action.CANCEL]))
    def somebody_holds(self, ends: Action) -> None:
        self.do(self.order.update("hold", OrderWorkflow.hold, HoldRequest(reason="look", actor="a", on_expiry=ends)))

    @rule(action=st.sampled_from([*Action, Action.RETRY, Action.SKIP]), which=st.integers(0, 3), known=st.booleans())
    def somebody_resolves(self, action: Action, which: int, *, known: bool) -> None:
        async def resolve() -> None:
            cases = (await self.order.look()).cases
            if cases:
                case = cases[which % len(cases)]
                other = case.model_copy(update={"case_id": f"{case.case_id}0"})
                await self.order.resolve(case if known else other, action)

        self.do(resolve())

    @rule(which=st.integers(0, 3), units=st.integers(1, 9), times=st.integers(0, 2), data=st.data())
    def a_parcel_leaves(self, which: int, units: int, times: int, data: st.DataObject) -> None:
        if found := list(self.world.wms.unshipped(self.order.order)):
            name, picks = found[which % len(found)]
            self.do(self.order.ship(name, _some(picks, units), times=times))

    @rule(which=st.integers(0, 9))
    def an_old_parcel_is_reported_again(self, which: int) -> None:
        mine = [name for name in self.world.wms.shipped if name.startswith(f"{self.order.order.key}#")]
        if parcels := [parcel for name in mine for parcel in self.world.wms.shipped[name]]:
            self.do(self.order.report(parcels[which % len(parcels)]))

    @rule(
        which=st.integers(0, 3), units=st.integers(1, 9), times=st.integers(1, 2), kind=st.sampled_from(ShortfallKind)
    )
    def a_warehouse_falls_short(self, which: int, units: int, times: int, kind: ShortfallKind) -> None:
        if found := list(self.world.wms.unshipped(self.order.order)):
            name, picks = found[which % len(found)]
            self.do(self.order.fall_short(name, _some(picks, units), kind, times=times))

    @rule(
        state=st.sampled_from([*[ChannelState.OPEN] * 6, ChannelState.CANCELLED]),
        cancelled=UNITS,
        shipped=UNITS,
        buyer_asks=st.booleans(),
        old=st.booleans(),
    )
    def the_channel_tells(
        self, state: ChannelState, cancelled: int, shipped: int, *, buyer_asks: bool, old: bool
    ) -> None:
        latest = self.order.latest
        if old:
            update = ChannelUpdate(order=latest.model_copy(update={"state": state}))
            self.do(self.order.signal("old version", OrderWorkflow.channel_changed, update))
            return
        first, *rest = latest.lines
        more = min(max(first.cancelled, cancelled), first.quantity - first.shipped)
        gone = min(max(first.shipped, shipped), first.quantity - more)
        lines = (first.model_copy(update={"cancelled": more, "shipped": gone}), *rest)
        parcels = (Parcel(parcel_id="by-hand", quantities={first.line_id: gone}),) if gone else ()
        wish = {"cancel_requested": "changed my mind"} if buyer_asks else {}
        self.do(self.order.hear_version(state=state, lines=lines, parcels=parcels, **wish))

    @rule(amount=st.integers(0, 90), settlement=st.sampled_from(["S1", "S2"]))
    def money_comes(self, amount: int, settlement: str) -> None:
        self.do(self.order.pay(eur(f"{amount}.00"), settlement))

    @rule(units=SOME_UNITS, number=st.integers(1, 3), goodwill=st.booleans())
    def a_refund_is_told(self, units: dict[str, int], number: int, *, goodwill: bool) -> None:
        paid = eur(f"{sum(units.values())}.00")
        refund = RefundCounted(refund_id=f"R{number}", total=paid, receivable=paid, units=units, goodwill=goodwill)
        self.do(self.order.signal("refund", OrderWorkflow.refund_counted, refund))

    @rule(units=SOME_UNITS, number=st.integers(1, 3))
    def goods_come_back(self, units: dict[str, int], number: int) -> None:
        back = ReturnCounted(return_id=f"B{number}", units=units)
        self.do(self.order.signal("goods back", OrderWorkflow.goods_returned, back))

    @rule(which=st.integers(0, 1), units=st.integers(1, 4))
    def stock_arrives(self, which: int, units: int) -> None:
        self.do(self.order.stock_comes(self.order.items[which], units))

    @rule(subject=st.sampled_from(["connection:erp", "tax_code:X", "sku:new"]))
    def a_cause_is_gone(self, subject: str) -> None:
        self.do(self.order.signal("cause gone", OrderWorkflow.cause_gone, CauseGone(subject=subject)))

    @rule()
    def everything_has_been_told(self) -> None:
        if not self.has_bundles:
            self.do(self.order.holds_what_it_ships())

    def teardown(self) -> None:
        if self.wild is None:
            return
        wild = self.wild
        try:
            asyncio.run_coroutine_threadsafe(wild.bring_to_an_end(), self.loop).result(ANSWER)
        except BaseException as error:
            self.tell(error)
            raise
        self.finished[wild.final_state] += 1
        self.finished["messages"] += len(wild.told)
        if (orders := self.finished.total() - self.finished["messages"]) % 100 == 0:
            print(f"{orders} orders", flush=True)


def _some(picks: tuple[PickLine, ...], units: int) -> tuple[PickLine, ...]:
    """At most so many units, of the first picks."""
    found = []
    for pick in picks:
        if taken := min(units, pick.quantity):
            found.append(pick.model_copy(update={"quantity": taken}))
            units -= taken
    return tuple(found)
