"""Exception cases inside a workflow: open one, wait for its resolution, go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.record import RecordActivities
    from models.case import Action, CaseBook, CaseKind, ExceptionCase, Resolution
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
    CaseKind.PRICE_BELOW_FLOOR: CancelReason.PRICING_ERROR,
}
"""Why an order is cancelled that is given up in a case of this kind; in any other it is `other`."""
OWNERS: Mapping[CaseKind, str] = {
    CaseKind.UNMAPPED_SKU: "catalogue",
    CaseKind.PRICE_BELOW_FLOOR: "catalogue",
    CaseKind.FRAUD_REVIEW: "fraud",
    CaseKind.TAX_DECLINED: "finance",
    CaseKind.ERP_DECLINED: "finance",
    CaseKind.SETTLEMENT_OVERDUE: "finance",
    CaseKind.SETTLEMENT_DIFFERS: "finance",
    CaseKind.REFUND_DECLINED: "finance",
    CaseKind.RATE_MISSING: "finance",
    CaseKind.WMS_DECLINED: "warehouse",
    CaseKind.NOT_SHIPPED_IN_TIME: "warehouse",
    CaseKind.OUT_OF_STOCK: "purchasing",
    CaseKind.ADDRESS_INCOMPLETE: "customer service",
    CaseKind.CANCEL_REQUESTED: "customer service",
    CaseKind.CANCEL_TOO_LATE: "customer service",
    CaseKind.RETURN_REVIEW: "customer service",
    CaseKind.PAYMENT_OVERDUE: "channel",
    CaseKind.ACKNOWLEDGE_OVERDUE: "channel",
    CaseKind.CONFIRM_OVERDUE: "channel",
}
"""Whose turn it is; in any other kind it is `operations`."""

REMEMBERED = 10
"""Decided cases that a workflow keeps to show; all of them are in the store."""
Changed = Callable[[], Awaitable[None]]
Interruption = Callable[[], bool]


def never() -> bool:
    return False


class Cancelled(Exception):
    """The order is to be cancelled: by a message, or as the resolution of a case."""

    def __init__(self, request: CancelRequest) -> None:
        super().__init__(request.reason)
        self.request = request


class CaseDesk:
    """The cases of one workflow. Any number may be open, one at a time for each step."""

    def __init__(
        self,
        order_key: OrderKey,
        writes: Writes,
        changed: Changed,
        interrupted: Interruption,
        book: CaseBook | None = None,
    ) -> None:
        """`changed` is awaited when a case opens or ends; one that may be interrupted is left alone once `interrupted`
        holds. `book` are the cases that were open before the workflow continued as new."""
        self._order_key = order_key
        self._workflow_id = workflow.info().workflow_id
        self._writes = writes
        self._changed = changed
        self._interrupted = interrupted
        self.opened = book.opened if book else 0
        self._carried = {case.step: case for case in book.cases} if book else {}
        self._decided = list(book.decided) if book else []
        self._open: dict[str, ExceptionCase] = {}
        self._resolutions: dict[str, Resolution] = {}

    @property
    def cases(self) -> tuple[ExceptionCase, ...]:
        return (*self._carried.values(), *self._open.values())

    @property
    def open(self) -> ExceptionCase | None:
        """The case that has been open longest."""
        return next(iter(self.cases), None)

    @property
    def book(self) -> CaseBook:
        return CaseBook(opened=self.opened, cases=self.cases, decided=self.decided)

    @property
    def decided(self) -> tuple[str, ...]:
        """The latest cases that were decided, in words."""
        return tuple(self._decided[-REMEMBERED:])

    def carried(self, step: str) -> ExceptionCase | None:
        """A case of this step that was open before the workflow continued as new, and that nobody waits for yet."""
        return self._carried.get(step)

    async def end_carried(self) -> None:
        """The order has come past the steps of cases that were carried: they are over."""
        for step in list(self._carried):
            await self._end_carried(step)

    async def _end_carried(self, step: str) -> None:
        if case := self._carried.pop(step, None):
            over = Resolution(case_id=case.case_id, action=Action.RETRY, actor="orderyard", note="done meanwhile")
            resolution = self._resolutions.pop(case.case_id, over)
            await self._record(case.model_copy(update={"resolved_at": workflow.now(), "resolution": resolution}))
            await self._changed()

    async def settle(
        self,
        kind: CaseKind,
        step: str,
        reason: str,
        allowed: tuple[Action, ...],
        *,
        subject: str = "",
        owner: str = "",
        expires_at: datetime | None = None,
        on_expiry: Action | None = None,
        interruptible: bool = True,
        **detail: Any,
    ) -> Resolution | None:
        """Open a case and wait for its resolution; `None` when it was interrupted (the order is being cancelled)."""
        case = self._carried.pop(step, None)
        if case is None:
            case = self._new(kind, step, reason, allowed, subject, detail).model_copy(
                update={
                    "owner": owner or OWNERS.get(kind, "operations"),
                    "expires_at": expires_at,
                    "on_expiry": on_expiry,
                }
            )
        self._open[case.case_id] = case
        await self._record(case)
        await self._changed()
        resolution = await self._resolution(case, interruptible)
        del self._open[case.case_id]
        self._decided.append(_in_words(case, resolution))
        await self._record(case.model_copy(update={"resolved_at": workflow.now(), "resolution": resolution}))
        await self._changed()
        return resolution

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

        Raises `Cancelled` when the resolution is to cancel. When the order ends meanwhile it returns `None`, and the
        caller has to look; a step that is not `cancellable` is not interrupted.
        """
        allowed = _actions(skippable=skippable, amendable=amend is not None, cancellable=cancellable)
        while True:
            try:
                answer = await call()
            except ActivityError as error:
                declined = _business_no(error)
            else:
                await self._end_carried(step)
                return answer
            detail = _detail(declined)
            resolution = await self.settle(
                kind,
                step,
                declined.message,
                allowed,
                subject=_subject(detail["field"]),
                interruptible=cancellable,
                **detail,
            )
            if resolution is None or resolution.action is Action.SKIP:
                return None
            if resolution.action is Action.CANCEL:
                raise cancelled_by(kind, resolution)
            if resolution.action is Action.AMEND and amend:
                amend(resolution)

    def check(self, resolution: Resolution) -> None:
        """Refuse a resolution that does not fit an open case. Raises `ApplicationError` saying why."""
        case = next((case for case in self.cases if case.case_id == resolution.case_id), None)
        if case is None:
            open_ids = ", ".join(case.case_id for case in self.cases) or "none"
            raise ApplicationError(f"case {resolution.case_id} is not open here; open: {open_ids}", type="NoSuchCase")
        if resolution.case_id in self._resolutions:
            raise ApplicationError(f"case {resolution.case_id} is decided already", type="NoSuchCase")
        if resolution.action not in case.allowed:
            raise ApplicationError(
                f"{resolution.action} is not possible for {case.kind}: use one of {', '.join(case.allowed)}",
                type="ActionNotAllowed",
            )
        if (resolution.action is Action.AMEND) == resolution.amendment.empty:
            raise ApplicationError("an amendment, and only that, says what to change", type="AmendmentMissing")

    def resolve(self, resolution: Resolution) -> None:
        self._resolutions[resolution.case_id] = resolution

    def resume(self, step: str, cause: str) -> None:
        """The cause of the open case at this step has gone by itself: try again."""
        self._retry([case for case in self.cases if case.step == step], cause)

    def cause_gone(self, subject: str, cause: str) -> None:
        """A fix outside the order: every case that waits for it is tried again."""
        self._retry([case for case in self.cases if case.subject == subject], cause)

    def _retry(self, cases: list[ExceptionCase], cause: str) -> None:
        for case in cases:
            retry = Resolution(case_id=case.case_id, action=Action.RETRY, actor="orderyard", note=cause)
            self._resolutions.setdefault(case.case_id, retry)

    def _new(
        self,
        kind: CaseKind,
        step: str,
        reason: str,
        allowed: tuple[Action, ...],
        subject: str,
        detail: dict[str, Any],
    ) -> ExceptionCase:
        self.opened += 1
        return ExceptionCase(
            case_id=f"{self._workflow_id}~{self.opened}",
            order_key=self._order_key,
            workflow_id=self._workflow_id,
            kind=kind,
            step=step,
            reason=reason,
            detail=detail,
            subject=subject,
            opened_at=workflow.now(),
            allowed=allowed,
        )

    async def _resolution(self, case: ExceptionCase, interruptible: bool) -> Resolution | None:
        """A person's, its cause's own, or at its expiry the one that was agreed on; `None` when it was interrupted."""

        def ended() -> bool:
            return case.case_id in self._resolutions or (interruptible and self._interrupted())

        try:
            await workflow.wait_condition(
                ended,
                timeout=case.expires_at - workflow.now() if case.expires_at and case.on_expiry else None,
                timeout_summary=f"Nobody decides: {case.on_expiry}" if case.on_expiry else None,
            )
        except TimeoutError:
            assert case.on_expiry is not None
            note = f"nobody decided by {case.expires_at:%Y-%m-%d %H:%M} UTC"
            return Resolution(case_id=case.case_id, action=case.on_expiry, actor="orderyard", note=note)
        return self._resolutions.pop(case.case_id, None)

    async def _record(self, case: ExceptionCase) -> None:
        await self._writes.do(RecordActivities.record_case, case, f"Case {case.kind} at {case.step}")


