"""The money of a return, and what its channel is told."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.replacements import ReplacementActivities
    from models.case import Action, CaseKind
    from models.channel import Progress, ReturnAction
    from models.refunds import Refund, RefundClaim, RefundState
    from models.returns import ChannelReturn, ReturnProcessState, ReturnState
    from workflows import channel_requests, return_money
    from workflows.calls import Calls
    from workflows.refund import RefundWorkflow
    from workflows.refund_start import refund_of, unsupported
    from workflows.replacement import ReplacementWorkflow
    from workflows.return_record import ReturnRecord


class PayBack:
    def __init__(self, record: ReturnRecord) -> None:
        self._record = record

    async def pay(self) -> None:
        """Pay for what came back and was accepted; what is refused by the ledger is put to a person."""
        record = self._record
        await self._tell_received()
        if record.file.exchange and not record.file.replacement:
            await self._exchange()
        while claim := return_money.claim_of(record.file, record.facts):
            if record.file.state is ReturnProcessState.RECEIVED:
                await record.enter(ReturnProcessState.REFUNDING, "what came back is paid back")
            refund = await self._refund(claim)
            if refund.state is RefundState.REFUSED and not await self._claim_again(refund):
                break
        done = [each for each in record.file.refunds if each.state is RefundState.DONE]
        paid = ", ".join(str(each.paid) for each in done if each.paid) or "nothing"
        sent = f", replaced by {record.file.replacement}" if record.file.replacement else ""
        await record.enter(ReturnProcessState.CLOSED, f"refunded: {paid}{sent}")

    async def _exchange(self) -> None:
        """Other goods for what came back; what the ledger refuses is put to a person, and then paid like any return."""
        record = self._record
        while lines := return_money.lines_to_exchange(record.file, record.facts):
            order_key = record.file.order_key
            assert order_key is not None, "goods of no known order are of no line"
            number = await record.writes.do(ReplacementActivities.next_replacement, order_key, "Number the replacement")
            task = return_money.replacement_task(record.file, lines, number)
            done = await workflow.execute_child_workflow(
                ReplacementWorkflow.run,
                task,
                id=task.workflow_id,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"Replacement {task.replacement_key} for {task.order_key}",
            )
            record.set(refunds=(*record.file.refunds, done.refund), replacement=done.order_key)
            if done.order_key or not await self._claim_again(done.refund):
                return

    async def follow(self, told: ChannelReturn) -> None:
        """The channel has ended the return itself; if it has paid, the books follow."""
        if claim := return_money.claim_paid_elsewhere(self._record.file, self._record.facts):
            await self._refund(claim)
        ends = {ReturnState.REFUSED: ReturnProcessState.REFUSED, ReturnState.CANCELLED: ReturnProcessState.CANCELLED}
        state = ends.get(told.state, ReturnProcessState.CLOSED)
        await self._record.enter(state, f"the channel says that it is {told.state}", "channel")

    async def tell(self, action: ReturnAction, units: Mapping[str, int]) -> None:
        """A channel that decides this itself is left to it."""
        decision = return_money.decision_of(self._record.file, self._record.facts, action, units)
        if decision is None:
            return

        async def tell() -> Progress:
            try:
                return await channel_requests.decide_return(Calls(), decision)
            except ActivityError as error:
                if not unsupported(error):
                    raise
                return Progress()

        await self._record.desk.attempt(
            CaseKind.CHANNEL_DECLINED, f"return_{action}", tell, skippable=True, cancellable=False
        )

    async def _tell_received(self) -> None:
        told = self._record.file.told
        if told and told.state in (ReturnState.REQUESTED, ReturnState.APPROVED) and not self._record.file.refunds:
            await self.tell(ReturnAction.RECEIVE, self._record.file.goods.units(self._record.facts.components))

    async def _refund(self, claim: RefundClaim) -> Refund:
        task = return_money.task_of(self._record.file, self._record.facts, claim)
        refund = await refund_of(RefundWorkflow.run, task)
        self._record.set(refunds=(*self._record.file.refunds, refund))
        return refund

    async def _claim_again(self, refund: Refund) -> bool:
        resolution = await self._record.desk.settle(
            CaseKind.REFUND_DECLINED,
            "refund",
            f"{refund.refused}. retry claims again, skip closes the return without it",
            (Action.RETRY, Action.SKIP),
            owner="finance",
        )
        return resolution is not None and resolution.action is Action.RETRY
