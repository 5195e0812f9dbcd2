"""Money back to a buyer: reserved in the ledger, paid by the channel, credited in the ERP, its tax taken back."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.erp import ErpActivities
    from activities.notify import NotifyActivities
    from activities.refunds import RefundActivities
    from activities.tax import TaxActivities
    from models.case import CaseKind, Resolution
    from models.channel import Progress, RefundRequest
    from models.order import Order
    from models.refund_process import GivenUp, RefundGrant, RefundProgress, RefundTask, told_to_the_channel
    from models.refunds import Refund, RefundState, TaxRefund, channel_lines, credit_lines
    from models.systems import CreditNote, Notice
    from workflows import channel_requests, policy
    from workflows.calls import Calls
    from workflows.cases import Cancelled, CaseDesk, never
    from workflows.refund_start import unsupported
    from workflows.writes import Writes


@workflow.defn
class RefundWorkflow:
    """Each step is done once, whatever is tried again: ledger, channel, ERP and tax engine know the refund by its id.
    Until the channel has paid, it can be given up; after that, the books follow."""

    @workflow.init
    def __init__(self, task: RefundTask) -> None:
        self._task = task
        self._refund: Refund | None = None
        self._step = "reserve"
        self._documents: dict[str, str] = {}
        self._writes = Writes()
        self._calls = Calls()
        self._desk = CaseDesk(task.claim.order_key, self._writes, self._changed, never)

    @workflow.run
    async def run(self, task: RefundTask) -> Refund:
        grant = await self._writes.do(RefundActivities.reserve_refund, task.claim, "Reserve it in the ledger")
        self._refund = refund = grant.refund
        if refund.state is not RefundState.RESERVED or grant.order is None:
            return refund
        try:
            await self._pay(grant, grant.order)
        except Cancelled as given_up:
            return await self._give_up(refund, str(given_up))
        if refund.paid:
            await self._credit(refund, grant.order)
            await self._take_tax_back(refund, grant.order)
        await self._finish(refund)
        if refund.paid:
            await self._notify(refund, grant.order)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._refund

    @workflow.query
    def snapshot(self) -> RefundProgress:
        return RefundProgress(
            task=self._task,
            refund=self._refund,
            step=self._step,
            case=self._desk.open,
            documents=self._documents,
        )

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        """Decide the open case: `retry`, `skip` where it was done by hand, or `cancel` while nothing is paid."""
        self._desk.resolve(resolution)

    @resolve.validator
    def _check_resolution(self, resolution: Resolution) -> None:
        self._desk.check(resolution)

    async def _pay(self, grant: RefundGrant, order: Order) -> None:
        """A refund on a channel that works on it later is followed to its real result."""
        self._step = "refund_on_channel"
        claim = grant.refund.claim
        if not grant.refund.paid or claim.paid or not told_to_the_channel(order):
            return
        request = RefundRequest(
            request_id=claim.request_id,
            order_key=claim.order_key,
            correlation_id=self._task.correlation_id,
            region=order.region,
            extras=order.extras,
            again=grant.again,
            lines=channel_lines(grant.refund.paid_lines),
            reason=claim.reason,
            note=claim.note,
        )

        async def pay() -> Progress:
            return await self._ask(request)

        # The other goods of an exchange are on their way: its money cannot be given up any more.
        free = not claim.exchange
        await self._desk.attempt(CaseKind.REFUND_DECLINED, self._step, pay, skippable=True, cancellable=free)

    async def _ask(self, request: RefundRequest) -> Progress:
        if self._task.decision is not None:
            decision = self._task.decision.model_copy(update={"again": request.again})
            try:
                return await channel_requests.decide_return(self._calls, decision)
            except ActivityError as error:
                if not unsupported(error):
                    raise
        return await channel_requests.refund(self._calls, request)

    async def _credit(self, refund: Refund, order: Order) -> None:
        self._step = "credit_note"
        note = CreditNote(
            note_id=f"{order.key}#credit:{refund.claim.request_id.removeprefix(f'{order.key}#')}",
            order_key=order.key,
            correlation_id=self._task.correlation_id,
            issued_at=workflow.now(),
            lines=credit_lines(refund.paid_lines),
            reason=refund.claim.reason,
        )

        async def post() -> str:
            return await workflow.execute_activity_method(
                ErpActivities.post_credit_note,
                note,
                **policy.outside(policy.ERP_QUEUE, f"Post a credit note of {refund.paid}"),
            )

        number = await self._desk.attempt(CaseKind.REFUND_DECLINED, self._step, post, skippable=True, cancellable=False)
        self._documents |= {"erp": number} if number else {}

    async def _take_tax_back(self, refund: Refund, order: Order) -> None:
        self._step = "tax"
        if not refund.seller_tax:
            return
        taxed = TaxRefund(refund_id=refund.claim.request_id, order=order, lines=refund.paid_lines, at=workflow.now())

        async def take_back() -> str | None:
            return await workflow.execute_activity_method(
                TaxActivities.refund_tax,
                taxed,
                **policy.outside(policy.TAX_QUEUE, f"Take {refund.seller_tax} of tax back"),
            )

        code = await self._desk.attempt(
            CaseKind.REFUND_DECLINED, self._step, take_back, skippable=True, cancellable=False
        )
        self._documents |= {"tax": code} if code else {}

    async def _finish(self, refund: Refund) -> None:
        self._step = "finish"
        await self._writes.do(RefundActivities.finish_refund, refund.claim.request_id, "The refund is done")
        self._refund = refund.model_copy(update={"state": RefundState.DONE})

    async def _give_up(self, refund: Refund, why: str) -> Refund:
        given_up = GivenUp(request_id=refund.claim.request_id, why=why)
        await self._writes.do(RefundActivities.free_refund, given_up, "Give the refund up")
        self._step = "given_up"
        self._refund = refund.model_copy(update={"state": RefundState.REFUSED, "refused": why})
        return self._refund

    async def _notify(self, refund: Refund, order: Order) -> None:
        """The refund does not depend on whether the buyer could be told."""
        if not order.buyer.email:
            return
        notice = Notice(
            order_key=order.key,
            correlation_id=self._task.correlation_id,
            template="refunded",
            notice_id=f"{refund.claim.request_id}:refunded",
            values={"amount": str(refund.paid), "reason": refund.claim.reason.value, "email": order.buyer.email},
            at=workflow.now(),
        )
        try:
            await workflow.execute_activity_method(
                NotifyActivities.notify_buyer, notice, **policy.best_effort(policy.NOTIFY_QUEUE, "Tell the buyer")
            )
        except ActivityError as error:
            workflow.logger.warning("buyer was not told", extra={"reason": str(error.cause)})

    async def _changed(self) -> None:
        case = self._desk.open
        words = f"Case `{case.case_id}`: {case.reason}" if case else f"**{self._step}**"
        workflow.set_current_details(words)
