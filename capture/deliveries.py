"""What is done with an event, by its topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from activities.channel import Reread
from capture import temporal
from capture.late import late_report, late_version
from capture.returns import tell_goods, tell_return
from connectors.errors import SchemaDrift
from connectors.ports import HINT_TOPIC, ChannelFormat, Drift, Refusal
from connectors.wms.rest import parse_report
from models.messages import FINAL_STATES
from models.order import Order, OrderKey
from models.returns import ChannelReturn
from store import drift, inbox, orders, returns, stock
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
            await self._warehouse(session, event)
        elif event.topic == SETTLEMENT_TOPIC:
            await self._settlement(session, event)
        elif event.topic == HINT_TOPIC:
            await self._hint(session, event)
        elif _is_about("order", event.topic):
            await self._orders(session, event)
        elif _is_about("return", event.topic):
            await self._returns(session, event)
        else:
            await inbox.finish(session, event.id, "ignored", f"topic {event.topic} is not used")

    async def _orders(self, session: AsyncSession, event: InboxEvent) -> None:
        parsed = self._formats[event.channel].parse(event.payload, event.account)
        outcomes = [await self._order(session, event, order) for order in parsed.orders]
        await _finish(session, event, outcomes, parsed.refusals)
        await self._count(session, event, parsed.drift)

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
            outcome = f"{order.key}: has ended as {row.state}, version {order.version.isoformat()} is kept"
            if late := late_version(order, row.state):
                outcome += f", {await temporal.follow_up(self._client, late)} sees to it"
        else:
            outcome = f"{order.key}: told of version {order.version.isoformat()}"
        await orders.delivered(session, order.key, order, mapping_version)
        return outcome

    async def _returns(self, session: AsyncSession, event: InboxEvent) -> None:
        parsed = self._formats[event.channel].parse_returns(event.payload, event.account)
        # In one order everywhere: two events about the same returns must not wait for each other.
        told = sorted(parsed.returns, key=lambda each: each.return_id)
        outcomes = [await self._return(session, event, each) for each in told]
        await _finish(session, event, outcomes, parsed.refusals)
        await self._count(session, event, parsed.drift)

    async def _return(self, session: AsyncSession, event: InboxEvent, told: ChannelReturn) -> str:
        new = await returns.keep(session, told, event.correlation_id, event.id)
        if new:
            await tell_return(self._client, told, event.correlation_id)
        outcome = f"kept as {told.state}" if new else f"version {told.version.isoformat()} is known"
        return f"return {told.return_id} of {told.order_key}: {outcome}"

    async def _hint(self, session: AsyncSession, event: InboxEvent) -> None:
        if not event.external_id:
            remedy = "ask the vendor what it is about, then discard; the poll finds what has changed"
            refusal = Refusal(reason="hint_without_order", path="$", value="no order is named", remedy=remedy)
            await _finish(session, event, [], [refusal])
            return
        key = OrderKey(channel=event.channel, account=event.account, external_id=event.external_id)
        request = Reread(order_key=key, correlation_id=str(event.correlation_id))
        asked = await temporal.reread_order(self._client, request)
        await inbox.finish(session, event.id, "delivered", f"asked {asked} to read the order")

    async def _count(self, session: AsyncSession, event: InboxEvent, unknown: Sequence[Drift]) -> None:
        if unknown:
            await drift.count(session, event.channel, self._formats[event.channel].api_version, unknown, event.id)

    async def _warehouse(self, session: AsyncSession, event: InboxEvent) -> None:
        try:
            report = parse_report(event.payload)
        except SchemaDrift as error:
            refusal = Refusal(reason=error.reason, path=error.path, value=error.value, remedy=error.remedy)
            await _finish(session, event, [], [refusal])
            return
        if report.receipt:
            process = await tell_goods(session, self._client, report, report.receipt)
            await inbox.finish(session, event.id, "delivered", f"told {process}")
            return
        said = report.shipment or report.shortfall
        assert said is not None  # By the contract a report says one of them.
        signal = "shipment_reported" if report.shipment else "shortfall_reported"
        if await temporal.send(self._client, report.reply_to, signal, said):
            await inbox.finish(session, event.id, "delivered", f"told {report.reply_to}")
        elif report.shipment and await stock.is_counted(session, said.order_key, report.shipment.shipment_id):
            # Told before, by a relay that died before it could say so; the workflow has ended since.
            await inbox.finish(session, event.id, "delivered", f"{report.reply_to} had it before it ended")
        elif late := await late_report(session, said):
            await inbox.finish(
                session, event.id, "delivered", f"handed to {await temporal.follow_up(self._client, late)}"
            )
        else:
            remedy = "no workflow waits for this report: find out what the warehouse speaks of, then discard or replay"
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
    for refusal in refusals:
        log.warning("payload refused", reason=refusal.reason, path=refusal.path, remedy=refusal.remedy)
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


def _is_about(noun: str, topic: str) -> bool:
    """`order` is what a poll brought, `orders/updated` what the channel sent."""
    return topic == noun or topic.startswith(f"{noun}s/")
