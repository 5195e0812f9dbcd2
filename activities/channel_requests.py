"""What is asked of a channel about an order or its listings, and what became of it."""

from collections.abc import Mapping

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import is_retry, temporal_errors
from connectors.errors import NOT_FOUND, Declined
from connectors.ports import Channel
from models.base import Model
from models.channel import Acknowledgement, Cancellation, Progress, RefundRequest, ReturnDecision, StockUpdate
from models.order import OrderKey

log = structlog.get_logger(__name__)


class Operation(Model):
    """A channel's own process that is to be followed."""

    channel: str
    account: str
    operation: str


class AccountStock(Model):
    channel: str
    account: str
    update: StockUpdate


class ChannelRequestActivities:
    def __init__(self, channels: Mapping[tuple[str, str], Channel]) -> None:
        self._channels = channels

    @activity.defn
    async def acknowledge_order(self, request: Acknowledgement) -> Progress:
        with temporal_errors():
            return await self._of(request.order_key).acknowledge(request, retry=is_retry())

    @activity.defn
    async def cancel_on_channel(self, request: Cancellation) -> Progress:
        """Done, too, when the channel has no such order (a file brought it): an undo may find nothing to undo."""
        with temporal_errors():
            try:
                return await self._of(request.order_key).cancel(request, retry=is_retry())
            except Declined as declined:
                if declined.code != NOT_FOUND:
                    raise
                log.warning("the channel has no such order to cancel", order=str(request.order_key), said=str(declined))
                return Progress()

    @activity.defn
    async def refund_on_channel(self, request: RefundRequest) -> Progress:
        with temporal_errors():
            return await self._of(request.order_key).refund(request, retry=is_retry() or request.again)

    @activity.defn
    async def decide_return(self, decision: ReturnDecision) -> Progress:
        with temporal_errors():
            return await self._of(decision.order_key).decide_return(decision, retry=is_retry() or decision.again)

    @activity.defn
    async def set_channel_stock(self, request: AccountStock) -> Progress:
        with temporal_errors():
            return await self._at(request.channel, request.account).set_stock(request.update, retry=is_retry())

    @activity.defn
    async def follow_operation(self, operation: Operation) -> Progress:
        """Ask the channel what became of it; its failure is a business no."""
        with temporal_errors():
            return await self._at(operation.channel, operation.account).follow(operation.operation)

    def _of(self, key: OrderKey) -> Channel:
        return self._at(key.channel, key.account)

    def _at(self, name: str, account: str) -> Channel:
        try:
            return self._channels[name, account]
        except KeyError:
            raise ApplicationError(
                f"no connection for {name}/{account} in the connections file: add it and restart the worker",
                type="NoConnection",
            ) from None
