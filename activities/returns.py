"""What a return's process reads and writes of its order, its stock and itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.failures import temporal_errors
from models.base import Model
from models.catalogue import ComponentLine, explode
from models.messages import OrderSnapshot
from models.order import Order, OrderKey
from models.return_process import ReturnFacts, ReturnFile
from models.systems import ReturnReceipt
from store import catalogue, orders, refunds, return_processes
from store.database import Database
from store.restock import restock


class ReturnRef(Model):
    workflow_id: str
    return_id: str
    order_key: OrderKey | None = None


class Booking(Model):
    """A parcel that came back, and the order's units that became complete with it."""

    return_id: str
    receipt: ReturnReceipt
    units: dict[str, int]


class ReturnActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def know_return(self, ref: ReturnRef) -> ReturnFacts:
        """The order of a return as the registry has it, whether or not its process still runs."""
        with temporal_errors():
            async with self._database.session() as session:
                earlier = await return_processes.get(session, ref.workflow_id)
                key = ref.order_key or (earlier.order_key if earlier else None)
                row = await orders.get(session, key) if key else None
                if row is None:
                    return ReturnFacts(earlier=earlier)
                order = row.order().model_copy(update={"correlation_id": row.correlation_id})
                snapshot = row.order_snapshot()
                back = await refunds.returned(session, order.key, without=ref.return_id)
                return ReturnFacts(
                    earlier=earlier,
                    order=order,
                    components=await _components(session, order),
                    sent=_sent(order, snapshot, back),
                    sent_at=_sent_at(order, snapshot),
                )

    @activity.defn
    async def book_in(self, booking: Booking) -> None:
        """Restock what can be sold again, count what came back, and tell the order: together, and once a receipt."""
        with temporal_errors():
            async with self._database.session() as session:
                receipt = booking.receipt
                await restock(session, receipt)
                if receipt.order_key:
                    await refunds.count_returned(
                        session, receipt.order_key, booking.return_id, receipt.receipt_id, booking.units
                    )

    @activity.defn
    async def keep_return(self, file: ReturnFile) -> None:
        """Project where the return stands."""
        with temporal_errors():
            async with self._database.session() as session:
                await return_processes.keep(session, file)


async def _components(session: AsyncSession, order: Order) -> tuple[ComponentLine, ...]:
    skus = {line.sku for line in order.lines}
    key = order.key
    found = await catalogue.listings(session, key.channel, key.account, skus, order.purchased_at)
    return tuple(part for line in order.lines if line.sku in found for part in explode(line, found[line.sku]))


def _sent(order: Order, snapshot: OrderSnapshot | None, back: dict[str, int]) -> dict[str, int]:
    """Units that left, by us or by the channel, and did not come back with another return."""
    counted = {line_id: line.shipped for line_id, line in snapshot.quantities.lines.items()} if snapshot else {}
    left = {line.line_id: max(line.shipped, counted.get(line.line_id, 0)) for line in order.lines}
    return {line_id: units - back.get(line_id, 0) for line_id, units in left.items()}


def _sent_at(order: Order, snapshot: OrderSnapshot | None) -> datetime | None:
    moments = [parcel.shipped_at for parcel in order.parcels if parcel.shipped_at]
    moments += [parcel.shipped_at for parcel in snapshot.shipments] if snapshot else []
    return max(moments, default=None)
