"""Settlements: fetch the channel's documents, and post each of them."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount, ChannelActivities
    from activities.settlement import PostedSettlement, SettlementActivities
    from activities.settlement_books import SettlementBookActivities
    from models.settlement import SettlementKey, SettlementResult
    from models.settlement_books import WriteOff
    from workflows import policy

IN_STEPS = "settlement-in-steps"


@workflow.defn
class SettlementSync:
    """Keeps every settlement document that the channel has ready. Runs on a Temporal Schedule."""

    @workflow.run
    async def run(self, account: ChannelAccount) -> int:
        return await workflow.execute_activity_method(
            ChannelActivities.fetch_settlements,
            account,
            **policy.long_fetch(policy.channel_queue(account.channel), "Fetch new settlement documents"),
        )


@workflow.defn
class LatePayments:
    """Books payments of orders that were not invoiced yet when their money came. Runs on a Temporal Schedule; returns
    how many orders were paid."""

    @workflow.run
    async def run(self, account: ChannelAccount) -> int:
        return await workflow.execute_activity_method(
            SettlementBookActivities.pay_waiting,
            account,
            **policy.long_read(policy.SETTLEMENT_QUEUE, "Pay orders that were not invoiced before"),
        )


@workflow.defn
class SettlementWorkflow:
    """Posts one document of the inbox: prove its sum, keep its lines, match them, tell the orders, book it.

    Every step goes on where it stopped, so that an end at any line loses and doubles nothing.
    """

    @workflow.run
    async def run(self, event_id: int) -> PostedSettlement:
        if not workflow.patched(IN_STEPS):
            return await workflow.execute_activity_method(
                SettlementActivities.post_settlement,
                event_id,
                **policy.outside(policy.SETTLEMENT_QUEUE, f"Post settlement document {event_id}"),
            )
        proven = await workflow.execute_activity_method(
            SettlementActivities.prove_settlement,
            event_id,
            **policy.long_read(policy.SETTLEMENT_QUEUE, f"Prove the sum of document {event_id}"),
        )
        if proven.refused:
            return PostedSettlement(refused=proven.refused)
        await workflow.execute_activity_method(
            SettlementActivities.keep_settlement,
            event_id,
            **policy.long_read(policy.SETTLEMENT_QUEUE, f"Keep the lines of document {event_id}"),
        )
        results = [await _posted(key) for key in proven.settlements]
        return PostedSettlement(result=results[0], more=tuple(results[1:]))


@workflow.defn
class SettlementRepost:
    """Undoes a settlement and posts it again, after its channel's rules have changed."""

    @workflow.run
    async def run(self, key: SettlementKey) -> SettlementResult:
        await workflow.execute_activity_method(
            SettlementBookActivities.reverse_settlement,
            key,
            **policy.outside(policy.SETTLEMENT_QUEUE, f"Reverse the journal of {key}"),
        )
        await workflow.execute_activity_method(
            SettlementActivities.reopen_settlement,
            key,
            **policy.long_read(policy.SETTLEMENT_QUEUE, f"Undo the matching of {key}"),
        )
        return await _posted(key)


@workflow.defn
class SettlementWriteOff:
    """A person gives a line's residual up: it is kept who did, and booked. False when nothing of it was open."""

    @workflow.run
    async def run(self, off: WriteOff) -> bool:
        return await workflow.execute_activity_method(
            SettlementBookActivities.write_off_line,
            off,
            **policy.outside(policy.SETTLEMENT_QUEUE, f"Give up line {off.number} of {off.key}"),
        )


async def _posted(key: SettlementKey) -> SettlementResult:
    result = await workflow.execute_activity_method(
        SettlementActivities.match_settlement,
        key,
        **policy.long_read(policy.SETTLEMENT_QUEUE, f"Match the orders of {key}"),
    )
    workflow.set_current_details(
        f"payout {result.payout} = matched {result.matched} + residual {result.residual}\n"
        + "\n".join(f"- {name}: {amount}" for name, amount in result.residuals.items())
    )
    await workflow.execute_activity_method(
        SettlementBookActivities.book_settlement,
        key,
        **policy.outside(policy.SETTLEMENT_QUEUE, f"Book {key}"),
    )
    await workflow.execute_activity_method(
        SettlementBookActivities.pay_orders,
        key,
        **policy.long_read(policy.SETTLEMENT_QUEUE, f"Pay the invoices of {key}"),
    )
    return result
