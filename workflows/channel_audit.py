"""Closes the loop: what the channel says of a window against our registry, repaired where it can be."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount
    from activities.channel_audit import ChannelAuditActivities, Window
    from models.audit import AuditReport, Finding, Verdict
    from models.base import Model
    from models.case import Action, CaseKind, Resolution
    from workflows import policy
    from workflows.cases import CaseDesk, never
    from workflows.writes import Writes


class AuditRequest(Model):
    account: ChannelAccount
    hours: int
    grace: timedelta = policy.IN_FLIGHT
    """An order that changed so recently may still be on its way to us."""


@workflow.defn
class ChannelAudit:
    """Missing and outdated orders are captured; one that differs becomes a case. Runs on a Temporal Schedule."""

    @workflow.run
    async def run(self, request: AuditRequest) -> AuditReport:
        account, until = request.account, workflow.now() - request.grace
        window = Window(account=account, since=until - timedelta(hours=request.hours), until=until)
        report = AuditReport(channel=account.channel, account=account.account, since=window.since, until=until)
        more = True
        while more:
            page = await workflow.execute_activity_method(
                ChannelAuditActivities.audit_page,
                window,
                **policy.outside(policy.channel_queue(account.channel), f"Compare, after {report.seen} orders"),
            )
            report = report.and_then(page.report)
            window, more = window.model_copy(update={"cursor": page.cursor}), page.more
        for finding in report.findings:
            if finding.verdict is Verdict.DIFFERS:
                await self._ask_about(finding)
        await workflow.execute_activity_method(
            ChannelAuditActivities.keep_audit,
            report,
            **policy.outside(policy.channel_queue(account.channel), "Keep the report"),
        )
        workflow.set_current_details(_told(report))
        return report

    async def _ask_about(self, finding: Finding) -> None:
        """One process for each order and subject: a difference that a person has decided is not asked about again."""
        try:
            await workflow.start_child_workflow(
                DifferenceWorkflow.run,
                finding,
                id=f"difference/{finding.order_key}/{finding.subject}",
                parent_close_policy=ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                static_summary=f"{finding.order_key}: {finding.subject} differs",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the difference is known", extra={"order_key": str(finding.order_key)})


@workflow.defn
class DifferenceWorkflow:
    """A case about one order in which channel and registry contradict each other."""

    @workflow.init
    def __init__(self, finding: Finding) -> None:
        self._desk = CaseDesk(finding.order_key, Writes(), self._changed, never)

    @workflow.run
    async def run(self, finding: Finding) -> None:
        differs: Finding | None = finding
        while differs:
            reason = (
                f"{differs.subject}: the channel says {differs.channel}, we say {differs.ours}:"
                " put one of them right and retry, or skip to leave it so"
            )
            resolution = await self._desk.settle(
                CaseKind.CHANNEL_DIFFERS, "audit", reason, (Action.RETRY, Action.SKIP), aspect=differs.subject
            )
            assert resolution is not None  # Nothing interrupts this desk.
            if resolution.action is Action.SKIP:
                return
            differs = await workflow.execute_activity_method(
                ChannelAuditActivities.still_differs,
                differs,
                **policy.outside(policy.channel_queue(differs.order_key.channel), "Compare again"),
            )

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        self._desk.resolve(resolution)

    @resolve.validator
    def _check_resolution(self, resolution: Resolution) -> None:
        self._desk.check(resolution)

    async def _changed(self) -> None:
        case = self._desk.open
        workflow.set_current_details(f"Case `{case.case_id}`: {case.reason}" if case else "")


def _told(report: AuditReport) -> str:
    rows = [
        f"{report.seen} seen, {report.agreed} agreed, {report.in_flight} in flight, {len(report.findings)} findings"
    ]
    rows += ["", *(f"- {each.order_key}: {each.verdict} ({each.subject})" for each in report.findings[:100])]
    return "\n".join(rows)
