"""A return's record: its file, what is known of its order, its cases, and the projection of all that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.returns import ReturnActivities, ReturnRef
    from models.case import Action, CaseBook, CaseKind, Resolution
    from models.return_policy import wanted_of
    from models.return_process import ReturnFacts, ReturnFile
    from models.returns import ReturnProcessState
    from models.systems import ReturnReceipt
    from workflows.cases import CaseDesk, never
    from workflows.writes import Writes


class ReturnRecord:
    """Shared by the steps of one return."""

    def __init__(self, file: ReturnFile) -> None:
        self.file = file
        self.facts = ReturnFacts()
        self.writes = Writes()
        self.desk = CaseDesk(file.case_key, self.writes, self.changed, never, CaseBook(opened=file.cases))

    @property
    def shown(self) -> ReturnFile:
        return self.file.model_copy(update={"case": self.desk.open})

    def set(self, **changes: object) -> None:
        self.file = self.file.model_copy(update=changes)

    async def begin(self) -> None:
        """What an earlier run of this return knew counts; what came with this one is added to it."""
        await self.look_up()
        earlier, now = self.facts.earlier, self.file
        if earlier and len(earlier.history) > len(now.history):
            told = [each for each in (earlier.told, now.told) if each]
            newest = max(told, key=lambda each: each.version, default=None)
            came = tuple(each for each in now.waiting if not _in(earlier, each.receipt_id))
            self.file = earlier.model_copy(update={"waiting": (*earlier.waiting, *came), "told": newest})
            self.desk.opened = earlier.cases
        if not self.file.wanted and self.file.told:
            self.set(wanted=wanted_of(self.file.told, self.facts.order))
        await self.changed()

    async def look_up(self) -> None:
        """Read again what the store knows of the order."""
        file = self.file
        ref = ReturnRef(workflow_id=file.workflow_id, return_id=file.return_id, order_key=file.order_key)
        self.facts = await self.writes.do(ReturnActivities.know_return, ref, "Look up the order of the return")

    def knows(self, receipt_id: str) -> bool:
        return _in(self.file, receipt_id)

    def is_booked(self, receipt_id: str) -> bool:
        return _reference(self.file, receipt_id) in {each.receipt.receipt_id for each in self.file.parcels}

    def reference(self, receipt: ReturnReceipt) -> str:
        """The receipt's id in every other system: a warehouse numbers its receipts as it likes."""
        return _reference(self.file, receipt.receipt_id)

    def wait_with(self, receipt: ReturnReceipt) -> None:
        """Put a parcel in front of those that are to be booked, instead of an earlier report of it."""
        others = (each for each in self.file.waiting if each.receipt_id != receipt.receipt_id)
        self.set(waiting=(receipt, *others))

    async def enter(self, state: ReturnProcessState, cause: str, actor: str = "orderyard") -> None:
        self.file = self.file.entered(state, workflow.now(), cause, actor)
        await self.changed()

    async def changed(self) -> None:
        """Show the return as it stands, in Temporal and in the projection."""
        self.set(cases=self.desk.opened)
        workflow.set_current_details(_told(self.shown))
        await self.writes.do(ReturnActivities.keep_return, self.shown, f"Record: {self.file.state}")

    async def ask_a_person(
        self,
        step: str,
        why: str,
        allowed: tuple[Action, ...],
        patience: timedelta,
        on_expiry: Action,
        moot: Callable[[], bool],
    ) -> Resolution | None:
        """A review with an owner and an end: `on_expiry` is done when nobody has decided by then.

        None when it became `moot` meanwhile.
        """
        settling = asyncio.create_task(
            self.desk.settle(
                CaseKind.RETURN_REVIEW,
                step,
                why,
                allowed,
                owner="customer service",
                expires_at=workflow.now() + patience,
                on_expiry=on_expiry,
                return_id=self.file.return_id,
            )
        )
        await workflow.wait_condition(lambda: settling.done() or (moot() and self.desk.open is not None))
        if settling.done():
            return await settling
        self._close_case(Action.RETRY, "decided elsewhere")
        await settling
        return None

    def _close_case(self, action: Action, note: str) -> None:
        if case := self.desk.open:
            self.desk.resolve(Resolution(case_id=case.case_id, action=action, actor="orderyard", note=note))


def _reference(file: ReturnFile, receipt_id: str) -> str:
    return f"{file.case_key}#receipt:{receipt_id}"


def _in(file: ReturnFile, receipt_id: str) -> bool:
    """True when the receipt is booked, or waits for it."""
    booked = {each.receipt.receipt_id for each in file.parcels}
    return _reference(file, receipt_id) in booked or any(each.receipt_id == receipt_id for each in file.waiting)


def _told(file: ReturnFile) -> str:
    rows = [f"**{file.state}** · RMA {file.rma or 'none'}"]
    if file.case:
        rows.append(f"Case `{file.case.case_id}` ({file.case.kind}): {file.case.reason}")
    rows.append("")  # Markdown sees a list only after an empty line.
    rows += [f"- {each.at:%Y-%m-%d %H:%M:%S} {each.state}: {each.cause} ({each.actor})" for each in file.history]
    return "\n".join(rows)[:18_000]
