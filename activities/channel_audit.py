"""Compares what a channel says with what we know, page by page, and captures what we missed."""

from collections.abc import Mapping

from temporalio import activity

from activities.channel import ChannelAccount, event_of
from activities.failures import temporal_errors
from connectors.ports import Channel, ChannelFormat, PolledOrder, Refusal
from models.audit import AuditReport, Finding, Verdict, compare
from models.base import Model, Moment
from models.messages import OrderState
from models.order import Order, OrderKey
from store import audits, inbox, orders
from store.database import Database


class Window(Model):
    """One page of an audit's window; the first has no cursor."""

    account: ChannelAccount
    since: Moment
    until: Moment
    cursor: str | None = None


class AuditedPage(Model):
    report: AuditReport
    cursor: str
    more: bool


class ChannelAuditActivities:
    def __init__(
        self,
        channels: Mapping[tuple[str, str], Channel],
        formats: Mapping[str, ChannelFormat],
        database: Database,
    ) -> None:
        self._channels = channels
        self._formats = formats
        self._database = database

    @activity.defn
    async def audit_page(self, window: Window) -> AuditedPage:
        """Read a page, compare each order, and keep those that we did not know in this version."""
        account = window.account
        channel = self._channels[account.channel, account.account]
        with temporal_errors():
            page = await channel.poll(window.cursor or channel.cursor_from(window.since))
            report = AuditReport(
                channel=account.channel, account=account.account, since=window.since, until=window.until
            )
            for polled in page.orders:
                report = report.and_then(await self._compared(window, polled))
        return AuditedPage(report=report, cursor=page.cursor, more=page.more)

    @activity.defn
    async def still_differs(self, finding: Finding) -> Finding | None:
        """Ask the channel again about one order."""
        key = finding.order_key
        with temporal_errors():
            body = await self._channels[key.channel, key.account].order(key.external_id)
            parsed = self._formats[key.channel].parse(body, key.account)
            for order in parsed.orders:
                if order.key == key:
                    return await self._difference(order)
        return finding

    @activity.defn
    async def keep_audit(self, report: AuditReport) -> int:
        with temporal_errors():
            async with self._database.session() as session:
                return await audits.keep(session, report)

    async def _compared(self, window: Window, polled: PolledOrder) -> AuditReport:
        account = window.account
        parsed = self._formats[account.channel].parse(polled.body, account.account)
        findings: list[Finding] = []
        in_flight = 0
        for order in parsed.orders:
            if order.version > window.until:
                in_flight += 1
            elif found := await self._difference(order):
                findings.append(found)
        findings += [_refused(account, polled, refusal) for refusal in parsed.refusals if _is_wrong(refusal)]
        if any(found.verdict is not Verdict.DIFFERS for found in findings):
            await self._capture(account, polled)
        seen = len(parsed.orders) + len(parsed.refusals)
        return AuditReport(
            channel=account.channel,
            account=account.account,
            since=window.since,
            until=window.until,
            seen=seen,
            agreed=seen - in_flight - len(findings),
            in_flight=in_flight,
            findings=tuple(findings),
        )

    async def _difference(self, theirs: Order) -> Finding | None:
        async with self._database.session() as session:
            row = await orders.get(session, theirs.key)
        if row is None or row.delivered_version is None:
            return compare(theirs, None, None)
        return compare(theirs, row.order(), OrderState(row.state))

    async def _capture(self, account: ChannelAccount, polled: PolledOrder) -> None:
        """As a poll would have: a page that brings it as well brings the same delivery."""
        async with self._database.session() as session:
            await inbox.keep(session, event_of(account, polled))


def _is_wrong(refusal: Refusal) -> bool:
    return refusal.reason != "payment_pending"


def _refused(account: ChannelAccount, polled: PolledOrder, refusal: Refusal) -> Finding:
    key = OrderKey(
        channel=account.channel, account=account.account, external_id=refusal.external_id or polled.external_id
    )
    return Finding(
        order_key=key,
        verdict=Verdict.REFUSED,
        subject=refusal.reason,
        channel=f"{refusal.path}: {refusal.value}",
        ours="not understood",
    )
