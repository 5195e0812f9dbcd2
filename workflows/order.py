"""The life of one marketplace order, from the first event to settled money."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.case import Resolution
    from models.channel import CancelReason
    from models.fulfilment import Shipment, Shortfall
    from models.life import OrderLife
    from models.messages import (
        CancelOutcome,
        CancelRequest,
        CancelStatus,
        CauseGone,
        ChangeRequest,
        ChannelUpdate,
        Correction,
        HoldRequest,
        MappingAdded,
        OrderSnapshot,
        OrderState,
        RefundCounted,
        ReturnCounted,
        StockArrived,
    )
    from models.money import Money
    from models.order import ChannelState, Order
    from models.settlement import OrderMoney
    from workflows import channel_parcels, corrections, documents, policy
    from workflows.acceptance import Acceptance
    from workflows.calls import Calls
    from workflows.cases import Cancelled, CaseDesk
    from workflows.closing import Closing
    from workflows.deadlines import Deadlines
    from workflows.journal import Journal
    from workflows.mirrors import Mirrors
    from workflows.movement import Movement
    from workflows.office import Office
    from workflows.requests import Requests
    from workflows.shipping import Shipping
    from workflows.writes import Writes


@workflow.defn
class OrderWorkflow:
    """Handlers only record and wake; `_live` goes forward, and `Requests` decides what may still be cancelled or
    changed. All state is in one `OrderLife`, so that continue-as-new can lose none of it."""

    @workflow.init
    def __init__(self, begun: Order | OrderLife) -> None:
        """A new order; or, after a continue-as-new, all that was known of one."""
        self._life = begun if isinstance(begun, OrderLife) else OrderLife.of(begun)
        self._calls, self._writes = Calls(), Writes()
        self._journal = Journal(self._life, self.snapshot, self._writes)
        self._desk = CaseDesk(self._life.order.key, self._writes, self._changed, self._is_ended, self._life.cases)
        self._office = Office(self._life, self._desk, self._journal, self._calls, self._writes)
        self._mirrors = Mirrors(self._office)
        self._shipping = Shipping(self._office)
        self._requests = Requests(self._office, self._shipping)
        deadlines = Deadlines(self._office)
        self._acceptance = Acceptance(self._office, deadlines)
        self._movement = Movement(self._office, deadlines, self._shipping, self._requests)
        self._closing = Closing(self._office, deadlines)

    @workflow.run
    async def run(self, begun: Order | OrderLife) -> OrderSnapshot:
        living = asyncio.create_task(self._live())
        self._office.spawn(self._requests.attend())
        self._mirrors.keep()
        await workflow.wait_condition(lambda: living.done() or self._office.broken is not None or self._may_renew)
        if broken := self._office.broken:
            await broken
        if not living.done():
            self._continue_as_new()
        await living
        await workflow.wait_condition(lambda: self._is_quiet and not self._desk.cases)
        self._office.dismiss()
        return self.snapshot()

    async def _live(self) -> None:
        while not self._goods_are_done:
            try:
                await self._acceptance.become_payable()
                await self._acceptance.accept()
                await self._movement.run()
            except Cancelled as cancelled:
                await self._give_up(cancelled)
        self._office.forward = False
        if self._life.ended_by:
            await self._closing.cancel(self._life.ended_by, self._mirrors)
        else:
            await self._closing.close(self._mirrors)

    async def _give_up(self, cancelled: Cancelled) -> None:
        """A step forward ended in a cancellation. What has left, or leaves all the same, goes on."""
        if not self._office.ended or self._life.goods.unfinished:
            await self._requests.give_up(cancelled.request)

    @property
    def _goods_are_done(self) -> bool:
        return self._office.ended or self._life.goods_done_at is not None

    # What others may ask and say

    @workflow.query
    def snapshot(self) -> OrderSnapshot:
        life, cases = self._life, self._desk.cases
        return OrderSnapshot(
            key=life.order.key,
            state=_shown(life.state, self._desk),
            waiting_for=f"a decision: {cases[0].kind.replace('_', ' ')}" if cases else life.waiting_for,
            quantities=life.goods.quantities(),
            case=self._desk.open,
            cases=cases,
            decided=self._desk.decided,
            nodes=life.nodes,
            erp_order=life.erp_order,
            shipments=tuple(life.shipments),
            received=life.received if life.money else None,
            fees=Money.total((paid.fees for paid in life.money.values()), life.order.currency) if life.money else None,
            degraded=life.degraded,
            released_at=life.released_at,
            hold=life.hold,
            deadlines=tuple(life.deadlines.values()),
            cancellations=tuple(each.outcome or documents.undecided(each) for each in life.cancellations),
            refunded=life.refunded if life.refunds else None,
            expected=documents.expected(life),
            untold=self._mirrors.behind,
        )

    @workflow.update
    async def cancel(self, request: CancelRequest) -> CancelOutcome:
        """Answers when it is decided, or `in_doubt` when the warehouse does not say: it is asked until it does."""
        number = self._requests.cancel(request).number

        def decided() -> bool:
            return self._requests.outcome(number) is not None

        # No timer before a warehouse is asked: one that starts beside a quick write to the store, and ends with it, is
        # in the history or is not, as it happens, and a replay may see it the other way.
        await workflow.wait_condition(lambda: decided() or self._requests.asks_the_warehouse)
        if not decided() and not await self._soon(decided):
            reason = "the warehouse has not answered yet; it is asked until it does"
            return CancelOutcome(status=CancelStatus.IN_DOUBT, reason=reason)
        outcome = self._requests.outcome(number)
        assert outcome is not None
        return outcome

    async def _soon(self, holds: Callable[[], bool]) -> bool:
        try:
            await workflow.wait_condition(holds, timeout=policy.IN_DOUBT_AFTER)
        except TimeoutError:
            return False
        return True

    @cancel.validator
    def _can_cancel(self, request: CancelRequest) -> None:
        if self._journal.final or self._office.ended:
            raise ApplicationError(f"{self._life.order.key} is {self._life.state} already", type="WrongState")
        if unknown := set(request.units) - {line.line_id for line in self._life.order.lines}:
            lines = ", ".join(line.line_id for line in self._life.order.lines)
            raise ApplicationError(f"no line {', '.join(sorted(unknown))} in this order: it has {lines}", type="NoLine")

    @workflow.update
    async def change(self, request: ChangeRequest) -> None:
        """Change the order before its release. Refused with the reason when it is too late."""
        place = self._requests.change(request)
        await workflow.wait_condition(lambda: not self._requests.pending or self._office.ended)
        if refused := self._life.changes[place].refused or (self._office.ended and "the order is cancelled"):
            raise ApplicationError(str(refused), type="TooLate", non_retryable=True)

    @change.validator
    def _can_change(self, request: ChangeRequest) -> None:
        if refused := self._requests.refusal_of(request):
            raise ApplicationError(refused, type="TooLate")

    @workflow.update
    def hold(self, request: HoldRequest) -> None:
        """Keep the order from being released until its case is resolved, or the hold expires."""
        self._life.hold = request
        self._office.wake()

    @hold.validator
    def _can_hold(self, request: HoldRequest) -> None:
        if self._life.released_at or self._office.ended:
            why = "released" if self._life.released_at else "cancelled"
            raise ApplicationError(f"{self._life.order.key} is {why} already: cancel it, or have it returned")

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        """Decide an open case: `retry`, `amend`, `skip` or `cancel`."""
        self._desk.resolve(resolution)

    @resolve.validator
    def _check_resolution(self, resolution: Resolution) -> None:
        self._desk.check(resolution)

    @workflow.signal
    def channel_changed(self, update: ChannelUpdate) -> None:
        """The channel has a newer version of the order; an older one, or the same again, is ignored."""
        life, latest = self._life, update.order
        if not latest.is_news_to(life.order):
            return
        if self._untouched:
            self._begin_anew(latest)
        life.order, life.seen = channel_parcels.progressed(life.order, latest), latest
        self._heed_cancellations(latest)
        self._office.wake()

    def _begin_anew(self, latest: Order) -> None:
        fresh = OrderLife.of(latest)
        self._life.order, self._life.seen, self._life.counted = fresh.order, fresh.seen, fresh.counted
        self._life.revision += 1

    def _heed_cancellations(self, latest: Order) -> None:
        """What the channel cancelled is cancelled: all of it, or units of which it never spoke before."""
        life = self._life
        reason, by = latest.cancel_reason or "cancelled on the channel", ("channel", "channel")
        if latest.state is ChannelState.CANCELLED:
            self._desk.resume(documents.CANCEL_ON_CHANNEL, "the channel says that it is cancelled")
            if not self._office.ended:
                self._requests.cancel(CancelRequest(reason=reason, actor=by[0], authority=by[1]))
        elif units := channel_parcels.newly_cancelled(latest, life.counted.cancelled, life.channel_cancelled):
            life.channel_cancelled = {line.line_id: line.cancelled for line in latest.lines}
            why = CancelReason.BUYER
            self._requests.cancel(CancelRequest(reason=reason, actor=by[0], authority=by[1], units=units, why=why))

    @workflow.signal
    def mapping_corrected(self, correction: Correction) -> None:
        """The same payload is read otherwise now."""
        if not self._untouched:
            corrections.take_over(self._office, correction)
        elif not self._life.order.is_news_to(correction.order):
            # A newer version that was read meanwhile stands: it is read by the corrected mapping itself.
            self._begin_anew(correction.order)

    @workflow.signal
    def shipment_reported(self, shipment: Shipment) -> None:
        """A warehouse says that a parcel left."""
        self._shipping.report(shipment)

    @workflow.signal
    def shortfall_reported(self, shortfall: Shortfall) -> None:
        """A warehouse says that it will not ship some units: too few on the shelf, or not at all."""
        self._shipping.fall_short(shortfall)

    @workflow.signal
    def stock_arrived(self, news: StockArrived) -> None:
        """An item that the order waits for has come into stock."""
        self._life.routing_wanted = True
        self._desk.resume("allocate", f"{news.item} has come into stock")
        self._office.wake()

    @workflow.signal
    def mapping_added(self, mapping: MappingAdded) -> None:
        self._life.mappings_heard += 1
        self._desk.resume("enrich", f"{mapping.sku} is mapped now")

    @workflow.signal
    def cause_gone(self, fix: CauseGone) -> None:
        """Something outside the order was put right: every case that waits for it is tried again."""
        self._desk.cause_gone(fix.subject, fix.note or f"{fix.subject} was put right")

    @workflow.signal
    def money_received(self, money: OrderMoney) -> None:
        """A settlement pays for this order; the same settlement again changes nothing."""
        self._life.money.setdefault(money.settlement_id, money)

    @workflow.signal
    def refund_counted(self, refund: RefundCounted) -> None:
        """Money was paid back; the same refund again changes nothing."""
        self._closing.count_refund(refund)

    @workflow.signal
    def goods_returned(self, returned: ReturnCounted) -> None:
        """Units came back; the same receipt again changes nothing."""
        self._closing.count_return(returned)

    # A long life

    @property
    def _may_renew(self) -> bool:
        """True when the history has grown long, and nothing is under way that a new run would not begin again."""
        return workflow.info().is_continue_as_new_suggested() and self._is_quiet

    @property
    def _is_quiet(self) -> bool:
        """True when everybody who asked was answered, and no call is under way: none may outlive its order."""
        under_way = self._calls.under_way or self._writes.under_way or self._requests.pending
        return workflow.all_handlers_finished() and not under_way

    def _continue_as_new(self) -> None:
        self._life.cases = self._desk.book
        workflow.continue_as_new(self._life)

    @property
    def _untouched(self) -> bool:
        """True while nothing has been done for the order, so that a newer version simply replaces it."""
        return not self._life.accepted and not self._life.enriched and not self._life.cancellations

    def _is_ended(self) -> bool:
        return self._office.ended

    async def _changed(self) -> None:
        await self._office.changed()


def _shown(state: OrderState, desk: CaseDesk) -> OrderState:
    """What an operator sees first: that somebody has to act, or that somebody holds the order."""
    if not desk.open:
        return state
    return OrderState.ON_HOLD if all(case.is_hold for case in desk.cases) else OrderState.EXCEPTION
