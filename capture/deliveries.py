"""What is done with an event, by its topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from capture import temporal
from connectors.errors import SchemaDrift
from connectors.ports import ChannelFormat, Refusal
from connectors.wms.rest import parse_report
from models.messages import FINAL_STATES
from models.order import Order
from store import inbox, orders, stock
from store.tables import InboxEvent
from workflows import policy
from workflows.settlement import SettlementWorkflow

log = structlog.get_logger(__name__)

SETTLEMENT_TOPIC = "settlement"
NOT_PAYABLE = "payment_pending"
"""The refusal of an order that is understood, and is no order yet."""
WMS = "wms"


class Deliveries:
    """One transaction an event: whatever is delivered, the registry and the event's end are written together."""

    def __init__(self, client: Client, formats: Mapping[str, ChannelFormat]) -> None:
        self._client = client
        self._formats = formats

    async def deliver(self, session: AsyncSession, event: InboxEvent) -> None:
        if event.channel == WMS:
            await self._shipment(session, event)
        elif event.topic == SETTLEMENT_TOPIC:
            await self._settlement(session, event)
        elif _about_orders(event.topic):
            await self._orders(session, event)
        else:
            await inbox.finish(session, event.id, "ignored", f"topic {event.topic} is not used")

    async def _orders(self, session: AsyncSession, event: InboxEvent) -> None:
        parsed = self._formats[event.channel].parse(event.body, event.account)
        outcomes = [await self._order(session, event, order) for order in parsed.orders]
        for refusal in parsed.refusals:
            log.warning("payload refused", reason=refusal.reason, path=refusal.path, remedy=refusal.remedy)
        await _finish(session, event, outcomes, parsed.refusals)

    async def _order(self, session: AsyncSession, event: InboxEvent, order: Order) -> str:
        """The registry row is locked until the end of the transaction: versions of one order are delivered in turn."""
        mapping_version = self._formats[event.channel].mapping_version
        order = order.model_copy(update={"correlation_id": event.correlation_id, "raw_event_id": event.id})
        row = await orders.register(session, order, mapping_version)
        if row.delivered_version and not order.is_news_to(row.order()):
            return f"{order.key}: version {order.version.isoformat()} is known"
        order = order.model_copy(update={"correlation_id": row.correlation_id})
        if row.delivered_version is None:
            told_before = await inbox.is_not_alone(session, event)
            await temporal.start_order(self._client, order, told_before=told_before)
            outcome = f"{order.key}: started"
        elif row.state in FINAL_STATES or not await temporal.tell_order(self._client, order):
            outcome = f"{order.key}: has ended as {row.state}, version {order.version.isoformat()} is kept only"
        else:
            outcome = f"{order.key}: told of version {order.version.isoformat()}"
        await orders.delivered(session, order.key, order)
        return outcome

    async def _shipment(self, session: AsyncSession, event: InboxEvent) -> None:
        try:
            report = parse_report(event.body)
        except SchemaDrift as drift:
            refusal = Refusal(reason=drift.reason, path=drift.path, value=drift.value, remedy=drift.remedy)
            await _finish(session, event, [], [refusal])
            return
        if await temporal.send(self._client, report.reply_to, "shipment_reported", report.shipment):
            await inbox.finish(session, event.id, "delivered", f"told {report.reply_to}")
            return
        if await stock.is_counted(session, report.shipment.order_key, report.shipment.shipment_id):
            # Told before, by a relay that died before it could say so; the workflow has ended since.
            await inbox.finish(session, event.id, "delivered", f"{report.reply_to} had it before it ended")
            return
        remedy = "no workflow waits for this shipment: find out who shipped it, then discard or replay"
        refusal = Refusal(reason="nobody_waits", path="reply_to", value=report.reply_to, remedy=remedy)
        await _finish(session, event, [], [refusal])

    async def _settlement(self, session: AsyncSession, event: InboxEvent) -> None:
        workflow_id = settlement_workflow_id(event)
        # Before the start: a refusal by the workflow then waits for this transaction, and is not overwritten by it.
        await inbox.finish(session, event.id, "delivered", f"started {workflow_id}")
        await self._client.start_workflow(
            SettlementWorkflow.run,
            event.id,
            id=workflow_id,
            task_queue=policy.SETTLEMENT_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"Settlement document {event.id} of {event.channel}/{event.account}",
        )


def settlement_workflow_id(event: InboxEvent) -> str:
    """A replay of the document runs under the same id, after the earlier run has ended."""
    return f"settlement/{event.channel}/{event.account}/{event.id}"


async def _finish(
    session: AsyncSession, event: InboxEvent, outcomes: Sequence[str], refusals: Sequence[Refusal]
) -> None:
    told = "; ".join(outcomes)
    unpaid = [refusal for refusal in refusals if refusal.reason == NOT_PAYABLE]
    if len(unpaid) < len(refusals):
        await inbox.finish(session, event.id, "dead", told or "refused", refusals)
    elif unpaid:
        # Nothing is wrong with these: the channel sends them again, with prices and address, once they are paid.
        waiting = "; ".join(str(refusal) for refusal in unpaid)
        await inbox.finish(
            session, event.id, "delivered" if told else "ignored", f"{told}; {waiting}" if told else waiting
        )
    else:
        await inbox.finish(session, event.id, "delivered", told or "nothing in it", ())


def _about_orders(topic: str) -> bool:
    return topic == "order" or topic.startswith("orders/")
