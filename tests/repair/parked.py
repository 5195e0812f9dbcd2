"""A small stand-in for the order's workflow: five steps, a case at each that says no, and the order's `resolve`."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.record import RecordActivities
    from models.base import Model
    from models.case import Action, CaseKind, ExceptionCase, Resolution
    from models.messages import CauseGone, Correction
    from models.order import Address, OrderKey

QUEUE = "parked"
STEPS = {
    "allocate": CaseKind.OUT_OF_STOCK,
    "tax": CaseKind.TAX_DECLINED,
    "erp order": CaseKind.ERP_DECLINED,
    "release": CaseKind.WMS_DECLINED,
    "confirm": CaseKind.CHANNEL_DECLINED,
}
"""Step -> the case that its refusal opens."""
OWNERS = {"tax": "finance", "allocate": "warehouse"}
QUICKLY = timedelta(seconds=10)


class Step(Model):
    order_key: OrderKey
    name: str
    ship_to: Address | None = None


class Systems:
    """Says no to the steps in `against` (order, step) -> field; counts what was done."""

    def __init__(self) -> None:
        self.against: dict[tuple[str, str], str] = {}
        self.done: list[tuple[str, str]] = []
        self.tried: list[tuple[str, str]] = []
        self.delivered_to: dict[str, str] = {}

    @activity.defn
    async def do_step(self, step: Step) -> None:
        what = (str(step.order_key), step.name)
        self.tried.append(what)
        if field := self.against.get(what):
            raise ApplicationError(f"{field} is refused", "refused", field, non_retryable=True)
        self.done.append(what)
        if step.ship_to:
            self.delivered_to[str(step.order_key)] = step.ship_to.postal_code


class ParkedInput(Model):
    order_key: OrderKey
    skippable: bool = True


@workflow.defn
class ParkedOrder:
    @workflow.init
    def __init__(self, order: ParkedInput) -> None:
        self._order = order
        self._case: ExceptionCase | None = None
        self._resolution: Resolution | None = None
        self._ship_to: Address | None = None
        self._opened = 0
        self._corrections: list[Correction] = []

    @workflow.run
    async def run(self, order: ParkedInput) -> str:
        for name in STEPS:
            while not await self._done(name):
                resolution = await self._parked(name)
                if resolution.action is Action.CANCEL:
                    return "cancelled"
                if resolution.action is Action.SKIP:
                    break
                self._ship_to = resolution.amendment.ship_to or self._ship_to
        await workflow.wait_condition(workflow.all_handlers_finished)
        return "done"

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        self._resolution = resolution

    @resolve.validator
    def _check(self, resolution: Resolution) -> None:
        if self._case is None or self._case.case_id != resolution.case_id or self._resolution is not None:
            raise ApplicationError(f"case {resolution.case_id} is not open here", type="NoSuchCase")
        if resolution.action not in self._case.allowed:
            raise ApplicationError(f"{resolution.action} is not possible", type="ActionNotAllowed")

    @workflow.signal
    def cause_gone(self, cause: CauseGone) -> None:
        if self._case and self._case.subject == cause.subject:
            self._resolution = Resolution(
                case_id=self._case.case_id, action=Action.RETRY, actor="orderyard", note=cause.note
            )

    @workflow.signal
    def mapping_corrected(self, correction: Correction) -> None:
        self._corrections.append(correction)

    @workflow.query
    def corrections(self) -> list[Correction]:
        return self._corrections

    async def _done(self, name: str) -> bool:
        self._why = ""
        step = Step(order_key=self._order.order_key, name=name, ship_to=self._ship_to)
        try:
            await workflow.execute_activity_method(Systems.do_step, step, start_to_close_timeout=QUICKLY)
        except ActivityError as error:
            cause = error.cause
            assert isinstance(cause, ApplicationError)
            self._why, self._field = cause.message, str(cause.details[1])
            return False
        return True

    async def _parked(self, name: str) -> Resolution:
        self._opened += 1
        self._resolution = None
        skip = (Action.SKIP,) if self._order.skippable else ()
        info = workflow.info()
        self._case = ExceptionCase(
            case_id=f"{info.workflow_id}~{self._opened}",
            order_key=self._order.order_key,
            workflow_id=info.workflow_id,
            kind=STEPS[name],
            step=name,
            reason=self._why,
            detail={"code": "refused", "field": self._field},
            owner=OWNERS.get(name, "operations"),
            subject=self._field if ":" in self._field else "",
            opened_at=workflow.now(),
            allowed=(Action.RETRY, Action.AMEND, *skip, Action.CANCEL),
        )
        await self._record(self._case)
        await workflow.wait_condition(lambda: self._resolution is not None)
        return await self._resolved(self._case)

    async def _resolved(self, case: ExceptionCase) -> Resolution:
        resolution = self._resolution
        assert resolution is not None
        self._case = None
        await self._record(case.model_copy(update={"resolved_at": workflow.now(), "resolution": resolution}))
        return resolution

    async def _record(self, case: ExceptionCase) -> None:
        await workflow.execute_local_activity_method(RecordActivities.record_case, case, start_to_close_timeout=QUICKLY)
