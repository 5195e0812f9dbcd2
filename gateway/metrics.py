"""The gateway's Prometheus figures: deliveries counted here, orders counted by the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, generate_latest

from store import breakers, cases, inbox, orders, outbox
from store.database import Database

WEBHOOKS = Counter("orderyard_webhooks", "Deliveries by channel and outcome", ["channel", "outcome"])
REFUSED = Counter("orderyard_webhooks_refused", "Refused deliveries by channel and HTTP status", ["channel", "status"])
LATENCY_WINDOW = timedelta(hours=1)
"""Release latency is that of the orders released within this time."""


async def of_orders(database: Database) -> CollectorRegistry:
    """Orders by channel and state, inbox by status, messages that wait, cases, stopped systems, and release latency."""
    async with database.session() as session:
        by_state = await orders.counts_by_channel_and_state(session)
        by_status = await inbox.counts(session)
        waiting = await outbox.waiting(session)
        open_cases = await cases.counts_by_kind_and_owner(session)
        stopped = await breakers.stopped(session)
        latencies = await orders.release_latencies(session, datetime.now(UTC) - LATENCY_WINDOW)
    registry = CollectorRegistry()
    states = Gauge("orderyard_orders", "Orders by channel and state", ["channel", "state"], registry=registry)
    for (channel, state), count in by_state.items():
        states.labels(channel, state).set(count)
    events = Gauge("orderyard_inbox_events", "Captured events by status", ["status"], registry=registry)
    for status, count in by_status.items():
        events.labels(status).set(count)
    Gauge("orderyard_outbox_waiting", "Messages to workflows, not delivered yet", registry=registry).set(waiting)
    waits = Gauge("orderyard_cases_open", "Cases by kind and whose turn it is", ["kind", "owner"], registry=registry)
    for (kind, owner), count in open_cases.items():
        waits.labels(kind, owner).set(count)
    calls = Gauge("orderyard_system_stopped", "Systems to which calls are stopped", ["system"], registry=registry)
    for system in stopped:
        calls.labels(system).set(1)
    _latency(registry, sorted(latencies))
    return registry


def exposition(*registries: CollectorRegistry) -> Response:
    """The figures of this process, then the given ones, as Prometheus reads them."""
    body = b"".join(generate_latest(registry) for registry in (REGISTRY, *registries))
    return Response(body, media_type=CONTENT_TYPE_LATEST)


def _latency(registry: CollectorRegistry, ordered: Sequence[float]) -> None:
    latency = Gauge("orderyard_capture_to_release_seconds", "Capture to release", ["quantile"], registry=registry)
    for quantile in (0.5, 0.95, 0.99):
        if ordered:
            latency.labels(str(quantile)).set(ordered[min(len(ordered) - 1, int(quantile * len(ordered)))])
