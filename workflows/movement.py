"""The goods: reserve, post to the ERP, release and ship, until no unit of the order is left to be shipped."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.erp import ErpActivities
    from activities.stock import StockActivities
    from models.case import CaseKind
    from models.deadline import DeadlineKind
    from models.fulfilment import ConfirmedParcel
    from models.goods import Stage
    from models.messages import OrderState
    from models.order import FulfilmentSide
    from workflows import channel_parcels, documents, policy
    from workflows.acceptance import heed_the_buyer
    from workflows.deadlines import Deadlines
    from workflows.holds import Holds
    from workflows.office import Office
    from workflows.parcels import book
    from workflows.planning import Planning
    from workflows.requests import Requests, holdings
    from workflows.shipping import Shipping


DAY_CAME_MEANWHILE = "a-pre-orders-day-that-came-meanwhile-is-planned-at-once"


class Movement:
    def __init__(self, office: Office, deadlines: Deadlines, shipping: Shipping, requests: Requests) -> None:
        self._office = office
        self._life = office.life
        self._deadlines = deadlines
        self._shipping = shipping
        self._planning = Planning(office, deadlines, requests)
        self._holds = Holds(office, deadlines)

    async def run(self) -> None:
        """Each time round does what has become possible, then waits for news."""
        self._shipping.resume()
        self._resume_deadlines()
        while True:
            heard = self._office.heard
            self._office.stop_if_ended()
            await self._planning.enrich()
            coming = self._planning.coming_days()
            await self._planning.plan()
            await self._post_to_erp()
            await self._clear_for_release()
            await self._record_what_left_without_us()
            await self._release()
            await self._stop_what_left_already()
            await self._replace_silent_nodes()
            if self._done:
                break
            await self._wait_for_news(heard, len(coming))
        self._life.goods_done_at = self._life.goods_done_at or workflow.now()
        if self._life.state is not OrderState.SHIPPED:
            self._office.journal.enter(OrderState.SHIPPED, "every unit has left")

    def _resume_deadlines(self) -> None:
        """Those that ran before the workflow continued as new."""
        deadlines = self._life.deadlines
        if DeadlineKind.BACK_ORDER in deadlines:
            self._planning.keep_promise()
        if DeadlineKind.SHIP_BY in deadlines:
            self._keep_ship_by()

    # The ERP, and what has to be clear before goods may leave

    async def _post_to_erp(self) -> None:
        """Once; afterwards `Mirrors` restates it. An order whose goods are still being looked for is posted as well."""
        life = self._life
        if life.erp_order is not None:
            return
        self._office.stop_if_ended()
        await self._office.journal.write(waiting_for="the ERP to take the order")
        revision, skus, items = 0, documents.skus(life), documents.items(life)

        async def post() -> str:
            nonlocal revision, skus, items
            revision, skus, items = life.revision, documents.skus(life), documents.items(life)
            summary = f"Create the sales order, {life.order.total}"
            return await self._office.outside(
                ErpActivities.create_erp_order, documents.erp_order(life), policy.ERP_QUEUE, summary
            )

        life.erp_asked = True  # Before the call: one whose answer is lost has to be undone as well.
        life.erp_order = await self._office.desk.attempt(
            CaseKind.ERP_DECLINED, "erp_order", post, amend=self._office.amend
        )
        self._office.stop_if_ended()
        life.erp_told, life.erp_skus, life.erp_items = revision, skus, items

    async def _clear_for_release(self) -> None:
        if self._life.at(Stage.PLANNED):
            await heed_the_buyer(self._office)
            await self._holds.clear()
            await heed_the_buyer(self._office)  # The wish may have come while the order was held.
        self._office.stop_if_ended()

    async def _release(self) -> None:
        """From here on only the warehouse's answer takes a unit back."""
        async with self._office.deciding:
            self._office.stop_if_ended()
            planned = [] if self._life.hold else self._life.at(Stage.PLANNED)
            for part in planned:
                self._shipping.release(part)
        if not planned:
            return
        life, nodes = self._life, ", ".join(part.node for part in planned)
        if life.released_at is None:
            life.released_at = workflow.now()
            self._measure_release()
        if life.state in (OrderState.ALLOCATED, OrderState.BACK_ORDERED):
            self._office.journal.enter(OrderState.RELEASED, f"released to {nodes}")
        self._keep_ship_by()
        self._office.journal.show()
        await self._office.journal.write(waiting_for=f"parcels from {nodes}")

    def _keep_ship_by(self) -> None:
        life = self._life
        due = max(life.order.ship_by or workflow.now() + policy.SHIP_BY_DEFAULT, workflow.now() + policy.SILENT_NODE)
        acts = "a case: the warehouse is late"
        self._deadlines.keep(DeadlineKind.SHIP_BY, due, acts, self._all_left, self._escalate_lateness)

    async def _escalate_lateness(self) -> None:
        due = self._life.deadlines[DeadlineKind.SHIP_BY].due
        late = ", ".join(part.fulfilment_id for part in self._life.at(Stage.RELEASED)) or str(self._life.order.key)
        reason = f"{late} has not left by {due:%Y-%m-%d %H:%M} UTC: ask the warehouse; retry goes on waiting"
        await self._deadlines.case(CaseKind.NOT_SHIPPED_IN_TIME, "ship_by", reason, self._all_left)

    def _all_left(self) -> bool:
        return self._office.ended or not self._life.goods.unfinished

    # What happens while goods are on their way

    async def _record_what_left_without_us(self) -> None:
        """Parcels that the channel, or somebody by hand, shipped: goods must not leave twice, and the ERP must know."""
        life = self._life
        by_hand = await self._take_over_what_was_shipped_by_hand()
        elsewhere = channel_parcels.left_elsewhere(life.order, life.seen, life.goods, by_hand)
        if elsewhere != life.counted.elsewhere:
            life.counted = life.counted.model_copy(update={"elsewhere": elsewhere})
            await self._office.writes.do(StockActivities.keep, holdings(self._office), "Give back what others shipped")
        if by_hand and life.goods.needs():
            # Of a bundle, one node stopped its part and another ships the rest: what is missing is looked for again.
            life.routing_wanted = True
            self._office.wake()
        for parcel in channel_parcels.unrecorded(life.order, elsewhere, life.shipments):
            life.packages += 1
            confirmed = ConfirmedParcel(
                order_key=life.order.key,
                correlation_id=str(life.order.correlation_id),
                shipment_id=parcel.parcel_id,
                package_number=life.packages,
                carrier=parcel.carrier,
                tracking=parcel.tracking,
                shipped_at=parcel.shipped_at or life.order.version,
                units=parcel.quantities,
            )
            life.shipments.append(channel_parcels.record(confirmed, await book(self._office, confirmed)))

    async def _take_over_what_was_shipped_by_hand(self) -> dict[str, int]:
        """Line id -> units that left by hand: all, but those which a warehouse of ours had shipped or does not stop."""
        life = self._life
        if life.taken_over_at == life.seen.version or life.order.fulfilled_by is FulfilmentSide.CHANNEL:
            return {}
        async with self._office.deciding:
            if not channel_parcels.shipped_by_hand(life.order, life.seen, life.goods):
                return {}
            life.taken_over_at = life.seen.version
            for part in life.at(Stage.RELEASED):
                await self._shipping.stop(part)
            for part in life.at(Stage.PLANNED):
                life.put(part.without(part.picks).moved_to(Stage.ENDED))
            goods = life.goods
            return {line.line_id: goods.untouched(line.line_id) for line in channel_parcels.lines_to_ship(life.order)}

    async def _stop_what_left_already(self) -> None:
        """A warehouse shipped what it had stopped: the same goods are on their way from a later release as well."""
        life = self._life
        for part, _ in life.goods.surplus(Stage.RELEASED):
            if part.fulfilment_id in life.overtaken:
                continue
            life.overtaken.append(part.fulfilment_id)
            async with self._office.deciding:
                if await self._shipping.stop(part) is not None:
                    life.routing_wanted = True
                await self._office.writes.do(StockActivities.keep, holdings(self._office), "Hold what is to be shipped")
            self._office.wake()

    async def _replace_silent_nodes(self) -> None:
        """The goods of a node that ships nothing go to another one, if that has them and the silent one stops."""
        life = self._life
        while life.silent:
            part = life.part(life.silent.pop(0))
            if part is None or part.stage is not Stage.RELEASED or part.parcels:
                continue
            async with self._office.deciding:
                found = await self._planning.reserve(part.remaining, partial=False)
                if found.nodes and await self._shipping.stop(part) is not None:
                    self._planning.take(found)
                elif not found.nodes:
                    life.excluded.pop(part.node, None)  # Nobody else has it: the node is asked again.
                await self._office.writes.do(StockActivities.keep, holdings(self._office), "Hold what is to be shipped")
            await self._release()

    async def _wait_for_news(self, heard: int, days: int) -> None:
        """`days` of pre-orders were still to come when the order was planned."""
        life = self._life
        for parcel in life.parcels:
            self._keep_confirm_by(parcel.shipment.shipment_id)
        waiting = life.at(Stage.RELEASED)
        if life.state is OrderState.PARTIALLY_SHIPPED or not waiting:
            told = f"parcels from {', '.join(part.node for part in waiting)}" if waiting else self._what_else()
            await self._office.journal.write(waiting_for=told)
            self._office.journal.show()
        coming = self._planning.coming_days()
        # A day that came while the ERP was asked has no timer, and nobody else tells of it.
        if len(coming) < days and workflow.patched(DAY_CAME_MEANWHILE):
            life.routing_wanted = True
            return
        day = min(coming, default=None)
        if not await self._office.news(heard, day, f"Shipped from {day:%Y-%m-%d} on" if day else ""):
            self._life.routing_wanted = True

    def _what_else(self) -> str | None:
        life = self._life
        if life.order.fulfilled_by is FulfilmentSide.CHANNEL:
            return "the channel to ship"
        if shortage := self._planning.shortage:
            return shortage
        if days := self._planning.coming_days():
            return f"the day it may be shipped, {min(days):%Y-%m-%d}"
        return life.waiting_for

    def _keep_confirm_by(self, shipment_id: str) -> None:
        terms = self._life.terms
        within = terms.confirm_within if terms else policy.CONFIRM_WITHIN

        def confirmed() -> bool:
            parcel = next(each for each in self._life.parcels if each.shipment.shipment_id == shipment_id)
            return parcel.confirmed or not parcel.units

        async def escalate() -> None:
            reason = f"{self._life.order.key.channel} has not heard of {shipment_id} in time: see whether it is away"
            step = f"confirm_by:{shipment_id}"
            await self._deadlines.case(CaseKind.CONFIRM_OVERDUE, step, reason, confirmed)

        due, acts = workflow.now() + within, f"a case: the channel has not heard of {shipment_id}"
        self._deadlines.keep(DeadlineKind.CONFIRM_BY, due, acts, confirmed, escalate, of=shipment_id)

    @property
    def _done(self) -> bool:
        life = self._life
        return (
            not life.goods.unfinished
            and not life.at(Stage.RELEASED)
            and all(parcel.done for parcel in life.parcels)
            and not channel_parcels.unrecorded(life.order, life.counted.elsewhere, life.shipments)
        )

    def _measure_release(self) -> None:
        latency = workflow.now() - workflow.info().start_time
        workflow.metric_meter().create_histogram_timedelta(
            "orderyard_release_latency", "From the start of the order's workflow to its release", "duration"
        ).record(latency, {"channel": self._life.order.key.channel})
