"""The projection: what the console and the command line read instead of asking workflows."""

from temporalio import activity
from temporalio.exceptions import ApplicationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from activities.failures import temporal_errors
from models.base import Model
from models.case import ExceptionCase
from models.messages import OrderSnapshot, Transition
from store import cases, orders
from store.database import Database

COMMITS_WITHIN = 1.0
"""Seconds. The relay starts an order inside the transaction that registers it."""


class NumberedTransition(Model):
    number: int
    transition: Transition


class Milestone(Model):
    """Where an order stands now, and the transitions that are not recorded yet."""

    snapshot: OrderSnapshot
    transitions: tuple[NumberedTransition, ...] = ()


class RecordActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def record(self, milestone: Milestone) -> None:
        """Raises `NotRegisteredYet` for an order whose registration does not commit in a moment.

        The moment is waited for here: tried again by the engine, each look would count as an attempt, and the first
        failure of the store after them would be answered with the longest pause there is.
        """
        with temporal_errors():
            try:
                async for look in self._until_registered():
                    with look:
                        await self._keep(milestone)
            except orders.UnknownOrder as error:
                raise ApplicationError(str(error), type="NotRegisteredYet") from None

    async def _keep(self, milestone: Milestone) -> None:
        numbered = [(each.number, each.transition) for each in milestone.transitions]
        async with self._database.session() as session:
            await orders.record(session, milestone.snapshot, numbered)

    @staticmethod
    def _until_registered() -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(orders.UnknownOrder),
            wait=wait_exponential(multiplier=0.05, max=0.4),
            stop=stop_after_delay(COMMITS_WITHIN),
            reraise=True,
        )

    @activity.defn
    async def record_case(self, case: ExceptionCase) -> None:
        with temporal_errors():
            async with self._database.session() as session:
                await cases.upsert(session, case)
