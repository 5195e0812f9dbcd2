"""What an order went on without, while a system was away, is made good when that system is back."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.fraud import FraudActivities
    from activities.notify import NotifyActivities
    from activities.tax import TaxActivities
    from models.case import Action
    from models.messages import HoldRequest
    from models.systems import Notice
    from workflows import documents, policy
    from workflows.calls import GivenUp
    from workflows.office import Office

SCREEN = "screen"
AWAY = "fraud service away: judged by rules"
TAX = "tax"
ESTIMATED = "tax engine away: estimated by the rate table"


async def screen_again(office: Office, hold_window: timedelta) -> None:
    """Ask the fraud service until it answers, or the order is released; a bad score still holds the order then."""
    life = office.life

    def too_late() -> bool:
        return office.ended or life.released_at is not None

    try:
        verdict = await office.calls.outside(
            FraudActivities.screen_by_service,
            life.order,
            policy.FRAUD_QUEUE,
            "Screen again, now that it may be back",
            give_up=too_late,
        )
    except (GivenUp, ActivityError):
        return  # The rules' judgement stands, and the order stays marked.
    if too_late():
        return
    life.degraded.pop(SCREEN, None)
    if verdict.decision == "review":
        reasons = ", ".join(verdict.reasons) or "no reason given"
        life.hold = HoldRequest(
            reason=f"fraud score {verdict.score}: {reasons}",
            actor="fraud service",
            expires_at=workflow.now() + hold_window,
            on_expiry=Action.CANCEL,
        )
        office.wake()


async def record_tax_again(office: Office) -> None:
    """Ask the tax engine until it records the sale; the order goes on meanwhile, and only its commit waits."""
    life, revision = office.life, office.life.revision
    try:
        quoted = await office.calls.outside(
            TaxActivities.record_tax,
            documents.as_it_stands(life),
            policy.TAX_QUEUE,
            "Record the seller's tax, now that the engine may be back",
            give_up=lambda: office.ended,
        )
    except (GivenUp, ActivityError):
        life.tax_heals = False  # The estimate stands, and the order stays marked.
        return
    life.tax, life.tax_told, life.tax_heals = quoted, revision, False
    life.degraded.pop(TAX, None)


async def tell_later(office: Office, notice: Notice) -> None:
    """A message that could not be sent is sent when the notifier is back, for as long as the order lives."""
    step = f"notify:{notice.notice_id}"
    office.life.degraded[step] = "notification service away: the buyer is told when it is back"
    try:
        await office.calls.outside(
            NotifyActivities.notify_buyer, notice, policy.NOTIFY_QUEUE, "Tell the buyer, later than wanted"
        )
    except ActivityError as error:
        told = {"error": str(error.cause), "correlation_id": notice.correlation_id}
        workflow.logger.warning("buyer was not told", extra=told)
    office.life.degraded.pop(step, None)
