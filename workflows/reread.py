"""Reads one order of a channel again, because a delivery named it and said nothing reliable of it."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelActivities, Reread
    from workflows import policy


@workflow.defn
class RereadOrder:
    """One for each order at a time. A hint that comes while the order is being read may be about something newer than
    what was read: then it is read once more, however many such hints there were.
    """

    def __init__(self) -> None:
        self._hints = 0

    @workflow.run
    async def run(self, request: Reread) -> int:
        """Returns how many versions the inbox did not know."""
        kept = 0
        while True:
            heard = self._hints
            try:
                kept += await workflow.execute_activity_method(
                    ChannelActivities.reread_order,
                    request,
                    **policy.outside(policy.channel_queue(request.order_key.channel), f"Read {request.order_key}"),
                )
            except ActivityError as error:
                if self._hints == heard or is_cancelled_exception(error):
                    raise
            if self._hints == heard:
                return kept

    @workflow.signal
    def hinted(self) -> None:
        self._hints += 1
