"""The worker: polls task queues, runs workflows and activities. `python worker.py --queues erp,wms` runs only those."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig

import logs
from activities.alive import Alive
from activities.bank import BankActivities
from activities.blast_radius import CorrectionActivities
from activities.catalogue import CatalogueActivities
from activities.channel import ChannelActivities
from activities.channel_audit import ChannelAuditActivities
from activities.channel_requests import ChannelRequestActivities
from activities.channel_stock import ChannelStockActivities
from activities.erp import ErpActivities
from activities.fraud import FraudActivities
from activities.fuse import Fuse
from activities.inventory import InventoryActivities
from activities.notify import NotifyActivities
from activities.record import RecordActivities
from activities.refunds import RefundActivities
from activities.repair import RepairActivities
from activities.replacements import ReplacementActivities
from activities.returns import ReturnActivities
from activities.settlement import SettlementActivities
from activities.settlement_books import SettlementBookActivities
from activities.stock import StockActivities
from activities.systems import SystemActivities
from activities.tax import TaxActivities
from activities.terms import TermsActivities
from activities.watch import WatchActivities
from activities.wms import WmsActivities
from capture.temporal import connect
from connectors.fraud.rules import FraudRules
from connectors.providers import FORMATS, Connectors
from connectors.providers import connect as connect_systems
from connectors.registry import Connections, ConnectionsError
from connectors.tax.rate_table import RateTable
from models import breaker
from models.breaker import BreakerPolicy
from settings import Settings
from stack.build import DEPLOYMENT
from stack.exit import finish
from store.database import Database
from workflows import policy
from workflows.bank import BankStatementWorkflow
from workflows.breaker import BreakerWorkflow
from workflows.channel_audit import ChannelAudit, DifferenceWorkflow
from workflows.channel_sync import ChannelSync, ReturnSync
from workflows.correlation import CorrelationInterceptor
from workflows.follow_up import FollowUpWorkflow
from workflows.inventory import InventoryReconciliation
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow
from workflows.repair import RepairWorkflow
from workflows.replacement import ReplacementWorkflow
from workflows.reread import RereadOrder
from workflows.returns import ReturnWorkflow
from workflows.settlement import LatePayments, SettlementRepost, SettlementSync, SettlementWorkflow, SettlementWriteOff
from workflows.stock_sync import StockSync
from workflows.watch import WarehouseWatch

log = structlog.get_logger(__name__)

DRAIN = timedelta(seconds=20)
"""How long running activities may go on after SIGTERM."""
LAST_WORDS = timedelta(seconds=5)
"""Beyond that, for replies to reach Temporal. A local activity that is tried again and again would hold up for ever."""
SLOTS = {policy.ERP_QUEUE: 20, policy.WMS_QUEUE: 20}
"""Activities at once on a queue: the bulkhead of each system. Others take `DEFAULT_SLOTS`."""
DEFAULT_SLOTS = 50
BROKEN_BY_FAILURES = frozenset({policy.ERP_QUEUE, policy.WMS_QUEUE})
"""Systems that an order cannot do without. Tax and fraud have a fallback, which a stopped queue would keep from it."""
LATENCY_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0]

ORDER_WORKFLOWS: Sequence[type] = (
    OrderWorkflow,
    FollowUpWorkflow,
    RefundWorkflow,
    ReturnWorkflow,
    ReplacementWorkflow,
)
CHANNEL_WORKFLOWS: Sequence[type] = (
    ChannelSync,
    ReturnSync,
    RereadOrder,
    SettlementSync,
    LatePayments,
    StockSync,
    ChannelAudit,
    DifferenceWorkflow,
)
WORKFLOWS: Mapping[str, Sequence[type]] = {
    policy.ORDERS_QUEUE: ORDER_WORKFLOWS,
    policy.SETTLEMENT_QUEUE: (SettlementWorkflow, SettlementRepost, SettlementWriteOff, BankStatementWorkflow),
    policy.WMS_QUEUE: (WarehouseWatch,),
    policy.REPAIR_QUEUE: (RepairWorkflow,),
    policy.INVENTORY_QUEUE: (InventoryReconciliation,),
    breaker.QUEUE: (BreakerWorkflow,),
}
"""Task queue -> what it runs; the queue of each channel runs `CHANNEL_WORKFLOWS`."""


class Queues:
    """What each task queue runs."""

    def __init__(self, systems: Connectors, database: Database, breaking: BreakerPolicy | None = None) -> None:
        self._breaking = breaking or BreakerPolicy()
        channel = ChannelActivities(systems.channels, FORMATS, database)
        requests = ChannelRequestActivities(systems.channels)
        channel_stock = ChannelStockActivities(systems.policies, database)
        audit = ChannelAuditActivities(systems.channels, FORMATS, database)
        catalogue, stock, record = CatalogueActivities(database), StockActivities(database), RecordActivities(database)
        erp, wms = ErpActivities(systems.erp), WmsActivities(systems.wms)
        tax, fraud = TaxActivities(systems.tax, RateTable(), database), FraudActivities(systems.fraud, FraudRules())
        entities = {account: terms.entity for account, terms in systems.terms.items()}
        settlement = SettlementActivities(FORMATS, database, entities)
        settlement_books = SettlementBookActivities(systems.journals, database)
        bank = BankActivities(systems.journals, database)
        repair, correction = RepairActivities(database), CorrectionActivities(FORMATS, database)
        guard = SystemActivities(
            {
                policy.ERP_QUEUE: systems.erp.ping,
                policy.WMS_QUEUE: systems.wms.ping,
                policy.TAX_QUEUE: systems.tax.ping,
                policy.FRAUD_QUEUE: systems.fraud.ping,
            },
            database,
        )
        inventory = InventoryActivities(
            systems.stock_book(systems.wms), systems.stock_book(systems.erp), systems.policies, database
        )
        refunds, returns = RefundActivities(database), ReturnActivities(database)
        replacements = ReplacementActivities(database)
        channels = sorted({name for name, _ in systems.channels})
        of_channels: Sequence[Callable[..., Any]] = [
            channel.confirm_parcel,
            channel.poll_orders,
            channel.poll_backlog,
            channel.poll_returns,
            channel.reread_order,
            channel.fetch_settlements,
            requests.acknowledge_order,
            requests.cancel_on_channel,
            requests.refund_on_channel,
            requests.decide_return,
            requests.set_channel_stock,
            requests.follow_operation,
            channel_stock.stock_news,
            channel_stock.stock_told,
            audit.audit_page,
            audit.still_differs,
            audit.keep_audit,
            record.record_case,
        ]
        local: Sequence[Callable[..., Any]] = [
            catalogue.enrich,
            TermsActivities(systems.terms, database).terms_of,
            stock.reserve,
            stock.keep,
            stock.give_back,
            stock.take_out,
            stock.count_short,
            record.record,
            record.record_case,
            refunds.reserve_refund,
            refunds.finish_refund,
            refunds.free_refund,
            returns.know_return,
            returns.book_in,
            returns.keep_return,
            replacements.give_up_units,
            replacements.next_replacement,
            replacements.register_replacement,
        ]
        self.workflows = {**WORKFLOWS, **{policy.channel_queue(name): CHANNEL_WORKFLOWS for name in channels}}
        self.activities: dict[str, Sequence[Callable[..., Any]]] = {
            policy.ORDERS_QUEUE: local,
            policy.ERP_QUEUE: [
                erp.create_erp_order,
                erp.change_erp_order,
                erp.cancel_erp_order,
                erp.post_erp_shipment,
                erp.post_erp_invoice,
                erp.post_credit_note,
                erp.receive_return,
                inventory.ask_levels,
            ],
            policy.WMS_QUEUE: [
                wms.release_to_wms,
                wms.cancel_release,
                wms.find_shipments,
                wms.find_shortfalls,
                WatchActivities(systems.watched, database).watch_warehouse,
                inventory.ask_levels,
            ],
            policy.TAX_QUEUE: [tax.quote_tax, tax.record_tax, tax.commit_tax, tax.void_tax, tax.refund_tax],
            policy.FRAUD_QUEUE: [fraud.screen, fraud.screen_by_service],
            policy.NOTIFY_QUEUE: [NotifyActivities(systems.notifier).notify_buyer],
            policy.SETTLEMENT_QUEUE: [*settlement.activities, *settlement_books.activities, *bank.activities],
            policy.REPAIR_QUEUE: [repair.resolve_batch, repair.end_repair, correction.correct_batch],
            policy.INVENTORY_QUEUE: [inventory.compare_inventory],
            breaker.QUEUE: [guard.open_trip, guard.probe, guard.set_rate, guard.close_trip],
            **{policy.channel_queue(name): of_channels for name in channels},
        }

    def worker(self, client: Client, queue: str, build_id: str = "") -> Worker:
        """A worker without a build id gets work only while no build is current; see docs/versioning.md."""
        polling = PollerBehaviorAutoscaling(minimum=1, maximum=10, initial=2)
        return Worker(
            client,
            task_queue=queue,
            workflows=self.workflows.get(queue, []),
            activities=self.activities[queue],
            max_concurrent_activities=SLOTS.get(queue, DEFAULT_SLOTS),
            max_concurrent_local_activities=20,
            max_cached_workflows=2000,
            workflow_task_poller_behavior=polling,
            activity_task_poller_behavior=polling,
            graceful_shutdown_timeout=DRAIN,
            deployment_config=_of_build(build_id, queue) if build_id else None,
            interceptors=[CorrelationInterceptor(), Alive(), *self._fuses(queue)],
        )

    def _fuses(self, queue: str) -> list[Fuse]:
        return [Fuse(queue, self._breaking)] if queue in BROKEN_BY_FAILURES else []


async def run(settings: Settings, wanted: Sequence[str]) -> int:
    if not (settings.database_url and settings.temporal_address and settings.connections_file):
        missing = ", ".join(settings.missing)
        print(f"worker: set {missing} (python starter.py up does it for a local stack)", file=sys.stderr)
        return 2
    try:
        systems = connect_systems(Connections.load(settings.connections_file))
    except ConnectionsError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 2
    database = Database(settings.database_url, pool_size=20)
    queues = Queues(systems, database)
    if unknown := sorted(set(wanted) - set(queues.activities)):
        print(f"worker: unknown queue {', '.join(unknown)}: use {', '.join(queues.activities)}", file=sys.stderr)
        return 2
    client = await connect(settings.temporal_address, settings.temporal_namespace, _runtime(settings))
    chosen = wanted or list(queues.activities)
    if not await _until_stopped([queues.worker(client, queue, settings.build_id) for queue in chosen]):
        log.warning("worker leaves what did not end in time: another one goes on with it")
        finish(0)
    await database.aclose()
    return 0


async def _until_stopped(workers: Sequence[Worker]) -> bool:
    """Run until SIGTERM or SIGINT, then drain all at once; False when one of them did not end in time.

    Raises what ended a worker that was not asked to.
    """
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    running = [asyncio.create_task(worker.run()) for worker in workers]
    log.info("worker polls", queues=[worker.task_queue for worker in workers])
    await asyncio.wait([asyncio.create_task(asked.wait()), *running], return_when=asyncio.FIRST_COMPLETED)
    log.info("worker drains", seconds=DRAIN.total_seconds())
    draining = asyncio.gather(*(worker.shutdown() for worker in workers))
    ended, late = await asyncio.wait(running, timeout=(DRAIN + LAST_WORDS).total_seconds())
    for each in ended:
        each.result()
    if late:
        return False
    await draining
    return True


def _of_build(build_id: str, queue: str) -> WorkerDeploymentConfig:
    """Orders end on the build on which they began; what serves a channel goes on with the current one.

    Said for each queue, not where a workflow is defined: the server refuses the latter from a worker without a build.
    """
    stays = queue == policy.ORDERS_QUEUE
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT, build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED if stays else VersioningBehavior.AUTO_UPGRADE,
    )


def _runtime(settings: Settings) -> Runtime | None:
    if not settings.metrics_port:
        return None
    prometheus = PrometheusConfig(
        bind_address=f"{settings.metrics_host}:{settings.metrics_port}",
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides={
            "orderyard_release_latency": LATENCY_BUCKETS,
            "temporal_activity_schedule_to_start_latency": LATENCY_BUCKETS,
            "temporal_workflow_task_schedule_to_start_latency": LATENCY_BUCKETS,
        },
    )
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queues", default="", help="comma-separated task queues to poll; all of them when not given")
    wanted = [queue for queue in parser.parse_args().queues.split(",") if queue]
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    return asyncio.run(run(settings, wanted))


if __name__ == "__main__":
    finish(main())
