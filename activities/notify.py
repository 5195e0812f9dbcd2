"""Messages to buyers."""

from temporalio import activity

from activities.failures import temporal_errors
from connectors.ports import Notice, Notifier


class NotifyActivities:
    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    @activity.defn
    async def notify_buyer(self, notice: Notice) -> None:
        with temporal_errors():
            await self._notifier.send(notice)
