"""Reads orders again from their raw payloads with the mapping of today, and corrects what it reads differently."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.failures import temporal_errors
from activities.repair import carry_out
from connectors.ports import ChannelFormat
from models.base import Model
from models.corrections import FieldDifference, MoneyDifference, differences, money_differences
from models.messages import FINAL_STATES
from models.order import Order, OrderKey
from models.repair import Outcome, Repair, RepairBatch, RepairItem, RepairProgress
from store import corrections, inbox, repairs
from store.database import Database
from store.tables import OrderRow


class Reading(Model):
    """An order as the mapping of today reads it, beside the one that stands in the registry."""

    order_key: str
    workflow_id: str
    state: str
    mapping_version: int
    order: Order | None = None
    differences: tuple[FieldDifference, ...] = ()
    money: tuple[MoneyDifference, ...] = ()
    obstacle: str = ""
    """Why it cannot be corrected, in words."""


async def read_again(session: AsyncSession, formats: Mapping[str, ChannelFormat], row: OrderRow) -> Reading:
    """Nothing is changed by reading."""
    known = Reading(
        order_key=row.order_key, workflow_id=row.workflow_id, state=row.state, mapping_version=row.mapping_version
    )
    event = await inbox.get(session, row.raw_event_id) if row.raw_event_id is not None else None
    if event is None:
        return known.model_copy(update={"obstacle": "its raw payload is not kept: ask the channel for the order again"})
    parsed = formats[row.channel].parse(event.payload, row.account)
    found = next((order for order in parsed.orders if str(order.key) == row.order_key), None)
    if found is None:
        why = "; ".join(str(refusal) for refusal in parsed.refusals) or "the payload does not hold the order any more"
        return known.model_copy(update={"obstacle": f"the mapping of today refuses it: {why}"})
    now = found.model_copy(update={"correlation_id": row.correlation_id, "raw_event_id": row.raw_event_id})
    was = row.order()
    differs = differences(was, now)
    ended = f"the order has ended as {row.state}: correct its documents by hand" if row.state in FINAL_STATES else ""
    return known.model_copy(
        update={
            "order": now,
            "differences": differs,
            "money": money_differences(was, now),
            "obstacle": ended if differs else "",
        }
    )


class CorrectionActivities:
    def __init__(self, formats: Mapping[str, ChannelFormat], database: Database) -> None:
        self._formats = formats
        self._database = database

    @activity.defn
    async def correct_batch(self, batch: RepairBatch) -> RepairProgress:
        """Correct the next orders of a repair, each in one transaction with its message and its outcome."""
        with temporal_errors():
            return await carry_out(self._database, batch, self._correct)

    async def _correct(self, repair: Repair, item: RepairItem) -> None:
        async with self._database.session() as session:
            row = await corrections.hold(session, OrderKey.from_string(item.target))
            assert row is not None, "the registry forgets no order"
            outcome, why = await self._corrected(session, repair, row)
            await repairs.done(session, repair.repair_id, item.number, outcome, why)

    async def _corrected(self, session: AsyncSession, repair: Repair, row: OrderRow) -> tuple[Outcome, str]:
        planned, ours = repair.mapping_version or 0, self._formats[row.channel].mapping_version
        if row.mapping_version >= planned:
            return Outcome.ALREADY_RESOLVED, f"it is read by version {row.mapping_version} already"
        if ours != planned:
            return Outcome.REFUSED, f"planned for version {planned}, this worker has {ours}: roll out, and plan anew"
        reading = await read_again(session, self._formats, row)
        if reading.obstacle or reading.order is None:
            return Outcome.REFUSED, reading.obstacle
        key = reading.order.key
        if not reading.differences:
            await corrections.stamp(session, key, planned)
            return Outcome.APPLIED, "no difference: stamped"
        await corrections.correct(session, row, reading.order, planned, repair.actor)
        return Outcome.APPLIED, f"{len(reading.differences)} fields differ: its workflow is told"
