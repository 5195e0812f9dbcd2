"""The end of an order: settled money and closed cases, or a cancellation that every system knows of."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.settlement_books import SettlementBookActivities
    from activities.stock import StockActivities
    from activities.tax import TaxActivities, TaxDocument
    from models.case import Action, CaseKind
    from models.deadline import DeadlineKind
    from models.messages import CancelRequest, OrderState, RefundCounted, ReturnCounted
    from models.money import Money
    from models.quantities import QuantityError
    from models.settlement_books import OrderWriteOff
    from workflows import documents, policy
    from workflows.deadlines import Deadlines
    from workflows.mirrors import Mirrors
    from workflows.office import Office


WRITE_OFF_IS_BOOKED = "write-off-is-booked"
SETTLE = "settle"
"""Step at which money is waited for."""


class Closing:
    def __init__(self, office: Office, deadlines: Deadlines) -> None:
        self._office = office
        self._life = office.life
        self._deadlines = deadlines

    async def close(self, mirrors: Mirrors) -> None:
        """Goods are done; the order closes when money and cases are."""
        self._keep_return_window()
        await self._let_the_tax_heal()
        await mirrors.in_step()
        await self._commit_tax()
        while self._money_is_open:
            await self._await_money()
            await mirrors.in_step()
            await self._office.desk.end_carried()
            await self._office.journal.write(waiting_for="its open cases")
            await workflow.wait_condition(lambda: not self._office.desk.cases or self._money_is_open)
        self._office.journal.enter(OrderState.CLOSED, "goods, money and cases are done")
        await self._office.ended_well()

    @property
    def _money_is_open(self) -> bool:
        """True until it is settled, and again when the channel cancels or pays while cases are still open."""
        life = self._life
        return life.settled_with is None or len(life.money) > life.settled_with or life.late_cancel is not None

    async def cancel(self, request: CancelRequest, mirrors: Mirrors) -> None:
        """Nothing leaves any more; the order is cancelled once every system knows."""
        by = {"actor": request.actor, "authority": request.authority}
        if self._life.state is not OrderState.CANCELLING:
            self._office.journal.enter(OrderState.CANCELLING, request.reason, **by)
        await self._office.writes.do(StockActivities.give_back, self._life.order.key, "Undo: give the reservation back")
        if untold := mirrors.behind:
            await self._office.journal.write(waiting_for=f"{', '.join(untold)} to know")
            self._office.journal.show()
        await mirrors.in_step()
        await self._office.desk.end_carried()
        await workflow.wait_condition(lambda: not self._office.desk.cases)
        self._office.journal.enter(OrderState.CANCELLED, request.reason, **by)
        await self._office.ended_well()

    def count_refund(self, refund: RefundCounted) -> None:
        life = self._life
        if refund.refund_id in life.refunds:
            return
        life.refunds[refund.refund_id] = refund
        if refund.goodwill:
            life.uncounted.append(("goodwill", refund.units))
        life.uncounted.append(("refunded", refund.units))
        self._count()

    def count_return(self, returned: ReturnCounted) -> None:
        life = self._life
        if returned.return_id in life.returns:
            return
        life.returns.append(returned.return_id)
        life.uncounted.append(("returned", returned.units))
        self._count()

    def _count(self) -> None:
        """Count what can be; a refund that was told before its goods waits for them."""
        life = self._life
        waiting, life.uncounted = life.uncounted, []
        for name, units in waiting:
            before = life.counted
            life.counted = before.plus(name, units)
            try:
                life.goods.quantities()
            except QuantityError:
                life.counted = before
                life.uncounted.append((name, units))
        if len(life.uncounted) < len(waiting) and life.uncounted:
            self._count()

    async def _let_the_tax_heal(self) -> None:
        """Nothing is committed before the engine has it."""
        if self._life.tax_heals:
            await self._office.journal.write(waiting_for="the tax engine to record the sale")
            await workflow.wait_condition(lambda: not self._life.tax_heals)

    def _keep_return_window(self) -> None:
        life = self._life
        if not life.terms or not life.shipments:
            return
        due = max(record.shipped_at for record in life.shipments) + life.terms.return_window
        acts = "returns are no longer accepted without a person's decision"
        self._deadlines.keep(DeadlineKind.RETURN_WINDOW, due, acts, lambda: False, self._nothing_more)

    async def _nothing_more(self) -> None:
        await self._office.changed()

    async def _commit_tax(self) -> None:
        life = self._life
        if life.tax_committed or life.tax is None or life.tax.document is None:
            return
        document = TaxDocument(document=life.tax.document, correlation_id=str(life.order.correlation_id))

        async def commit() -> None:
            await self._office.calls.outside(
                TaxActivities.commit_tax, document, policy.TAX_QUEUE, "Commit the tax document"
            )

        await self._office.desk.attempt(CaseKind.TAX_DECLINED, "commit_tax", commit, skippable=True, cancellable=False)
        life.tax_committed = True

    async def _await_money(self) -> None:
        life, written_off = self._life, False
        await self._office.journal.write(waiting_for=f"settlement of {self._expected}")
        self._office.journal.show()
        while life.late_cancel or not (written_off or life.received == self._expected):
            written_off = await self._written_off()
        life.settled_with = len(life.money)
        if written_off and workflow.patched(WRITE_OFF_IS_BOOKED):
            await self._book_write_off()
        if life.state is not OrderState.SETTLED:
            told, authority = f"received {life.received}", "settlement"
            if written_off:
                told, authority = f"{told}, the rest is written off", "orderyard"
            self._office.journal.enter(OrderState.SETTLED, told, authority=authority)

    async def _book_write_off(self) -> None:
        """The rest leaves the channel's debts; what of it is paid later is taken back when that is booked."""
        life = self._life
        off = OrderWriteOff(
            order_key=life.order.key,
            correlation_id=str(life.correlation_id),
            expected=self._expected,
            on=workflow.now().date(),
            entity=life.terms.entity if life.terms else "",
        )

        async def book() -> None:
            await self._office.calls.outside(
                SettlementBookActivities.write_off_order, off, policy.SETTLEMENT_QUEUE, "Book what is written off"
            )

        await self._office.desk.attempt(CaseKind.ERP_DECLINED, "write_off", book, skippable=True, cancellable=False)

    @property
    def _expected(self) -> Money:
        return documents.expected(self._life)

    async def _written_off(self) -> bool:
        """Wait for money; what goes wrong with it becomes a case. True when a person gave the rest up."""
        life = self._life
        if carried := self._office.desk.carried(SETTLE):
            return await self._give_up(carried.kind)
        due, acts = workflow.now() + policy.SETTLEMENT_WINDOW, "a case: the channel has not paid"
        left = self._deadlines.show(DeadlineKind.SETTLEMENT, due, acts)
        try:
            await workflow.wait_condition(
                lambda: life.received.amount >= self._expected.amount or life.late_cancel is not None,
                timeout=left,
                timeout_summary="Money that is not there becomes a case",
            )
        except TimeoutError:
            self._deadlines.has_passed(DeadlineKind.SETTLEMENT)
            return await self._give_up(CaseKind.SETTLEMENT_DIFFERS if life.money else CaseKind.SETTLEMENT_OVERDUE)
        if life.late_cancel:
            given_up = await self._give_up(CaseKind.CANCEL_TOO_LATE)
            life.late_cancel = None  # Whoever asked meanwhile asked for the same.
            return given_up
        self._deadlines.is_met(DeadlineKind.SETTLEMENT)
        return life.received != self._expected and await self._give_up(CaseKind.SETTLEMENT_DIFFERS)

    async def _give_up(self, kind: CaseKind) -> bool:
        cause = "cancelled after it was shipped: offer a return; " if kind is CaseKind.CANCEL_TOO_LATE else ""
        reason = (
            f"{cause}received {self._life.received} of {self._expected}:"
            " retry goes on waiting, skip writes the difference off"
        )
        settled = asyncio.create_task(self._settle_by_itself()) if kind is not CaseKind.CANCEL_TOO_LATE else None
        try:
            resolution = await self._office.desk.settle(
                kind, SETTLE, reason, (Action.RETRY, Action.SKIP), interruptible=False
            )
        finally:
            if settled:
                settled.cancel()
        return resolution is not None and resolution.action is Action.SKIP

    async def _settle_by_itself(self) -> None:
        """Money that comes late, or a newer version of the order that explains it, ends the case."""
        await workflow.wait_condition(lambda: self._life.received == self._expected)
        self._office.desk.resume(SETTLE, "the money is as expected now")
