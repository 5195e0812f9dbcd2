"""One plain value of every model of an order's whole life, and of its returns and refunds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from models.base import Model
from models.case import Action, CaseBook, ExceptionCase
from models.catalogue import ComponentLine
from models.channel import CancelReason
from models.deadline import DEADLINES, Deadline, DeadlineKind
from models.fulfilment import PickLine, Shipment
from models.goods import Counted, FulfilmentPart, Goods, Stage
from models.life import Cancellation, Change, ChannelCancel, HandledParcel
from models.messages import (
    CancelOutcome,
    CancelRequest,
    CancelStatus,
    CauseGone,
    ChangeRequest,
    HoldRequest,
    LateEvent,
    RefundCounted,
    ReturnCounted,
)
from models.money import Money
from models.order import Order
from models.systems import LedgerRate
from models.terms import SalesTerms

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RATE = LedgerRate(currency="USD", rate=Decimal("1.0850"), on=NOON.date())


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def order_examples(
    order: Order, case: ExceptionCase, component: ComponentLine, shipment: Shipment
) -> tuple[Model, ...]:
    wish = CancelRequest(reason="too big", actor="buyer", authority="buyer", why=CancelReason.BUYER, units={"L1": 1})
    outcome = CancelOutcome(status=CancelStatus.IN_DOUBT, reason="asked", declined_units={"L1": 1})
    change = ChangeRequest(actor="kim", ship_to=order.ship_to, sku={"L1": "TENT-2"}, quantity={"L1": 1})
    part = FulfilmentPart(
        fulfilment_id=f"{order.key}#BER-1.2",
        number=2,
        node="BER-1",
        picks=(PickLine(line_id="L1", item="TENT-4P", quantity=2),),
        stage=Stage.RELEASED,
        shipped={"L1|TENT-4P": 1},
        parcels=1,
        released_at=NOON,
    )
    counted = Counted(cancelled={"L1": 1})
    return (
        CaseBook(opened=3, cases=(case,)),
        Deadline(kind=DeadlineKind.SHIP_BY, due=NOON, acts="a case", passed=True, acted=True),
        DEADLINES[DeadlineKind.SHIP_BY],
        counted,
        part,
        Goods.of(order, (component,), counted, (part,)),
        Cancellation(number=1, request=wish, outcome=outcome),
        Change(request=change, refused="too late"),
        ChannelCancel(
            number=2, units={"L1": 1}, known_then={"L1": 1}, whole=False, why=CancelReason.BUYER, note="too big"
        ),
        HandledParcel(shipment=shipment, package_number=1, units={"L1": 1}, counted=True, invoice="INV-1"),
        CauseGone(subject="sku:TENT", note="mapped"),
        change,
        HoldRequest(reason="ask", actor="kim", expires_at=NOON, on_expiry=Action.CANCEL),
        LateEvent(order_key=order.key, kind="shipment_reported", event_id="S-1", told="BER-1 shipped", at=NOON),
        RefundCounted(refund_id="F1", total=eur("5.00"), receivable=eur("4.20"), units={"L1": 1}, goodwill=True),
        ReturnCounted(return_id="R1", units={"L1": 1}),
        RATE,
        SalesTerms(entity="Camp GmbH", books_currency="USD", ledger=RATE, cancel_window=timedelta(minutes=30)),
    )
