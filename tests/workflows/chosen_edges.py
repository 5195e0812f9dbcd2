"""Deadlines, holds and windows at moments that anybody may choose: also those at which clocks are changed."""

from __future__ import annotations

from datetime import datetime

from models.case import Action, CaseKind
from models.catalogue import Component
from models.messages import HoldRequest, OrderState
from models.terms import SalesTerms
from tests.workflows.edges import (
    WINDOW,
    Begin,
    Edge,
    is_over,
    is_released,
    opens,
    order_edge,
    unstocked,
)
from tests.workflows.fleet import Fleet
from tests.workflows.wild_order import an_id
from tests.workflows.world import Handle, an_order, line
from workflows.order import OrderWorkflow


async def hold_lets_go(fleet: Fleet, due: datetime) -> Edge:
    handle = await _held(fleet, HoldRequest(reason="look", actor="ada", expires_at=due))
    return order_edge("hold, on expiry skip", handle, due, is_released)


async def hold_cancels(fleet: Fleet, due: datetime) -> Edge:
    wish = HoldRequest(reason="look", actor="ada", expires_at=due, on_expiry=Action.CANCEL)
    handle = await _held(fleet, wish)
    return order_edge("hold, on expiry cancel", handle, due, is_over(OrderState.CANCELLED))


async def _held(fleet: Fleet, wish: HoldRequest) -> Handle:
    order = an_order()
    gate = fleet.erp.gate(order, "create_order", after=False)
    handle = await fleet.start(order)
    await gate.reached.wait()
    await handle.execute_update(OrderWorkflow.hold, wish)
    gate.opened.set()
    await fleet.until(handle, opens(CaseKind.OPERATOR_HOLD))
    return handle


async def stated_back_order(fleet: Fleet, due: datetime) -> Edge:
    handle = await unstocked(fleet, ship_by=due)
    return order_edge("back-order, ship-by date", handle, due, opens(CaseKind.OUT_OF_STOCK))


async def pre_order(fleet: Fleet, due: datetime) -> Edge:
    sku = f"coming-{an_id()}"
    await fleet.map_sku(sku, Component(item="MAT-FOAM"), available_from=due)
    handle = await fleet.start(an_order(line("1", sku, 1, "34.50")))
    await fleet.until(handle, lambda seen: bool(seen.waiting_for and "may be shipped" in seen.waiting_for))
    return order_edge("pre-order day", handle, due, is_released)


async def cancel_window(fleet: Fleet, due: datetime) -> Edge:
    fleet.sells_on(SalesTerms(cancel_window=WINDOW))
    handle = await fleet.start(an_order(purchased_at=due - WINDOW))
    await fleet.until(handle, lambda seen: bool(seen.waiting_for and "cancel window" in seen.waiting_for))
    fleet.sells_on(SalesTerms())
    return order_edge("cancel window", handle, due, is_released)


AT_A_CHOSEN_MOMENT: tuple[Begin, ...] = (hold_lets_go, hold_cancels, stated_back_order, pre_order, cancel_window)
