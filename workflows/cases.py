"""Exception cases inside a workflow: open one, wait for its resolution, go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.record import RecordActivities
    from models.case import Action, CaseKind, ExceptionCase, Resolution
    from models.channel import CancelReason
    from models.messages import CancelRequest
    from models.order import OrderKey
    from workflows.writes import Writes

T = TypeVar("T")
WHY: Mapping[CaseKind, CancelReason] = {
    CaseKind.OUT_OF_STOCK: CancelReason.OUT_OF_STOCK,
    CaseKind.UNMAPPED_SKU: CancelReason.OUT_OF_STOCK,
    CaseKind.FRAUD_REVIEW: CancelReason.FRAUD,
    CaseKind.ADDRESS_INCOMPLETE: CancelReason.ADDRESS,
    CaseKind.CANCEL_REQUESTED: CancelReason.BUYER,
}
"""Why an order is cancelled that is given up in a case of this kind; in any other it is `other`."""
Changed = Callable[[], Awaitable[None]]
Interruption = Callable[[], CancelRequest | None]


def never() -> None:
    """The `Interruption` of a workflow that cannot be cancelled."""


class Cancelled(Exception):
    """The order is to be cancelled: by a message, or as the resolution of a case."""

    def __init__(self, reason: str, actor: str, authority: str, why: CancelReason = CancelReason.OTHER) -> None:
        super().__init__(reason)
        self.reason = reason
        self.actor = actor
        self.authority = authority
        self.why = why
        """In the words that channels want to hear."""


class CaseDesk:
    """The cases of one workflow, one open at a time; a second waits for its turn."""

    def __init__(self, order_key: OrderKey, writes: Writes, changed: Changed, interrupted: Interruption) -> None:
        """`changed` is awaited when a case opens or ends; a case is left alone once `interrupted` gives a request."""
        self.open: ExceptionCase | None = None
        self._order_key = order_key
        self._workflow_id = workflow.info().workflow_id
        self._writes = writes
        self._changed = changed
        self._interrupted = interrupted
        self._resolution: Resolution | None = None
        self._opened = 0
        self._turn = asyncio.Lock()

    async def settle(
        self, kind: CaseKind, step: str, reason: str, allowed: tuple[Action, ...], **detail: Any
    ) -> Resolution | None:
        """Open a case and wait for its resolution; `None` when it was interrupted (the order is being cancelled)."""
        async with self._turn:
            self._opened += 1
            self._resolution = None
            self.open = ExceptionCase(
                case_id=f"{self._workflow_id}~{self._opened}",
                order_key=self._order_key,
                workflow_id=self._workflow_id,
                kind=kind,
                step=step,
                reason=reason,
                detail=detail,
                opened_at=workflow.now(),
                allowed=allowed,
            )
            await self._record(self.open)
            await self._changed()
            await workflow.wait_condition(lambda: bool(self._resolution or self._interrupted()))
            ended = self.open.model_copy(update={"resolved_at": workflow.now(), "resolution": self._resolution})
            self.open = None
            await self._record(ended)
            await self._changed()
            return self._resolution

    async def attempt(
        self,
        kind: CaseKind,
        step: str,
        call: Callable[[], Awaitable[T]],
        *,
        skippable: bool = False,
        amend: Callable[[Resolution], None] | None = None,
        cancellable: bool = True,
    ) -> T | None:
        """Do a step; a business no opens a case, and its resolution says how to go on. `None` when it was skipped.

        Raises `Cancelled` when the resolution is to cancel, or the order was cancelled meanwhile.
        """
        allowed = _actions(skippable=skippable, amendable=amend is not None, cancellable=cancellable)
        while True:
            try:
                return await call()
            except ActivityError as error:
                declined = _business_no(error)
            resolution = await self.settle(kind, step, declined.message, allowed, **_detail(declined))
            if resolution is None or resolution.action is Action.CANCEL:
                raise self.cancelled_by(kind, resolution)
            if resolution.action is Action.SKIP:
                return None
            if resolution.action is Action.AMEND and amend:
                amend(resolution)

    def check(self, resolution: Resolution) -> None:
        """Refuse a resolution that does not fit the open case. Raises `ApplicationError` saying why."""
        if self.open is None or self.open.case_id != resolution.case_id:
            open_id = self.open.case_id if self.open else "none"
            raise ApplicationError(f"case {resolution.case_id} is not open here; open: {open_id}", type="NoSuchCase")
        if resolution.action not in self.open.allowed:
            raise ApplicationError(
                f"{resolution.action} is not possible for {self.open.kind}: use one of {', '.join(self.open.allowed)}",
                type="ActionNotAllowed",
            )
        if (resolution.action is Action.AMEND) == resolution.amendment.empty:
            raise ApplicationError("an amendment, and only that, says what to change", type="AmendmentMissing")

    def resolve(self, resolution: Resolution) -> None:
        self._resolution = resolution

    def resume(self, step: str, cause: str) -> None:
        """The cause of the open case at this step has gone by itself: try again."""
        if self.open and self.open.step == step:
            self._resolution = Resolution(case_id=self.open.case_id, action=Action.RETRY, actor="orderyard", note=cause)

    def cancelled_by(self, kind: CaseKind, resolution: Resolution | None) -> Cancelled:
        """The end of an order by the resolution of a case, or by the request that interrupted it."""
        if resolution:
            note = resolution.note or "cancelled as the resolution of a case"
            return Cancelled(note, resolution.actor, "operator", WHY.get(kind, CancelReason.OTHER))
        request = self._interrupted()
        assert request is not None
        return Cancelled(request.reason, request.actor, request.authority, request.why)

    async def _record(self, case: ExceptionCase) -> None:
        await self._writes.do(RecordActivities.record_case, case, f"Case {case.kind} at {case.step}")


def _business_no(error: ActivityError) -> ApplicationError:
    """The refusal inside an activity's failure; anything else is not a case, and is raised on."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.non_retryable:
        return cause
    raise error


def _detail(declined: ApplicationError) -> dict[str, Any]:
    code, field = (*declined.details, None, None)[:2]
    return {"code": code, "field": field}


def _actions(*, skippable: bool, amendable: bool, cancellable: bool) -> tuple[Action, ...]:
    possible = {Action.RETRY: True, Action.AMEND: amendable, Action.SKIP: skippable, Action.CANCEL: cancellable}
    return tuple(action for action, allowed in possible.items() if allowed)
