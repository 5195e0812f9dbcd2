"""Replacements in the store: the units that are given up, and the linked order in the registry."""

from temporalio import activity

from activities.failures import is_retry, temporal_errors
from activities.refunds import NO_MONEY
from models.base import Model
from models.channel import RefundReason
from models.order import Order, OrderKey
from models.refund_process import RefundGrant
from models.refunds import Refund, RefundClaim, RefundState
from models.replacements import ReplacementTask, claim_of
from store import orders, refunds
from store.database import Database


class LinkedOrder(Model):
    """A replacement that is to be registered beside its original."""

    original: OrderKey
    order: Order


class ReplacementActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def give_up_units(self, task: ReplacementTask) -> RefundGrant:
        """Count the units as given up in the ledger of refunds, so that nobody is paid for them as well."""
        with temporal_errors():
            async with self._database.session() as session:
                row = await orders.get(session, task.order_key)
                if row is None:
                    return RefundGrant(refund=_refused(task, f"no order {task.order_key} in the registry"))
                try:
                    claim = claim_of(task, row.order())
                except ValueError as error:
                    return RefundGrant(refund=_refused(task, str(error)))
                known = await refunds.get(session, claim.request_id)
                refund = await refunds.reserve(session, claim)
                order = row.order().model_copy(update={"correlation_id": row.correlation_id})
                return RefundGrant(refund=refund, order=order, again=known is not None and not is_retry())

    @activity.defn
    async def next_replacement(self, key: OrderKey) -> int:
        """The number of the order's next replacement."""
        with temporal_errors():
            async with self._database.session() as session:
                return await orders.next_replacement(session, key)

    @activity.defn
    async def register_replacement(self, linked: LinkedOrder) -> Order:
        """Put it into the registry; the order as it was registered first."""
        with temporal_errors():
            async with self._database.session() as session:
                original = await orders.get(session, linked.original)
                assert original is not None, "its units were given up a moment ago"
                row = await orders.register(session, linked.order, original.mapping_version)
                if row.delivered_version is None:
                    await orders.delivered(session, linked.order.key, linked.order)
                return row.order()


def _refused(task: ReplacementTask, why: str) -> Refund:
    claim = RefundClaim(
        request_id=f"{task.order_key}#exchange:{task.number}",
        order_key=task.order_key,
        reason=RefundReason.OTHER,
        exchange=True,
        actor=task.actor,
    )
    return Refund(claim=claim, state=RefundState.REFUSED, total=NO_MONEY, refused=why)
