"""What channels and warehouses tell of returns, brought to the return's own process; it is started if there is none."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy

from capture.temporal import fairness_key
from connectors.ports import WmsReport
from models.return_process import ReturnFile, opened_by, opened_by_goods
from models.returns import ChannelReturn
from models.systems import ReturnReceipt
from store import return_processes
from workflows import attributes, policy
from workflows.returns import ReturnWorkflow


async def tell_return(client: Client, told: ChannelReturn, correlation_id: UUID) -> str:
    """A channel's version of a return; the id of the process that was told."""
    return await tell(client, opened_by(told, str(correlation_id)), "channel_told", told)


async def tell_goods(session: AsyncSession, client: Client, report: WmsReport, receipt: ReturnReceipt) -> str:
    """A parcel that came back, to the return whose number is on it; without one, it is a blind return."""
    known = await return_processes.by_number(session, report.reply_to) if report.reply_to else []
    same_order = [file for file in known if receipt.order_key in (None, file.order_key)]
    file = next(iter(same_order or known), None) or opened_by_goods(receipt, report.reply_to)
    return await tell(client, file, "goods_received", receipt)


async def tell(client: Client, file: ReturnFile, signal: str | None = None, argument: Any = None) -> str:
    """Start the process of a return, or go on with the one that runs. One that has ended is taken up again."""
    await client.start_workflow(
        ReturnWorkflow.run,
        file,
        id=file.workflow_id,
        task_queue=policy.ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        search_attributes=_attributes(file),
        static_summary=f"Return {file.return_id} of {file.order_key or 'an unknown order'}",
        priority=Priority(fairness_key=fairness_key(file.channel, file.account)),
        start_signal=signal,
        start_signal_args=[argument] if signal else [],
    )
    return file.workflow_id


def _attributes(file: ReturnFile) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(attributes.CHANNEL, file.channel),
            SearchAttributePair(attributes.ACCOUNT, file.account),
            SearchAttributePair(attributes.CORRELATION_ID, file.correlation_id),
        ]
    )
