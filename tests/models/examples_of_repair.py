"""One plain value of every model of repair, blast radius and breaker."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from models.base import Model
from models.breaker import (
    BreakerInput,
    BreakerPolicy,
    CloseTrip,
    FailureReport,
    OpenTrip,
    PauseQueue,
    Probed,
    ResumeQueue,
    SetRate,
    Trip,
    TripRecord,
)
from models.case import Action, CaseKind
from models.case_query import CaseQuery
from models.corrections import FieldDifference, MoneyDifference
from models.messages import Correction, OrderState
from models.order import Order
from models.repair import (
    Outcome,
    Repair,
    RepairBatch,
    RepairEnd,
    RepairItem,
    RepairKind,
    RepairProgress,
    RepairRun,
    StopRepair,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TRIP = Trip(trip_id=1, queue="erp", rate_before=40, paused_by="ada", reason="stock-taking")
RATES = (BreakerPolicy, BreakerInput, Trip, SetRate, CloseTrip)
"""Hold calls a second."""


def repair_examples(order: Order) -> tuple[Model, ...]:
    return (
        CaseQuery(channel=("amazon",), case=(CaseKind.TAX_DECLINED,), state=(OrderState.EXCEPTION,), since=NOON),
        Repair(
            repair_id="20261120-120000-ab12",
            query="channel=amazon",
            action=Action.RETRY,
            note="mended",
            actor="ada",
            planned_at=NOON,
        ),
        RepairItem(
            number=1,
            target="order/amazon/EU-DE/302-1~1",
            order_key="amazon/EU-DE/302-1",
            workflow_id="order/amazon/EU-DE/302-1",
            outcome=Outcome.APPLIED,
            before={"service_level": "standard"},
            after={"service_level": "express"},
            done_at=NOON,
        ),
        RepairRun(repair_id="R-1", kind=RepairKind.CASES, per_second=5),
        RepairBatch(repair_id="R-1", limit=5),
        RepairProgress(done=5, left=7, outcomes={"applied": 5}),
        RepairEnd(repair_id="R-1", stopped_by="bob"),
        StopRepair(actor="bob"),
        Correction(order=order, mapping_version=2, actor="ada"),
        FieldDifference(path="lines[L1].sku", was="TENT", now="TENT-4P"),
        MoneyDifference(part="total", currency="EUR", amount=Decimal("-1.50")),
        BreakerPolicy(),
        FailureReport(source="worker-1", count=5, why="HTTP 503"),
        PauseQueue(reason="stock-taking", actor="ada"),
        ResumeQueue(actor="bob"),
        TRIP,
        BreakerInput(queue="erp", trip=TRIP),
        OpenTrip(queue="erp", reason="5 calls in a row failed"),
        SetRate(queue="erp", per_second=5, reason="beginning again"),
        CloseTrip(trip=TRIP, closed_by="a probe was well"),
        Probed(well=True, said="well"),
        TripRecord(queue="erp", reason="5 calls in a row failed", actor="orderyard", opened_at=NOON, probes=2),
    )
