"""Reads what changed on a channel account, page by page, into the inbox. Runs on Temporal Schedules."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount, ChannelActivities, PolledPage
    from models.base import Model
    from workflows import policy

FRESH = timedelta(minutes=1)
"""While a backlog is read, what is new is asked for again after so long: each question costs the account's quota."""


class SyncResult(Model):
    pages: int
    seen: int
    kept: int
    """Orders that no webhook and no earlier poll had brought."""
    backlog_pages: int = 0
    """How many of the pages were of a backlog."""

    def and_then(self, page: PolledPage) -> SyncResult:
        changes = {"pages": self.pages + 1, "seen": self.seen + page.seen, "kept": self.kept + page.kept}
        return self.model_copy(update=changes)


@workflow.defn
class ChannelSync:
    """One walk over all pages that are ready. The cursors are durable, so a walk that is cut off goes on where it was.

    Where a long absence has left a backlog, its pages and those of what is new take turns until both end.
    """

    def __init__(self) -> None:
        self._result = SyncResult(pages=0, seen=0, kept=0)
        self._more = True
        self._backlog = False
        self._asked_at = workflow.now()
        self._failure: ActivityError | None = None

    @workflow.run
    async def run(self, account: ChannelAccount) -> SyncResult:
        while self._more or self._backlog:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(account)
            if self._more or workflow.now() - self._asked_at >= FRESH:
                await self._read_news(account)
            if self._backlog:
                await self._read_backlog(account)
        if self._failure:
            raise self._failure
        return self._result

    async def _read_news(self, account: ChannelAccount) -> None:
        page = await workflow.execute_activity_method(
            ChannelActivities.poll_orders,
            account,
            **policy.outside(policy.channel_queue(account.channel), f"Read page {self._result.pages + 1} of changes"),
        )
        self._asked_at = workflow.now()
        self._more, self._backlog = page.more, page.backlog and not self._failure
        self._result = self._result.and_then(page)

    async def _read_backlog(self, account: ChannelAccount) -> None:
        """What is new does not wait for a backlog that cannot be read: the walk ends without it, and says so."""
        try:
            page = await workflow.execute_activity_method(
                ChannelActivities.poll_backlog,
                account,
                **policy.best_effort(
                    policy.channel_queue(account.channel), f"Read page {self._result.backlog_pages + 1} of the backlog"
                ),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._backlog, self._failure = False, error
            return
        self._backlog = page.more
        pages = self._result.backlog_pages + 1
        self._result = self._result.and_then(page).model_copy(update={"backlog_pages": pages})


@workflow.defn
class ReturnSync:
    """One walk over all pages of returns that are ready. Beside that of the orders, which it must not delay."""

    @workflow.run
    async def run(self, account: ChannelAccount) -> SyncResult:
        result, more = SyncResult(pages=0, seen=0, kept=0), True
        while more:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(account)
            page = await workflow.execute_activity_method(
                ChannelActivities.poll_returns,
                account,
                **policy.outside(policy.channel_queue(account.channel), f"Read page {result.pages + 1} of returns"),
            )
            result, more = result.and_then(page), page.more
        return result
