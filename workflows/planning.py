"""What of an order is to be shipped, and from where: items, nodes, and waiting for stock."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.catalogue import CatalogueActivities, Enrichment
    from activities.stock import StockActivities
    from models.case import Action, CaseKind, Resolution
    from models.channel import CancelReason
    from models.deadline import DeadlineKind
    from models.fulfilment import Allocation, PickLine, RoutingRequest
    from models.goods import FulfilmentPart, Stage
    from models.messages import CancelRequest, OrderState
    from models.order import Address
    from workflows import channel_parcels, policy
    from workflows.deadlines import Deadlines
    from workflows.office import Office
    from workflows.requests import Requests, fulfilment_id, holdings


class Planning:
    def __init__(self, office: Office, deadlines: Deadlines, requests: Requests) -> None:
        self._office = office
        self._life = office.life
        self._deadlines = deadlines
        self._requests = requests
        self._routed = 0

    @property
    def shortage(self) -> str:
        """What is missing and until when it may be, in words; empty when nothing is."""
        if not self._life.short or self.nothing_needed():
            return ""
        return f"stock of {self._shortage}, promised by {self._promise:%Y-%m-%d %H:%M}"

    @property
    def _hold_window(self) -> timedelta:
        return self._life.terms.hold_window if self._life.terms else policy.HOLD_WINDOW

    async def enrich(self) -> None:
        """From the channel's SKUs to items; an order with an unmapped one waits until somebody maps it."""
        life = self._life
        while not life.enriched:
            heard = life.mappings_heard
            request = Enrichment(
                order_key=life.order.key,
                lines=life.order.lines,
                at=life.order.purchased_at,
                waiting_id=workflow.info().workflow_id,
            )
            found = await self._office.writes.do(CatalogueActivities.enrich, request, "Map SKUs to items")
            if life.order.lines != request.lines:
                continue  # Changed while we looked.
            if not found.unmapped:
                if life.erp_asked and life.components != found.components:
                    life.revision += 1  # The ERP was told of the order with the former SKU's items.
                life.components, life.floors, life.available_from = found.components, found.floors, found.available_from
                life.enriched = True
            elif life.mappings_heard == heard:  # Otherwise mapped while we looked.
                skus = ", ".join(found.unmapped)
                reason = (
                    f"no listing map for {skus} on {life.order.key.channel}: map it, and the order goes on by itself"
                )
                await self._office.decide(
                    CaseKind.UNMAPPED_SKU,
                    "enrich",
                    reason,
                    (Action.RETRY, Action.AMEND, Action.CANCEL),
                    subject=f"sku:{found.unmapped[0]}",
                    skus=list(found.unmapped),
                )

    async def plan(self) -> None:
        """Reserve what has no place yet, at the nodes that the routing rules choose."""
        while self._life.routing_wanted and self._needs():
            await self._complete_address()
            async with self._office.deciding:
                self._office.stop_if_ended()
                self._life.routing_wanted = False
                needs = self._needs()
                self._life.short = await self._route(needs) if needs else ()
                self._routed += 1
            if self._life.short:
                await self._back_order()
                return

    def _needs(self) -> tuple[PickLine, ...]:
        life, now = self._life, workflow.now()
        ours = {line.line_id for line in channel_parcels.lines_to_ship(life.order)}
        later = {name for name, day in life.available_from.items() if day > now}
        return life.goods.needs(held_back=({line.line_id for line in life.order.lines} - ours) | later)

    async def _route(self, needs: tuple[PickLine, ...]) -> tuple[PickLine, ...]:
        """Have the needs reserved and planned; what no node has is returned."""
        if self._life.holds_too_much:
            await self._office.writes.do(
                StockActivities.keep, holdings(self._office), "Give back what was planned before"
            )
            self._life.holds_too_much = False
        allocation = await self.reserve(needs, partial=self._partial)
        self.take(allocation)
        if allocation.nodes and not self._life.released_at:
            nodes = ", ".join(plan.node for plan in allocation.nodes)
            self._office.journal.enter(OrderState.ALLOCATED, f"reserved at {nodes}: {allocation.reason}")
        return allocation.short

    @property
    def _partial(self) -> bool:
        life = self._life
        return life.ship_what_is_there or bool(life.terms and life.terms.partial_shipments)

    async def reserve(self, needs: tuple[PickLine, ...], *, partial: bool) -> Allocation:
        """One more decision of the routing rules: what it chose is reserved."""
        life, to = self._life, self._life.order.ship_to or Address()
        life.decisions += 1
        request = RoutingRequest(
            order_key=life.order.key,
            decision=life.decisions,
            picks=needs,
            country=to.country,
            region=to.region,
            postal_code=to.postal_code,
            service_level=life.order.service_level,
            ship_by=life.order.ship_by,
            sold_by=life.terms.entity if life.terms else "",
            excluded=life.excluded,
            at=workflow.now(),
            partial=partial,
            waiting_id=workflow.info().workflow_id,
        )
        return await self._office.writes.do(StockActivities.reserve, request, "Reserve stock and choose the nodes")

    def take(self, allocation: Allocation) -> None:
        """Plan a fulfilment at each node that was chosen."""
        life = self._life
        for plan in allocation.nodes:
            life.put(
                FulfilmentPart(
                    fulfilment_id=fulfilment_id(life.order, plan.node, life.parts),
                    number=len(life.parts) + 1,
                    node=plan.node,
                    entity=plan.entity,
                    picks=plan.picks,
                )
            )

    async def _complete_address(self) -> None:
        while missing := (self._life.order.ship_to or Address()).missing:
            reason = f"ship-to address lacks {', '.join(missing)}: amend it"
            await self._office.decide(
                CaseKind.ADDRESS_INCOMPLETE,
                "address",
                reason,
                (Action.RETRY, Action.AMEND, Action.CANCEL),
                expires_at=workflow.now() + self._hold_window,
                on_expiry=Action.CANCEL,
                missing=missing,
            )

    async def _back_order(self) -> None:
        """Wait for stock, until the date that was promised; then somebody decides."""
        life = self._life
        nothing_planned = not (life.at(Stage.PLANNED) or life.at(Stage.RELEASED) or life.goods.anything_left)
        if nothing_planned and life.state is not OrderState.BACK_ORDERED:
            self._office.journal.enter(OrderState.BACK_ORDERED, f"no stock for {self._shortage}")
        self._office.journal.show()
        self.keep_promise()

    def keep_promise(self) -> None:
        """What is back-ordered has until its date."""
        acts = "a case: wait on, ship what is there, or cancel what is short"
        until = self.nothing_needed
        self._deadlines.keep(DeadlineKind.BACK_ORDER, self._promise, acts, until, self._decide_on_shortage)

    @property
    def _shortage(self) -> str:
        return ", ".join(f"{pick.quantity} × {pick.item}" for pick in self._life.short)

    def nothing_needed(self) -> bool:
        return self._office.ended or not self._needs()

    @property
    def _promise(self) -> datetime:
        """Until when goods may be back-ordered: the ship-by date, unless that is too near to be of any use."""
        life = self._life
        promised = [workflow.info().start_time + self._patience]
        if life.order.ship_by:
            promised = [max(life.order.ship_by, workflow.info().start_time + policy.SILENT_NODE)]
        return max([*promised, *life.available_from.values()])

    @property
    def _patience(self) -> timedelta:
        return self._life.terms.promise if self._life.terms else policy.PROMISE

    async def _decide_on_shortage(self) -> None:
        """Somebody decides, as often as patience ends; the case ends by itself when nothing is short any more."""
        while not self.nothing_needed():
            resolution = await self._ask_about_the_shortage()
            if resolution is None:
                return
            self._life.ship_what_is_there |= resolution.action is Action.SKIP
            if resolution.action is Action.CANCEL:
                self._give_up_what_is_short(resolution)
            await self._next_route()
            try:
                await workflow.wait_condition(self.nothing_needed, timeout=self._patience)
            except TimeoutError:
                continue

    async def _next_route(self) -> None:
        """Have the order routed once more. (Until then no timer: one that ends with a quick write may not replay.)"""
        routed = self._routed
        self._life.routing_wanted = True
        self._office.wake()
        await workflow.wait_condition(lambda: self._routed > routed or self.nothing_needed())

    async def _ask_about_the_shortage(self) -> Resolution | None:
        in_words, short = self._shortage, {pick.item: pick.quantity for pick in self._life.short}
        reason = f"still no stock for {in_words}: retry waits on, skip ships what is there, cancel gives the rest up"
        allowed = (Action.RETRY, Action.SKIP, Action.CANCEL)

        async def over() -> None:
            await workflow.wait_condition(self.nothing_needed)
            self._office.desk.resume("allocate", "nothing is short any more")

        watching = asyncio.create_task(over())
        try:
            return await self._office.desk.settle(CaseKind.OUT_OF_STOCK, "allocate", reason, allowed, short=short)
        finally:
            watching.cancel()

    def _give_up_what_is_short(self, resolution: Resolution) -> None:
        units = {name: line.open for name, line in self._life.goods.quantities().lines.items() if line.open}
        if units:  # Otherwise it came meanwhile; a request without units would be about everything.
            why, note = CancelReason.OUT_OF_STOCK, resolution.note or f"no stock for {self._shortage}"
            self._requests.cancel(CancelRequest(reason=note, actor=resolution.actor, units=units, why=why))

    def coming_days(self) -> list[datetime]:
        """Days before which lines of a pre-order are not shipped."""
        return [day for day in self._life.available_from.values() if day > workflow.now()]
