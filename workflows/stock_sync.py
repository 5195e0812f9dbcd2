"""Tells a channel account what it may sell. Runs on a Temporal Schedule; what changed in between is told once."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount
    from activities.channel_requests import AccountStock
    from activities.channel_stock import ChannelStockActivities, StockTold
    from models.base import Model
    from models.channel import StockQuantity, StockUpdate
    from workflows import channel_requests
    from workflows.calls import Calls
    from workflows.writes import Writes


class StockSyncResult(Model):
    told: int
    rejected: tuple[str, ...] = ()
    """SKUs that the channel refused."""


@workflow.defn
class StockSync:
    """One request with the newest quantities, followed to its end: only then they count as told."""

    @workflow.run
    async def run(self, account: ChannelAccount) -> StockSyncResult:
        writes = Writes()
        news: list[StockQuantity] = await writes.do(
            ChannelStockActivities.stock_news, account, "Compare stock with what the channel was told"
        )
        if not news:
            return StockSyncResult(told=0)
        info = workflow.info()
        update = StockUpdate(
            request_id=f"{info.workflow_id}/{info.run_id}", correlation_id=info.run_id, quantities=tuple(news)
        )
        request = AccountStock(channel=account.channel, account=account.account, update=update)
        done = await channel_requests.set_stock(Calls(), request)
        told = StockTold(account=account, quantities=update.quantities, rejected=done.rejected)
        await writes.do(ChannelStockActivities.stock_told, told, f"{len(news)} SKUs are told")
        refused = tuple(each.key for each in done.rejected)
        workflow.set_current_details(f"told {len(news) - len(refused)} SKUs; refused: {', '.join(refused) or 'none'}")
        return StockSyncResult(told=len(news) - len(refused), rejected=refused)
