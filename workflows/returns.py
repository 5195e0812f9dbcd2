"""Goods that a buyer sends back: decided, received, inspected, restocked, credited and paid back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.case import Action, Resolution
    from models.channel import ReturnAction
    from models.return_policy import objection
    from models.return_process import Exchange, Inspection, ReturnFile, Ruling
    from models.returns import ChannelReturn, ReturnProcessState, ReturnState
    from models.systems import ReturnReceipt
    from workflows import policy
    from workflows.return_parcels import Parcels
    from workflows.return_payback import PayBack
    from workflows.return_record import ReturnRecord

OVER = frozenset({ReturnState.CLOSED, ReturnState.CANCELLED, ReturnState.REFUSED})


@workflow.defn
class ReturnWorkflow:
    """Linked to its order by the key alone, so that it does not matter whether the order's process still runs.

    Handlers only record and wake; `run` does what the state asks for, until the return has ended and no parcel waits.
    """

    @workflow.init
    def __init__(self, file: ReturnFile) -> None:
        self._record = ReturnRecord(file)
        self._parcels = Parcels(self._record)
        self._money = PayBack(self._record)
        self._ruling: Ruling | None = None

    @workflow.run
    async def run(self, file: ReturnFile) -> ReturnFile:
        await self._record.begin()
        while not self._record.file.ended or self._record.file.waiting or self._paid_after_all():
            await self._steps[self._record.file.state]()
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._record.file)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._record.file

    @property
    def _steps(self) -> Mapping[ReturnProcessState, Callable[[], Awaitable[None]]]:
        """What a return in this state is waiting for; an ended one is taken up again by goods that come after all."""
        return {
            ReturnProcessState.REQUESTED: self._decide,
            ReturnProcessState.REVIEW: self._decide,
            ReturnProcessState.REFUSED: self._decide,
            ReturnProcessState.CANCELLED: self._decide,
            ReturnProcessState.APPROVED: self._collect,
            ReturnProcessState.PARTLY_RECEIVED: self._collect,
            ReturnProcessState.CLOSED: self._collect,
            ReturnProcessState.LAPSED: self._collect,
            ReturnProcessState.RECEIVED: self._money.pay,
            ReturnProcessState.REFUNDING: self._money.pay,
        }

    # What others may ask and say

    @workflow.query
    def snapshot(self) -> ReturnFile:
        return self._record.shown

    @workflow.signal
    def channel_told(self, told: ChannelReturn) -> None:
        """The channel has a newer version of the return; an older one, or the same again, is ignored."""
        known = self._record.file.told
        if known is None or told.version > known.version:
            self._record.set(told=told)

    @workflow.signal
    def goods_received(self, receipt: ReturnReceipt) -> None:
        """A parcel came back; the same receipt again changes nothing."""
        if not self._record.knows(receipt.receipt_id):
            self._record.set(waiting=(*self._record.file.waiting, receipt))

    @workflow.update
    def decide(self, ruling: Ruling) -> None:
        """Accept or refuse the return; of a blind one, say which order it belongs to."""
        self._ruling = ruling

    @decide.validator
    def _check_ruling(self, ruling: Ruling) -> None:
        file = self._record.file
        if file.state not in (ReturnProcessState.REQUESTED, ReturnProcessState.REVIEW):
            raise ApplicationError(f"return {file.return_id} is {file.state} already", type="WrongState")

    @workflow.update
    def inspect(self, inspection: Inspection) -> None:
        """Correct a parcel that is not booked yet, or report one by hand."""
        self._parcels.correct(inspection)

    @inspect.validator
    def _check_inspection(self, inspection: Inspection) -> None:
        if self._record.is_booked(inspection.receipt_id):
            raise ApplicationError(f"receipt {inspection.receipt_id} is booked already", type="WrongState")
        if not inspection.node and not self._record.knows(inspection.receipt_id):
            raise ApplicationError(f"receipt {inspection.receipt_id} is new: say at which node", type="NodeMissing")

    @workflow.update
    def exchange(self, wanted: Exchange) -> None:
        """The buyer gets other goods for what comes back, and money only for what those cost less."""
        self._record.set(exchange=wanted)

    @exchange.validator
    def _check_exchange(self, wanted: Exchange) -> None:
        file = self._record.file
        if file.ended or file.state is ReturnProcessState.REFUNDING:
            raise ApplicationError(f"return {file.return_id} is {file.state} already", type="WrongState")

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        self._record.desk.resolve(resolution)

    @resolve.validator
    def _check_resolution(self, resolution: Resolution) -> None:
        self._record.desk.check(resolution)

    # The steps

    async def _decide(self) -> None:
        """By policy, by the channel, or by a person; a review that became moot is looked at again."""
        file = self._record.file
        why = objection(file, self._record.facts, policy.RETURN_WINDOW)
        if file.ended:
            why = f"goods came back for a return that is {file.state}"
        ruling = self._ruled()
        if ruling is None and why is None:
            ruling = Ruling(accepted=True, actor="orderyard", reason="within the return policy")
        if ruling is None:
            if file.state is not ReturnProcessState.REVIEW:
                await self._record.enter(ReturnProcessState.REVIEW, str(why))
            ruling = await self._review(str(why)) or self._ruled()
        if ruling is not None:
            self._ruling = None
            await self._apply(ruling)

    def _ruled(self) -> Ruling | None:
        """What a person or the channel has decided; the channel's word does not settle goods that came against it."""
        told = self._record.file.told
        if self._ruling or told is None or told.state is ReturnState.REQUESTED:
            return self._ruling
        if told.state in OVER and self._record.file.waiting:
            return None
        accepted = told.state in (ReturnState.APPROVED, ReturnState.RECEIVED)
        return Ruling(accepted=accepted, actor="channel", reason=f"the channel says that it is {told.state}")

    async def _review(self, why: str) -> Ruling | None:
        decided = await self._record.ask_a_person(
            "review",
            f"{why}. skip accepts it, cancel refuses it",
            (Action.SKIP, Action.CANCEL),
            policy.RETURN_DECISION,
            Action.CANCEL,
            lambda: self._ruled() is not None,
        )
        if decided is None:
            return None
        return Ruling(accepted=decided.action is Action.SKIP, actor=decided.actor, reason=decided.note)

    async def _apply(self, ruling: Ruling) -> None:
        record = self._record
        if ruling.order_key or ruling.units:
            record.set(order_key=ruling.order_key or record.file.order_key, wanted=ruling.units or record.file.wanted)
            await record.look_up()
        record.set(ruling=ruling)
        told = record.file.told
        if told and told.state in OVER and ruling.actor == "channel":
            await self._money.follow(told)
            return
        if told and told.state is ReturnState.REQUESTED:
            action = ReturnAction.ACCEPT if ruling.accepted else ReturnAction.REFUSE
            await self._money.tell(action, record.file.wanted)
        if ruling.accepted:
            record.set(due=workflow.now() + policy.GOODS_BACK)
            await record.enter(ReturnProcessState.APPROVED, ruling.reason or "accepted", ruling.actor)
        else:
            await self._parcels.send_back()
            await record.enter(ReturnProcessState.REFUSED, ruling.reason or "refused", ruling.actor)

    async def _collect(self) -> None:
        """Book each parcel as it comes, until everything is back or the deadline has passed."""
        await self._parcels.book_all()
        file = self._record.file
        if self._all_back():
            await self._record.enter(ReturnProcessState.RECEIVED, "everything is back")
        elif told := self._ended_by_channel():
            await self._money.follow(told)
        elif not await self._more_comes():
            state = ReturnProcessState.RECEIVED if file.parcels else ReturnProcessState.LAPSED
            await self._record.enter(state, f"nothing more came until {file.due or workflow.now():%Y-%m-%d}")

    async def _more_comes(self) -> bool:
        """Wait for a parcel, or for news of the channel; False when the deadline passes first."""
        due = self._record.file.due or workflow.now()
        try:
            await workflow.wait_condition(
                lambda: bool(self._record.file.waiting or self._ended_by_channel()),
                timeout=max(due - workflow.now(), timedelta()),
                timeout_summary="Goods that are not back by then are waited for no more",
            )
        except TimeoutError:
            return False
        return True

    def _paid_after_all(self) -> bool:
        """True when the channel has paid a return that had ended here without money."""
        file = self._record.file
        told = file.told
        closed = told is not None and told.state is ReturnState.CLOSED and bool(told.refunded)
        return closed and not file.refunds and file.ended and file.state is not ReturnProcessState.CLOSED

    def _ended_by_channel(self) -> ChannelReturn | None:
        told = self._record.file.told
        return told if told and told.state in OVER and not self._record.file.parcels else None

    def _all_back(self) -> bool:
        file = self._record.file
        seen = file.goods.units_seen(self._record.facts.components)
        return bool(file.parcels) and all(seen.get(line_id, 0) >= units for line_id, units in file.wanted.items())
