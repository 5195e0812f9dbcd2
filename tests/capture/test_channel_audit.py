"""The audit finds what nobody told us, brings it in, and asks about what cannot both be true."""

from datetime import UTC, datetime
from uuid import uuid4

from activities.channel import ChannelAccount
from models.audit import AuditReport, Verdict
from models.case import Action, CaseKind, ExceptionCase, Resolution
from models.messages import OrderState
from store import audits, cases
from tests.capture.scene import SECOND, Scene, an_id, cancelled, key_of, payload, row_of, until, webhook
from workflows import policy
from workflows.channel_audit import AuditRequest, ChannelAudit, DifferenceWorkflow

HOURS = 24 * 365
"""The orders of these tests are from 20 November 2026."""


async def audit(scene: Scene) -> AuditReport:
    account = ChannelAccount(channel="shopify", account="main")
    return await scene.world.client.execute_workflow(
        ChannelAudit.run,
        AuditRequest(account=account, hours=HOURS),
        id=f"audit/{uuid4()}",
        task_queue=policy.channel_queue("shopify"),
    )


async def open_case(scene: Scene) -> ExceptionCase:
    async def look() -> list[ExceptionCase]:
        async with scene.database.session() as session:
            return await cases.find(session, kind=CaseKind.CHANNEL_DIFFERS)

    [case] = await until(look, lambda found: len(found) == 1)
    return case


async def test_a_missing_order_is_captured_and_goes_its_way(scene: Scene) -> None:
    order_id = an_id()
    scene.world.channel.offer((str(order_id), payload(order_id)))
    report = await audit(scene)
    assert [finding.verdict for finding in report.findings] == [Verdict.MISSING]
    assert (await scene.shipped(order_id)).state is OrderState.SHIPPED
    async with scene.database.session() as session:
        [kept] = await audits.newest(session)
    assert AuditReport.model_validate(kept.report) == report


async def test_what_agrees_is_counted_and_left_alone(scene: Scene) -> None:
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id), order_id))
    scene.world.channel.offer((str(order_id), payload(order_id)))
    report = await audit(scene)
    assert (report.seen, report.agreed, report.findings) == (1, 1, ())


async def test_a_version_that_nobody_told_is_captured(scene: Scene) -> None:
    scene.world.wms.manual = True
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id), order_id))
    await until(lambda: row_of(scene.database, order_id), lambda row: row.state == OrderState.RELEASED)
    scene.world.channel.offer((str(order_id), cancelled(order_id, SECOND)))
    report = await audit(scene)
    assert [finding.verdict for finding in report.findings] == [Verdict.BEHIND]
    await until(lambda: row_of(scene.database, order_id), lambda row: row.state == OrderState.CANCELLED)


async def test_a_payload_that_cannot_be_understood_is_named_and_kept(scene: Scene) -> None:
    order_id = an_id()
    scene.world.channel.offer((str(order_id), payload(order_id, line_items=5)))
    report = await audit(scene)
    [finding] = report.findings
    assert (finding.verdict, finding.order_key) == (Verdict.REFUSED, key_of(order_id))


async def test_what_cannot_both_be_true_is_asked_about_once(scene: Scene) -> None:
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id), order_id))
    await scene.shipped(order_id)
    # The same version, and the channel still waits for a parcel that we confirmed: it forgot, or we told another.
    scene.world.channel.offer((str(order_id), payload(order_id)))
    scene.world.channel.orders[str(order_id)] = payload(order_id)
    report = await audit(scene)
    assert [(finding.verdict, finding.subject) for finding in report.findings] == [(Verdict.DIFFERS, "state")]
    case = await open_case(scene)
    assert "the channel says open, we say shipped" in case.reason
    await audit(scene)
    assert (await open_case(scene)).case_id == case.case_id

    handle = scene.world.client.get_workflow_handle_for(DifferenceWorkflow.run, case.workflow_id)
    again = Resolution(case_id=case.case_id, action=Action.RETRY, actor="anna")
    await handle.execute_update(DifferenceWorkflow.resolve, again)
    second = await until(lambda: open_case(scene), lambda seen: seen.case_id != case.case_id)
    done = Resolution(case_id=second.case_id, action=Action.SKIP, actor="anna", note="entered by hand")
    await handle.execute_update(DifferenceWorkflow.resolve, done)
    await handle.result()
    await audit(scene)
    async with scene.database.session() as session:
        assert await cases.find(session, kind=CaseKind.CHANNEL_DIFFERS) == []


async def test_what_changed_a_moment_ago_is_left_alone(scene: Scene) -> None:
    order_id = an_id()
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    scene.world.channel.offer((str(order_id), payload(order_id, now)))
    report = await audit(scene)
    assert (report.seen, report.in_flight, report.findings) == (1, 1, ())