def _in_words(case: ExceptionCase, resolution: Resolution | None) -> str:
    kind = case.kind.replace("_", " ")
    if resolution is None:
        return f"{workflow.now():%Y-%m-%d %H:%M:%S} {kind}: left alone, the order was cancelled"
    note = f": {resolution.note}" if resolution.note else ""
    return f"{workflow.now():%Y-%m-%d %H:%M:%S} {kind}: {resolution.action} by {resolution.actor}{note}"


def cancelled_by(kind: CaseKind, resolution: Resolution) -> Cancelled:
    """The end of an order by the resolution of a case."""
    note = resolution.note or "cancelled as the resolution of a case"
    why = WHY.get(kind, CancelReason.OTHER)
    return Cancelled(CancelRequest(reason=note, actor=resolution.actor, authority="operator", why=why))


def _business_no(error: ActivityError) -> ApplicationError:
    """The refusal inside an activity's failure; anything else is not a case, and is raised on."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.non_retryable:
        return cause
    raise error


def _detail(declined: ApplicationError) -> dict[str, Any]:
    code, field = (*declined.details, None, None)[:2]
    return {"code": code, "field": field}


def _subject(field: object) -> str:
    """A field of the form `word:value` says what one fix would release together."""
    word, _, value = str(field or "").partition(":")
    return f"{word}:{value}" if word.isidentifier() and value else ""


def _actions(*, skippable: bool, amendable: bool, cancellable: bool) -> tuple[Action, ...]:
    possible = {Action.RETRY: True, Action.AMEND: amendable, Action.SKIP: skippable, Action.CANCEL: cancellable}
    return tuple(action for action, allowed in possible.items() if allowed)
