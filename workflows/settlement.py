"""Settlements: fetch the channel's documents, and post each of them."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount, ChannelActivities
    from activities.settlement import PostedSettlement, SettlementActivities
    from workflows import policy


@workflow.defn
class SettlementSync:
    """Keeps every settlement document that the channel has ready. Runs on a Temporal Schedule."""

    @workflow.run
    async def run(self, account: ChannelAccount) -> int:
        return await workflow.execute_activity_method(
            ChannelActivities.fetch_settlements,
            account,
            **policy.long_read(policy.channel_queue(account.channel), "Fetch new settlement documents"),
        )


@workflow.defn
class SettlementWorkflow:
    """Posts one document of the inbox: parse, prove its sum, match its lines, tell the orders."""

    @workflow.run
    async def run(self, event_id: int) -> PostedSettlement:
        posted = await workflow.execute_activity_method(
            SettlementActivities.post_settlement,
            event_id,
            **policy.outside(policy.SETTLEMENT_QUEUE, f"Post settlement document {event_id}"),
        )
        if posted.result:
            result = posted.result
            workflow.set_current_details(
                f"payout {result.payout} = matched {result.matched} + residual {result.residual}\n"
                + "\n".join(f"- {name}: {amount}" for name, amount in result.residuals.items())
            )
        return posted
