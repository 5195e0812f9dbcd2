"""The projection: what the console and the command line read instead of asking workflows."""

from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import temporal_errors
from models.base import Model
from models.case import ExceptionCase
from models.messages import OrderSnapshot, Transition
from store import cases, orders
from store.database import Database

COMMIT_SOON = timedelta(milliseconds=50)


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
        numbered = [(each.number, each.transition) for each in milestone.transitions]
        with temporal_errors():
            try:
                async with self._database.session() as session:
                    await orders.record(session, milestone.snapshot, numbered)
            except orders.UnknownOrder as error:
                # The relay starts an order inside the transaction that registers it: it commits in a moment.
                raise ApplicationError(str(error), type="NotRegisteredYet", next_retry_delay=COMMIT_SOON) from None

    @activity.defn
    async def record_case(self, case: ExceptionCase) -> None:
        with temporal_errors():
            async with self._database.session() as session:
                await cases.upsert(session, case)
