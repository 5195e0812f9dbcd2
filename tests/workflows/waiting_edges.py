"""Waits of orders and returns that begin when something comes to them, and end a fixed time after it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import WorkflowUpdateStage

from connectors.errors import Unavailable
from models.case import CaseKind
from models.catalogue import Component
from models.messages import CancelRequest, CancelStatus, OrderSnapshot, OrderState
from models.order import ChannelState
from models.return_process import opened_by
from models.returns import ReturnProcessState
from models.terms import SalesTerms
from tests.workflows.edges import (
    Begin,
    Edge,
    in_case,
    is_over,
    now,
    opens,
    order_edge,
    released,
    shipped_out,
    unstocked,
)
from tests.workflows.fleet import MAINTENANCE, Fleet
from tests.workflows.returns_world import a_sale, asked, parcel, reaches, return_case, shipped, start_return
from tests.workflows.wild_order import an_id
from tests.workflows.world import ADDRESS, Handle, an_order, eur, line, refused
from workflows import policy
from workflows.order import OrderWorkflow
from workflows.returns import ReturnWorkflow


async def payment(fleet: Fleet, _: datetime) -> Edge:
    handle = await fleet.start(an_order(state=ChannelState.PENDING))
    await fleet.until(handle, is_over(OrderState.ON_HOLD))
    return order_edge("payment", handle, now() + policy.PAYMENT_WINDOW, opens(CaseKind.PAYMENT_OVERDUE))


async def payment_overdue(fleet: Fleet, _: datetime) -> Edge:
    edge = await payment(fleet, _)
    await fleet.fast_forward_to(edge.handle, edge.due + timedelta(minutes=1))
    case = (await fleet.until_case(edge.handle)).case
    assert case is not None
    assert case.expires_at is not None
    return order_edge("payment overdue", edge.handle, case.expires_at, is_over(OrderState.CANCELLED))


async def acknowledge(fleet: Fleet, _: datetime) -> Edge:
    fleet.channel.slow = timedelta(hours=3)
    due = now() + timedelta(hours=2)
    handle = await fleet.start(an_order(acknowledge_by=due))
    await fleet.until(handle, lambda seen: bool(seen.deadlines))
    return order_edge("acknowledge", handle, due, opens(CaseKind.ACKNOWLEDGE_OVERDUE))


async def review(fleet: Fleet, _: datetime) -> Edge:
    order = an_order()
    fleet.fraud.doubted.add(str(order.key))
    handle, due = await in_case(fleet, order, CaseKind.FRAUD_REVIEW)
    return order_edge("fraud review", handle, due, is_over(OrderState.CANCELLED))


async def address(fleet: Fleet, _: datetime) -> Edge:
    order = an_order(ship_to=ADDRESS.model_copy(update={"city": ""}))
    handle, due = await in_case(fleet, order, CaseKind.ADDRESS_INCOMPLETE)
    return order_edge("address", handle, due, is_over(OrderState.CANCELLED))


async def price(fleet: Fleet, _: datetime) -> Edge:
    sku = f"dear-{an_id()}"
    await fleet.map_sku(sku, Component(item="MAT-FOAM"), floor=eur("99.00"))
    handle, due = await in_case(fleet, an_order(line("1", sku, 1, "34.50")), CaseKind.PRICE_BELOW_FLOOR)
    return order_edge("price below floor", handle, due, is_over(OrderState.CANCELLED))


async def promise(fleet: Fleet, _: datetime) -> Edge:
    handle = await unstocked(fleet)
    return order_edge("back-order, promise", handle, now() + SalesTerms().promise, opens(CaseKind.OUT_OF_STOCK))


async def silent_node(fleet: Fleet, _: datetime) -> Edge:
    order = an_order()
    handle = await released(fleet, order)

    async def is_asked() -> bool:
        return fleet.wms.counts[str(order.key), "shipments"] > 0

    return Edge("silent node", handle, now() + policy.SILENT_NODE, is_asked)


async def patience(fleet: Fleet, _: datetime) -> Edge:
    sku = f"twice-{an_id()}"
    await fleet.map_sku(sku, Component(item=sku))
    for node in ("BER-1", "LEJ-2"):
        await fleet.put_stock(sku, node, 5)
    order = an_order(line("1", sku, 1, "34.50"))
    handle = await released(fleet, order)

    async def moved() -> bool:
        return fleet.wms.counts[str(order.key), "release"] == 2

    due = now() + SalesTerms().node_patience
    return Edge("node patience", handle, due, moved, own_timer=False, slack=policy.SILENT_NODE)


async def ship_by(fleet: Fleet, _: datetime) -> Edge:
    handle = await released(fleet, an_order())
    return order_edge("ship-by", handle, now() + policy.SHIP_BY_DEFAULT, opens(CaseKind.NOT_SHIPPED_IN_TIME))


async def confirm_by(fleet: Fleet, _: datetime) -> Edge:
    order = an_order()
    fleet.channel.will_fail_for(order, "confirm", refused("tracking"))
    handle = await shipped_out(fleet, order)
    await fleet.until(handle, lambda seen: any(each.kind == "confirm_by" for each in seen.deadlines))
    return order_edge("confirm-by", handle, now() + SalesTerms().confirm_within, opens(CaseKind.CONFIRM_OVERDUE))


async def settling(fleet: Fleet) -> Handle:
    handle = await shipped_out(fleet, an_order())
    await fleet.until(handle, lambda seen: bool(seen.waiting_for and seen.waiting_for.startswith("settlement")))
    return handle


async def settlement(fleet: Fleet, _: datetime) -> Edge:
    handle = await settling(fleet)
    return order_edge("settlement", handle, now() + policy.SETTLEMENT_WINDOW, opens(CaseKind.SETTLEMENT_OVERDUE))


async def return_window(fleet: Fleet, _: datetime) -> Edge:
    handle = await settling(fleet)
    seen = await handle.query(OrderWorkflow.snapshot)
    due = next(each.due for each in seen.deadlines if each.kind == "return_window")

    def passed(seen: OrderSnapshot) -> bool:
        return any(each.kind == "return_window" and each.passed for each in seen.deadlines)

    return order_edge("return window", handle, due, passed)


async def in_doubt(fleet: Fleet, _: datetime) -> Edge:
    order = an_order()
    fleet.wms.will_fail_for(order, "cancel", Unavailable("closed", retry_after=MAINTENANCE))
    handle = await released(fleet, order)
    wish = CancelRequest(reason="no longer wanted", actor="buyer")
    asked = await handle.start_update(OrderWorkflow.cancel, wish, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    answer = asyncio.create_task(asked.result())

    async def is_in_doubt() -> bool:
        return answer.done() and answer.result().status is CancelStatus.IN_DOUBT

    return Edge("cancellation in doubt", handle, now() + policy.IN_DOUBT_AFTER, is_in_doubt, skips=False)


# Returns


async def return_review(fleet: Fleet, _: datetime) -> Edge:
    order = await shipped(fleet, a_sale())
    handle = await start_return(fleet, opened_by(asked(order, 4), "c"))
    case = await return_case(handle)
    assert case.expires_at is not None
    return _return_edge("return: decision", handle, case.expires_at, ReturnProcessState.REFUSED)


async def goods_back(fleet: Fleet, _: datetime) -> Edge:
    order = await shipped(fleet, a_sale())
    handle = await start_return(fleet, opened_by(asked(order), "c"))
    due = (await reaches(handle, ReturnProcessState.APPROVED)).due
    assert due is not None
    return _return_edge("return: goods back", handle, due, ReturnProcessState.LAPSED)


async def inspection(fleet: Fleet, _: datetime) -> Edge:
    order = await shipped(fleet, a_sale())
    strange = parcel(MAT_FOAM__resell=1, LAMP__resell=1)
    handle = await start_return(fleet, opened_by(asked(order), "c"), ("goods_received", strange))
    case = await return_case(handle)
    assert case.expires_at is not None
    return _return_edge("return: inspection", handle, case.expires_at, ReturnProcessState.CLOSED)


def _return_edge(name: str, handle: Any, due: datetime, state: ReturnProcessState) -> Edge:
    async def there() -> bool:
        file = await handle.query(ReturnWorkflow.snapshot)
        return bool(file.state is state)

    return Edge(name, handle, due, there)


AFTER_A_WHILE: tuple[Begin, ...] = (
    payment,
    payment_overdue,
    review,
    address,
    price,
    promise,
    silent_node,
    patience,
    ship_by,
    settlement,
    return_window,
    return_review,
    goods_back,
    inspection,
    acknowledge,
    confirm_by,
    in_doubt,
)
"""Those during which a system is slow or away come last."""
