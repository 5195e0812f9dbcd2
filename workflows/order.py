"""The life of one marketplace order, from the first event to settled money."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.catalogue import CatalogueActivities, Enrichment
    from activities.erp import CancelErpOrder, ErpActivities
    from activities.fraud import FraudActivities
    from activities.stock import Needs, StockActivities
    from activities.tax import TaxActivities, TaxDocument
    from models.case import Action, CaseKind, Resolution
    from models.catalogue import ComponentLine
    from models.fulfilment import Allocation, ConfirmedParcel, FulfilmentPlan, Shipment
    from models.messages import (
        CancelOutcome,
        CancelRequest,
        ChannelUpdate,
        MappingAdded,
        OrderSnapshot,
        OrderState,
        ShipmentRecord,
    )
    from models.money import Money
    from models.order import Address, ChannelState, FulfilmentSide, Order
    from models.quantities import Bucket
    from models.settlement import OrderMoney
    from models.systems import ErpOrder, FraudVerdict, TaxQuote
    from workflows import amendments, channel_parcels, channel_requests, policy
    from workflows.cases import Cancelled, CaseDesk
    from workflows.fulfilment import Fulfilment, FulfilmentWorkflow, book
    from workflows.journal import Journal
    from workflows.writes import Writes

_CANCEL_ON_CHANNEL = "cancel_on_channel"


@workflow.defn
class OrderWorkflow:
    """Handlers only record and wake; `run` decides. Until the release a cancellation always wins; after it, the
    warehouse is asked; once a parcel has left it is too late."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        self._order = self._seen = order
        self._quantities = channel_parcels.ledger_of(order)
        self._writes = Writes()
        self._journal = Journal(self.snapshot, self._writes)
        self._desk = CaseDesk(order.key, self._writes, self._changed, self._interrupted)
        self._acknowledged = False
        self._buyer_heard = False
        self._cancel: CancelRequest | None = None
        self._cancel_outcome: CancelOutcome | None = None
        self._late_cancel: CancelRequest | None = None
        self._gone = False
        self._asked_at: datetime | None = None
        self._parcel_news = False
        self._mappings_heard = 0
        self._released_at: datetime | None = None
        self._components: tuple[ComponentLine, ...] = ()
        self._tax: TaxQuote | None = None
        self._nodes: tuple[str, ...] = ()
        self._inline: Fulfilment | None = None
        self._erp_order: str | None = None
        self._shipments: list[ShipmentRecord] = []
        self._money: dict[str, OrderMoney] = {}
        self._degraded: dict[str, str] = {}

    @workflow.run
    async def run(self, order: Order) -> OrderSnapshot:
        undo = AsyncExitStack()
        try:
            await self._become_payable()
            await self._accept(undo)
            await self._enrich()
            allocation = await self._allocate(undo)
            await self._post_to_erp(undo)
            await self._ship(allocation)
        except Cancelled as cancelled:
            await self._undo(undo, cancelled)
        else:
            await self._await_money()
            await self._close()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.snapshot()

    # What others may ask and say

    @workflow.query
    def snapshot(self) -> OrderSnapshot:
        return OrderSnapshot(
            key=self._order.key,
            state=OrderState.EXCEPTION if self._desk.open else self._journal.state,
            waiting_for=f"a decision on {self._desk.open.kind}" if self._desk.open else self._journal.waiting_for,
            quantities=self._quantities,
            case=self._desk.open,
            nodes=self._nodes,
            erp_order=self._erp_order,
            shipments=tuple(self._shipments),
            received=self._received if self._money else None,
            fees=Money.total((paid.fees for paid in self._money.values()), self._order.currency)
            if self._money
            else None,
            degraded=self._degraded,
            released_at=self._released_at,
        )

    @workflow.update
    async def cancel(self, request: CancelRequest) -> CancelOutcome:
        """Answers when it is decided: `confirmed`, or `declined` with the reason why it is too late."""
        if self._gone:
            return CancelOutcome(confirmed=False, reason=f"too late: {self._order.key} is shipped")
        self._request_cancellation(request)
        await workflow.wait_condition(lambda: self._cancel_outcome is not None)
        assert self._cancel_outcome is not None
        return self._cancel_outcome

    @cancel.validator
    def _can_cancel(self, request: CancelRequest) -> None:
        if self._journal.final:
            raise ApplicationError(f"{self._order.key} is {self._journal.state} already", type="WrongState")

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        """Decide the open case: `retry`, `amend`, `skip` or `cancel`."""
        self._desk.resolve(resolution)

    @resolve.validator
    def _check_resolution(self, resolution: Resolution) -> None:
        self._desk.check(resolution)

    @workflow.signal
    def channel_changed(self, update: ChannelUpdate) -> None:
        """The channel has a newer version of the order; an older one, or the same again, is ignored."""
        latest = update.order
        if not latest.is_news_to(self._order):
            return
        if self._untouched:
            self._order, self._quantities = latest, channel_parcels.ledger_of(latest)
        else:
            self._order, self._seen = channel_parcels.progressed(self._order, latest), latest
        if latest.state is ChannelState.CANCELLED:
            self._desk.resume(_CANCEL_ON_CHANNEL, "the channel says that it is cancelled")
            reason = latest.cancel_reason or "cancelled on the channel"
            self._request_cancellation(CancelRequest(reason=reason, actor="channel", authority="channel"))

    @workflow.signal
    def shipment_reported(self, shipment: Shipment) -> None:
        """The warehouse says that a parcel of the inline fulfilment left."""
        if self._inline:
            self._inline.report(shipment)

    @workflow.signal
    def parcel_left(self, parcel: ShipmentRecord) -> None:
        """A fulfilment has dealt with a parcel."""
        self._shipments.append(parcel)
        for line_id, units in parcel.units.items():
            self._quantities = self._quantities.move(line_id, units, Bucket.RELEASED, Bucket.SHIPPED)
        if not self._quantities.finished:
            self._journal.enter(
                OrderState.PARTIALLY_SHIPPED, f"{parcel.node} shipped {parcel.tracking}", authority="wms"
            )
            self._parcel_news = True

    @workflow.signal
    def money_received(self, money: OrderMoney) -> None:
        """A settlement pays for this order; the same settlement again changes nothing."""
        self._money.setdefault(money.settlement_id, money)

    @workflow.signal
    def mapping_added(self, mapping: MappingAdded) -> None:
        self._mappings_heard += 1
        self._desk.resume("enrich", f"{mapping.sku} is mapped now")

    # The steps, in the order in which `run` takes them

    async def _become_payable(self) -> None:
        if self._order.state is ChannelState.CANCELLED:
            raise Cancelled(self._order.cancel_reason or "cancelled on the channel", "channel", "channel")
        if self._order.test:
            raise Cancelled("a test order: nothing is executed", "orderyard", "orderyard")
        if not self._paid():
            self._journal.enter(OrderState.ON_HOLD, "the channel has no payment yet", authority="channel")
            await self._journal.write(waiting_for="payment")
            self._journal.show()
        while not self._paid():
            self._stop_if_cancelled()
            await self._acknowledge()
            await self._wait_for_payment()
        self._stop_if_cancelled()
        await self._acknowledge()

    async def _acknowledge(self) -> None:
        """Some channels want to hear within hours that the seller takes the order, and give the address only then."""
        if not self._to_acknowledge:
            return

        async def acknowledge() -> None:
            await channel_requests.acknowledge(channel_requests.acknowledgement(self._order))

        await self._desk.attempt(CaseKind.CHANNEL_DECLINED, "acknowledge", acknowledge, skippable=True)
        self._acknowledged = True

    async def _wait_for_payment(self) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._paid() or self._to_acknowledge or self._cancel is not None,
                timeout=policy.PAYMENT_WINDOW,
                timeout_summary="An unpaid order becomes a case",
            )
        except TimeoutError:
            reason = f"not paid within {policy.PAYMENT_WINDOW.days} days: retry goes on waiting, cancel ends the order"
            allowed = (Action.RETRY, Action.CANCEL)
            await self._decide(CaseKind.PAYMENT_OVERDUE, "payment", reason, allowed)

    async def _accept(self, undo: AsyncExitStack) -> None:
        """Screen, and record the seller's tax, side by side: neither needs the other."""
        verdict, self._tax = await asyncio.gather(self._screen(), self._record_tax(undo))
        await self._review(verdict)
        await self._heed_the_buyer()
        self._stop_if_cancelled()
        self._journal.enter(OrderState.ACCEPTED, "screened and taxed")

    async def _screen(self) -> FraudVerdict | None:
        async def screen() -> FraudVerdict:
            return await workflow.execute_activity_method(
                FraudActivities.screen, self._order, **policy.outside(policy.FRAUD_QUEUE, "Screen for fraud")
            )

        return await self._desk.attempt(CaseKind.FRAUD_REVIEW, "screen", screen, skippable=True)

    async def _review(self, verdict: FraudVerdict | None) -> None:
        if verdict is None:
            self._degraded["screen"] = "fraud service declined: accepted by the operator"
            return
        if verdict.degraded:
            self._degraded["screen"] = "fraud service away: judged by rules"
        if verdict.decision == "review":
            reasons = ", ".join(verdict.reasons) or "no reason given"
            why = f"fraud score {verdict.score}: {reasons}. skip accepts the order"
            allowed = (Action.SKIP, Action.CANCEL)
            await self._decide(CaseKind.FRAUD_REVIEW, "screen", why, allowed, score=verdict.score)

    async def _record_tax(self, undo: AsyncExitStack) -> TaxQuote | None:
        if not self._order.totals.seller_tax:
            return None

        async def quote() -> TaxQuote:
            return await workflow.execute_activity_method(
                TaxActivities.quote_tax, self._order, **policy.outside(policy.TAX_QUEUE, "Record the seller's tax")
            )

        undo.push_async_callback(self._void_tax)
        recorded = await self._desk.attempt(CaseKind.TAX_DECLINED, "tax", quote, skippable=True, amend=self._amend)
        if recorded is None:
            self._degraded["tax"] = "tax engine declined: skipped by the operator, the channel's figure stands"
        elif recorded.degraded:
            self._degraded["tax"] = "tax engine away: estimated by the rate table"
        return recorded

    async def _heed_the_buyer(self) -> None:
        """A buyer's wish to cancel is put to a person, once; the channel may bring it at any time."""
        if not self._order.cancel_requested or self._buyer_heard:
            return
        self._buyer_heard = True
        why = f"the buyer asks to cancel: {self._order.cancel_requested}. skip goes on with the order"
        allowed = (Action.SKIP, Action.CANCEL)
        await self._decide(CaseKind.CANCEL_REQUESTED, "accept", why, allowed)

    async def _enrich(self) -> None:
        while True:
            heard = self._mappings_heard
            request = Enrichment(
                order_key=self._order.key,
                lines=self._order.lines,
                at=self._order.purchased_at,
                waiting_id=workflow.info().workflow_id,
            )
            found = await self._writes.do(CatalogueActivities.enrich, request, "Map SKUs to items")
            self._components = found.components
            if not found.unmapped:
                return
            if self._mappings_heard > heard:
                continue  # Mapped while we looked.
            skus = ", ".join(found.unmapped)
            reason = f"no listing map for {skus} on {self._order.key.channel}: map it, and the order goes on by itself"
            allowed = (Action.RETRY, Action.AMEND, Action.CANCEL)
            await self._decide(CaseKind.UNMAPPED_SKU, "enrich", reason, allowed, skus=list(found.unmapped))

    async def _allocate(self, undo: AsyncExitStack) -> Allocation | None:
        """Reserve what we ship ourselves; `None` when the channel ships, or there is nothing left to ship."""
        units = channel_parcels.units_to_ship(self._order)
        if not units:
            return None
        await self._complete_address()
        undo.push_async_callback(self._give_back)
        while True:
            self._stop_if_cancelled()
            needs = Needs(order_key=self._order.key, components=self._components, units=units)
            allocation = await self._writes.do(StockActivities.reserve, needs, "Reserve stock and choose the node")
            if not allocation.short:
                break
            reason = f"no stock for {allocation.short} (line: units): retry when it is there"
            allowed = (Action.RETRY, Action.CANCEL)
            await self._decide(CaseKind.OUT_OF_STOCK, "allocate", reason, allowed, short=allocation.short)
        for line_id, count in units.items():
            self._quantities = self._quantities.move(line_id, count, Bucket.OPEN, Bucket.RESERVED)
        self._nodes = tuple(plan.node for plan in allocation.nodes)
        self._journal.enter(OrderState.ALLOCATED, f"reserved at {', '.join(self._nodes)}: {allocation.reason}")
        return allocation

    async def _complete_address(self) -> None:
        while missing := (self._order.ship_to or Address()).missing:
            reason = f"ship-to address lacks {', '.join(missing)}: amend it"
            allowed = (Action.RETRY, Action.AMEND, Action.CANCEL)
            await self._decide(CaseKind.ADDRESS_INCOMPLETE, "address", reason, allowed, missing=missing)

    async def _post_to_erp(self, undo: AsyncExitStack) -> None:
        self._stop_if_cancelled()
        await self._journal.write(waiting_for="the ERP to take the order")

        async def post() -> str:
            request = ErpOrder(order=self._order, components=self._components, seller_tax=self._order.totals.seller_tax)
            return await workflow.execute_activity_method(
                ErpActivities.create_erp_order,
                request,
                **policy.outside(policy.ERP_QUEUE, f"Create the sales order, {self._order.total}"),
            )

        undo.push_async_callback(self._cancel_erp_order)
        self._erp_order = await self._desk.attempt(CaseKind.ERP_DECLINED, "erp_order", post, amend=self._amend)

    async def _ship(self, allocation: Allocation | None) -> None:
        await self._heed_the_buyer()
        self._stop_if_cancelled()
        self._released_at = workflow.now()
        await self._record_channel_parcels()
        if allocation:
            await self._ship_ourselves(allocation)
        if self._order.fulfilled_by is FulfilmentSide.CHANNEL:
            await self._await_channel_parcels()
        self._gone = True
        self._journal.enter(OrderState.SHIPPED, "every unit has left")
        await self._commit_tax()

    async def _commit_tax(self) -> None:
        if self._tax is None or self._tax.document is None:
            return
        document = TaxDocument(document=self._tax.document, correlation_id=str(self._order.correlation_id))

        async def commit() -> None:
            await workflow.execute_activity_method(
                TaxActivities.commit_tax, document, **policy.outside(policy.TAX_QUEUE, "Commit the tax document")
            )

        await self._desk.attempt(CaseKind.TAX_DECLINED, "commit_tax", commit, skippable=True, cancellable=False)

    async def _ship_ourselves(self, allocation: Allocation) -> None:
        plans = self._plans(allocation)
        self._quantities = self._quantities.move_all(Bucket.RESERVED, Bucket.RELEASED)
        self._inline = Fulfilment(plans[0], self._desk, self._writes, self.parcel_left)
        self._journal.enter(OrderState.RELEASED, f"released to {', '.join(self._nodes)}")
        self._measure_release()
        self._journal.show()
        work = [
            self._journal.write(waiting_for=f"parcels from {', '.join(self._nodes)}"),
            self._inline.run(),
            *(self._in_own_process(plan) for plan in plans[1:]),
        ]
        shipping = asyncio.gather(*work)
        while not shipping.done() and not self._inline.stopped:
            await workflow.wait_condition(
                lambda: shipping.done() or self._parcel_news or self._cancel is not None or self._shipped_elsewhere
            )
            if self._parcel_news:
                self._parcel_news = False
                await self._changed()
            if self._cancel:
                await self._decide_late_cancellation(self._cancel)
            elif self._shipped_elsewhere:
                await self._leave_it_to_the_other()
        await shipping
        if self._inline.stopped:
            self._stop_if_cancelled()
            await self._record_channel_parcels()

    @property
    def _shipped_elsewhere(self) -> bool:
        """True when the channel saw everything leave, and our warehouse has not said anything yet."""
        return (
            self._inline is not None
            and self._inline.untouched
            and len(self._nodes) == 1
            and self._asked_at != self._seen.version
            and channel_parcels.shipped_elsewhere(self._order, self._seen)
        )

    async def _leave_it_to_the_other(self) -> None:
        """Somebody shipped the order by hand on the channel: goods must not leave twice, if the warehouse can stop."""
        assert self._inline is not None
        seen = self._seen
        self._asked_at = seen.version
        if await self._inline.stop():
            self._order = channel_parcels.taken_over(self._order, seen)
            await self._give_back()

    async def _in_own_process(self, plan: FulfilmentPlan) -> None:
        await workflow.execute_child_workflow(
            FulfilmentWorkflow.run,
            plan,
            id=f"{workflow.info().workflow_id}/fulfilment/{plan.node.node}",
            static_summary=f"{plan.order_key} from node {plan.node.node}",
        )

    async def _decide_late_cancellation(self, request: CancelRequest) -> None:
        """The race between cancellation and shipment ends here: ask the warehouse, believe its answer."""
        assert self._inline is not None
        if len(self._nodes) == 1 and self._inline.untouched and await self._inline.stop():
            return
        self._cancel, self._late_cancel = None, request
        self._cancel_outcome = CancelOutcome(
            confirmed=False, reason=f"too late: {', '.join(self._nodes)} ships already"
        )

    async def _record_channel_parcels(self) -> None:
        """Parcels that the channel, or somebody outside Orderyard, shipped: the ERP must know of them too."""
        for parcel in channel_parcels.unrecorded(self._order, self._quantities, self._shipments):
            confirmed = ConfirmedParcel(
                order_key=self._order.key,
                correlation_id=str(self._order.correlation_id),
                shipment_id=parcel.parcel_id,
                package_number=len(self._shipments) + 1,
                carrier=parcel.carrier,
                tracking=parcel.tracking,
                shipped_at=parcel.shipped_at or self._order.version,
                units=parcel.quantities,
            )
            invoice = await book(self._desk, confirmed)
            self._quantities = channel_parcels.shipped(self._quantities, parcel.quantities)
            self._shipments.append(channel_parcels.record(confirmed, invoice))

    async def _await_channel_parcels(self) -> None:
        while not self._quantities.finished:
            seen = self._order.version  # Before we look: news that come while we write must wake us again.
            await self._record_channel_parcels()
            if not self._quantities.finished:
                await self._journal.write(waiting_for="the channel to ship")
                self._journal.show()
                await self._newer_version(seen)
                self._stop_if_cancelled()

    async def _newer_version(self, seen: datetime) -> None:
        await workflow.wait_condition(lambda: self._order.version > seen or self._cancel is not None)

    async def _await_money(self) -> None:
        await self._journal.write(waiting_for=f"settlement of {self._order.receivable}")
        self._journal.show()
        while self._received != self._order.receivable:
            if await self._written_off():
                self._journal.enter(OrderState.SETTLED, f"received {self._received}, the rest is written off")
                return
        self._journal.enter(OrderState.SETTLED, f"received {self._received}", authority="settlement")

    async def _written_off(self) -> bool:
        """Wait for money; what goes wrong with it becomes a case. True when a person gave the rest up."""
        try:
            await workflow.wait_condition(
                lambda: self._received.amount >= self._order.receivable.amount or self._late_cancel is not None,
                timeout=policy.SETTLEMENT_WINDOW,
                timeout_summary="Money that is not there becomes a case",
            )
        except TimeoutError:
            return await self._give_up(CaseKind.SETTLEMENT_DIFFERS if self._money else CaseKind.SETTLEMENT_OVERDUE)
        if self._late_cancel:
            self._late_cancel = None
            return await self._give_up(CaseKind.CANCEL_TOO_LATE)
        return self._received != self._order.receivable and await self._give_up(CaseKind.SETTLEMENT_DIFFERS)

    async def _give_up(self, kind: CaseKind) -> bool:
        cause = "cancelled after it was shipped, " if kind is CaseKind.CANCEL_TOO_LATE else ""
        reason = (
            f"{cause}received {self._received} of {self._order.receivable}:"
            " retry goes on waiting, skip writes the difference off"
        )
        resolution = await self._desk.settle(kind, "settle", reason, (Action.RETRY, Action.SKIP))
        return resolution is not None and resolution.action is Action.SKIP

    async def _close(self) -> None:
        self._journal.enter(OrderState.CLOSED, "goods, money and cases are done")
        await self._journal.write()
        self._journal.show()

    async def _undo(self, undo: AsyncExitStack, cancelled: Cancelled) -> None:
        """Compensate in reverse order of what was done; only then the cancellation is confirmed."""
        self._cancel = None  # The decision is made: nothing may interrupt the cases of its compensations.
        self._journal.enter(
            OrderState.CANCELLING, cancelled.reason, actor=cancelled.actor, authority=cancelled.authority
        )
        await undo.aclose()
        await self._cancel_on_channel(cancelled)
        self._quantities = channel_parcels.cancelled(self._quantities)
        self._journal.enter(
            OrderState.CANCELLED, cancelled.reason, actor=cancelled.actor, authority=cancelled.authority
        )
        self._cancel_outcome = CancelOutcome(confirmed=True, reason=cancelled.reason)
        await self._journal.write()
        self._journal.show()

    # Compensations: each may find nothing to undo, and each is kept until it is done

    async def _void_tax(self) -> None:
        document = TaxDocument(document=str(self._order.key), correlation_id=str(self._order.correlation_id))
        await self._compensate(
            "void_tax",
            lambda: workflow.execute_activity_method(
                TaxActivities.void_tax, document, **policy.outside(policy.TAX_QUEUE, "Undo: void the tax document")
            ),
        )

    async def _give_back(self) -> None:
        undo = "Undo: give the reservation back"
        await self._compensate("give_back", lambda: self._writes.do(StockActivities.give_back, self._order.key, undo))

    async def _cancel_erp_order(self) -> None:
        request = CancelErpOrder(order_key=self._order.key, correlation_id=str(self._order.correlation_id))
        await self._compensate(
            "cancel_erp_order",
            lambda: workflow.execute_activity_method(
                ErpActivities.cancel_erp_order,
                request,
                **policy.outside(policy.ERP_QUEUE, "Undo: cancel the sales order"),
            ),
        )

    async def _cancel_on_channel(self, cancelled: Cancelled) -> None:
        """The channel hears of it last, when nothing can be shipped any more, and unless it knows."""
        if not workflow.patched("cancel-on-channel"):
            return  # An order that was begun before channels were told.
        units = {name: line.unfinished for name, line in self._quantities.lines.items() if line.unfinished}
        if self._order.test or self._order.state is ChannelState.CANCELLED or not units:
            return
        request = channel_requests.cancellation(
            self._order,
            units,
            whole=not self._quantities.total(Bucket.SHIPPED),
            reason=cancelled.why,
            note=cancelled.reason,
        )

        async def cancel() -> None:
            await channel_requests.cancel(request)

        await self._compensate(_CANCEL_ON_CHANNEL, cancel)

    async def _compensate(self, step: str, call: Callable[[], Awaitable[None]]) -> None:
        await self._desk.attempt(CaseKind.COMPENSATION_FAILED, step, call, skippable=True, cancellable=False)

    # Small things the steps share

    def _paid(self) -> bool:
        return self._order.state is not ChannelState.PENDING

    @property
    def _to_acknowledge(self) -> bool:
        return self._order.acknowledge_by is not None and not self._acknowledged

    @property
    def _untouched(self) -> bool:
        """True while nothing has been done for the order, so that a newer version simply replaces it."""
        return self._journal.state in (OrderState.RECEIVED, OrderState.ON_HOLD) and not self._components

    @property
    def _received(self) -> Money:
        return Money.total((paid.received for paid in self._money.values()), self._order.currency)

    def _request_cancellation(self, request: CancelRequest) -> None:
        if self._gone:
            self._late_cancel = request
        elif self._cancel is None and self._cancel_outcome is None and self._journal.state is not OrderState.CANCELLING:
            self._cancel = request

    def _interrupted(self) -> CancelRequest | None:
        """The cancellation for which an open case is left alone; after the release cases are settled first."""
        return self._cancel if self._released_at is None else None

    def _stop_if_cancelled(self) -> None:
        if self._cancel:
            raise Cancelled(self._cancel.reason, self._cancel.actor, self._cancel.authority, self._cancel.why)

    async def _decide(self, kind: CaseKind, step: str, reason: str, allowed: tuple[Action, ...], **detail: Any) -> None:
        """Have a person decide. Raises `Cancelled` when that is the decision; takes over an amendment."""
        resolution = await self._desk.settle(kind, step, reason, allowed, **detail)
        if resolution is None:
            self._stop_if_cancelled()
        elif resolution.action is Action.CANCEL:
            raise self._desk.cancelled_by(kind, resolution)
        elif resolution.action is Action.AMEND:
            self._amend(resolution)

    def _amend(self, resolution: Resolution) -> None:
        self._order = amendments.applied(self._order, resolution.amendment)

    def _plans(self, allocation: Allocation) -> list[FulfilmentPlan]:
        order = self._order
        assert order.ship_to is not None
        return [
            FulfilmentPlan(
                order_key=order.key,
                correlation_id=str(order.correlation_id),
                node=node,
                number=number,
                of=len(allocation.nodes),
                components=tuple(part for part in self._components if part.line_id in node.units),
                ship_to=order.ship_to,
                service_level=order.service_level,
                ship_by=order.ship_by,
                buyer_email=order.buyer.email,
                region=order.region,
                extras=order.extras,
            )
            for number, node in enumerate(allocation.nodes, 1)
        ]

    def _measure_release(self) -> None:
        latency = workflow.now() - workflow.info().start_time
        workflow.metric_meter().create_histogram_timedelta(
            "orderyard_release_latency", "From the start of the order's workflow to its release", "duration"
        ).record(latency, {"channel": self._order.key.channel})

    async def _changed(self) -> None:
        await self._journal.write(self._journal.waiting_for)
        self._journal.show()
