"""The ledger of refunds, as the refund's process asks it."""

from temporalio import activity

from activities.failures import is_retry, temporal_errors
from models.money import Money
from models.refund_process import GivenUp, RefundGrant
from models.refunds import Refund, RefundClaim, RefundState
from store import orders, refunds
from store.database import Database

NO_MONEY = Money.zero("XXX")
"""Of a claim whose order, and so whose currency, nobody knows."""


class RefundActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def reserve_refund(self, claim: RefundClaim) -> RefundGrant:
        """Count it against what was paid, or refuse it: the same claim again gets the same answer."""
        with temporal_errors():
            async with self._database.session() as session:
                row = await orders.get(session, claim.order_key)
                if row is None:
                    why = f"no order {claim.order_key} in the registry: nothing was paid that could be refunded"
                    return RefundGrant(
                        refund=Refund(claim=claim, state=RefundState.REFUSED, total=NO_MONEY, refused=why)
                    )
                known = await refunds.get(session, claim.request_id)
                refund = await refunds.reserve(session, claim)
                order = row.order().model_copy(update={"correlation_id": row.correlation_id})
                return RefundGrant(refund=refund, order=order, again=known is not None and not is_retry())

    @activity.defn
    async def finish_refund(self, request_id: str) -> None:
        """The money has gone back; the order's process is told."""
        with temporal_errors():
            async with self._database.session() as session:
                await refunds.finish(session, request_id)

    @activity.defn
    async def free_refund(self, given_up: GivenUp) -> None:
        """It will not be paid: what was reserved may be claimed again."""
        with temporal_errors():
            async with self._database.session() as session:
                await refunds.free(session, given_up.request_id, given_up.why)
