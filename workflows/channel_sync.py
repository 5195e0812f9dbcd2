"""Reads what changed on a channel account, page by page, into the inbox. Runs on a Temporal Schedule."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount, ChannelActivities
    from models.base import Model
    from workflows import policy


class SyncResult(Model):
    pages: int
    seen: int
    kept: int
    """Orders that no webhook and no earlier poll had brought."""


@workflow.defn
class ChannelSync:
    """One walk over all pages that are ready. The cursor is durable, so a walk that is cut off goes on where it was."""

    @workflow.run
    async def run(self, account: ChannelAccount) -> SyncResult:
        result = SyncResult(pages=0, seen=0, kept=0)
        more = True
        while more and not workflow.info().is_continue_as_new_suggested():
            page = await workflow.execute_activity_method(
                ChannelActivities.poll_orders,
                account,
                **policy.outside(policy.channel_queue(account.channel), f"Read page {result.pages + 1} of changes"),
            )
            result = SyncResult(pages=result.pages + 1, seen=result.seen + page.seen, kept=result.kept + page.kept)
            more = page.more
        if more:
            workflow.continue_as_new(account)
        return result
