"""One plain value of every canonical model."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from uuid import UUID

from models.audit import AuditReport, Finding, Verdict
from models.base import Model
from models.case import Action, Amendment, CaseKind, ExceptionCase, Resolution
from models.catalogue import Component, ComponentLine, ListingMap
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    ChannelHealth,
    ChannelRequest,
    Progress,
    QuotaLeft,
    RefundLine,
    RefundReason,
    RefundRequest,
    Rejected,
    ReturnAction,
    ReturnDecision,
    StockQuantity,
    StockUpdate,
)
from models.fulfilment import (
    Allocation,
    Candidate,
    ConfirmedParcel,
    GoodsOut,
    HeldPick,
    NodePlan,
    PickLine,
    Release,
    RoutingRequest,
    Shipment,
    Shortfall,
    ShortfallKind,
)
from models.messages import (
    CancelOutcome,
    CancelRequest,
    CancelStatus,
    ChannelUpdate,
    MappingAdded,
    OrderSnapshot,
    OrderState,
    ShipmentRecord,
    StockArrived,
    Transition,
)
from models.money import Money
from models.nodes import Node
from models.order import (
    Address,
    Buyer,
    ChannelState,
    Charge,
    ChargeKind,
    Discount,
    Funder,
    Order,
    OrderKey,
    OrderLine,
    OrderRefund,
    Parcel,
    Remitter,
    Tax,
)
from models.quantities import LineQuantities, QuantityLedger
from models.returns import ChannelReturn, ReturnLine, ReturnState
from models.routing import DEFAULT_RULES, Inputs, Shelves
from models.settlement import LineType, OrderMoney, Settlement, SettlementLine, SettlementResult
from models.systems import ErpOrder, FraudVerdict, Notice, ReleaseCancelled, TaxQuote
from tests.models.examples_of_inventory import examples as inventory_examples
from tests.models.examples_of_lifecycle import order_examples
from tests.models.examples_of_repair import repair_examples
from tests.models.examples_returns import RETURN_EXAMPLES
from tests.models.ledger_examples import LEDGER_EXAMPLES
from tests.settlement.model_examples import MONEY

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CORRELATION_ID = UUID("6c0c5d58-5d1c-4d3e-8a6e-0c4c8a1f5f11")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


KEY = OrderKey(channel="amazon", account="EU-DE", external_id="302-1234567-1234567")
BERLIN = Address(name="Käthe Öztürk", lines=("Torstr. 1",), city="Berlin", postal_code="10119", country="DE")
VAT = Tax(amount=eur("3.99"), remitter=Remitter.SELLER, jurisdiction="DE", rate="0.19", included=True)
AUTUMN = Discount(amount=eur("5.00"), funded_by=Funder.CHANNEL, code="AUTUMN")
LINE = OrderLine(
    line_id="L1",
    sku="TENT",
    title="Tent",
    quantity=2,
    unit_price=eur("12.50"),
    goods=eur("25.00"),
    discounts=(AUTUMN,),
    taxes=(VAT,),
)
SHIPPING = Charge(kind=ChargeKind.SHIPPING, amount=eur("4.90"), line_id="L1", label="DHL")
PARCEL = Parcel(parcel_id="P-1", carrier="DHL", tracking="0034", shipped_at=NOON, quantities={"L1": 1})
ORDER = Order(
    key=KEY,
    correlation_id=CORRELATION_ID,
    raw_event_id=7,
    purchased_at=NOON,
    version=NOON,
    state=ChannelState.OPEN,
    currency="EUR",
    lines=(LINE,),
    charges=(SHIPPING,),
    total=eur("24.90"),
    buyer_total=Money.of("3600", "JPY"),
    buyer=Buyer(name="Käthe Öztürk", email="kaethe@example.com"),
    ship_to=BERLIN,
    ship_by=NOON,
    parcels=(PARCEL,),
    extras={"shipment": "standard"},
)
PICK = PickLine(line_id="L1", item="TENT-4P", quantity=2)
NODE = NodePlan(node="BER-1", picks=(PICK,), entity="Camp GmbH")
ROUTING = RoutingRequest(order_key=KEY, decision=1, picks=(PICK,), country="DE", at=NOON)
CANDIDATE = Candidate(node="BER-1", chosen=True, why="ships 2 of 2 from DE", score={"cost": "4.90 EUR"})
PLACE = Node(name="BER-1", country="DE", cut_off=time(14), handling_days=0, costs={"DE": Decimal("4.90")})
SHELVES = Shelves(nodes=(PLACE,), stock={"BER-1": {"TENT-4P": 5}}, load={"BER-1": 1})
SHORTFALL = Shortfall(
    report_id="R-1",
    fulfilment_id=f"{KEY}#BER-1",
    node="BER-1",
    kind=ShortfallKind.SHORT_PICK,
    reported_at=NOON,
    picks=(PICK,),
)
COMPONENT_LINE = ComponentLine(line_id="L1", item="TENT-4P", per_unit=1, quantity=2, amount=eur("25.00"))
RELEASE = Release(
    fulfilment_id=f"{KEY}#BER-1",
    reply_to=KEY.workflow_id,
    order_key=KEY,
    correlation_id=str(CORRELATION_ID),
    node="BER-1",
    service_level="standard",
    ship_to=BERLIN,
    ship_by=NOON,
    picks=(PICK,),
)
SHIPMENT = Shipment(
    shipment_id="S-1",
    fulfilment_id=f"{KEY}#BER-1",
    node="BER-1",
    carrier="DHL",
    tracking="0034",
    shipped_at=NOON,
    picks=(PICK,),
)
GOODS_OUT = GoodsOut(node="BER-1", item="TENT-4P", quantity=2)
CONFIRMED = ConfirmedParcel(
    order_key=KEY,
    correlation_id=str(CORRELATION_ID),
    shipment_id="S-1",
    package_number=1,
    carrier="DHL",
    tracking="0034",
    shipped_at=NOON,
    units={"L1": 2},
    goods=(GOODS_OUT,),
)
RESOLUTION = Resolution(
    case_id="c-1", action=Action.AMEND, actor="kim", amendment=Amendment(ship_to=BERLIN, sku={"L1": "TENT-2"})
)
CASE = ExceptionCase(
    case_id="c-1",
    order_key=KEY,
    workflow_id=KEY.workflow_id,
    kind=CaseKind.ADDRESS_INCOMPLETE,
    step="screen",
    reason="ship_to.city is empty: amend the address",
    opened_at=NOON,
    allowed=(Action.AMEND, Action.CANCEL),
    resolved_at=NOON,
    resolution=RESOLUTION,
)
QUANTITIES = QuantityLedger(lines={"L1": LineQuantities(ordered=2, open=2)})
RECORD = ShipmentRecord(
    shipment_id="S-1", node="BER-1", carrier="DHL", tracking="0034", shipped_at=NOON, units={"L1": 2}
)
SETTLEMENT_LINE = SettlementLine(
    number=1, type=LineType.GOODS, label="Order / ItemPrice / Principal", amount=eur("25.00"), posted_at=NOON
)
SETTLEMENT = Settlement(
    channel="amazon",
    account="EU-DE",
    settlement_id="1",
    currency="EUR",
    payout=eur("25.00"),
    deposited_at=NOON,
    lines=(SETTLEMENT_LINE,),
)
ASKED = {"request_id": f"{KEY}#cancel", "order_key": KEY, "correlation_id": "c-1"}
REFUND_LINE = RefundLine(line_id="L1", quantity=1, goods=eur("12.50"), tax=eur("2.00"))
QUOTA = QuotaLeft(operation="amazon.get_order", rate=0.5, burst=30, left=29.5)
RETURN_LINE = ReturnLine(return_line_id="R1", line_id="L1", sku="TENT", quantity=1, reason="too small")
FINDING = Finding(order_key=KEY, verdict=Verdict.MISSING, subject="order", channel="open", ours="unknown")
REJECTED = Rejected(key="TENT", code="unknown_sku", message="no such listing")
STOCK = StockQuantity(sku="TENT", quantity=3)

EXAMPLES: tuple[Model, ...] = (
    *LEDGER_EXAMPLES,
    OrderRefund(refund_id="F-1", amount=eur("5.00"), at=NOON, quantities={"L1": 1}),
    ChannelRequest.model_validate(ASKED),
    Acknowledgement.model_validate({**ASKED, "lines": ("L1",)}),
    Cancellation.model_validate({**ASKED, "units": {"L1": 1}, "whole": False, "reason": CancelReason.BUYER}),
    REFUND_LINE,
    RefundRequest.model_validate({**ASKED, "lines": (REFUND_LINE,), "reason": RefundReason.DAMAGED}),
    ReturnDecision.model_validate({**ASKED, "return_id": "RMA-1", "action": ReturnAction.ACCEPT, "units": {"R1": 1}}),
    STOCK,
    StockUpdate(request_id="s-1", correlation_id="c-1", quantities=(STOCK,)),
    REJECTED,
    Progress(operation="feed-1", rejected=(REJECTED,)),
    QUOTA,
    ChannelHealth(api_version="2026-01-01", sunset=NOON.date(), credential_expires=NOON, quotas=(QUOTA,)),
    RETURN_LINE,
    ChannelReturn(
        return_id="RMA-1",
        order_key=KEY,
        version=NOON,
        state=ReturnState.REQUESTED,
        lines=(RETURN_LINE,),
        requested_at=NOON,
        refunded=eur("12.50"),
    ),
    FINDING,
    AuditReport(channel="amazon", account="EU-DE", since=NOON, until=NOON, seen=1, findings=(FINDING,)),
    KEY,
    eur("12.50"),
    BERLIN,
    VAT,
    AUTUMN,
    LINE,
    SHIPPING,
    PARCEL,
    ORDER.buyer,
    ORDER.totals,
    ORDER,
    PICK,
    NODE,
    ROUTING,
    CANDIDATE,
    Allocation(order_key=KEY, nodes=(NODE,), short=(PICK,), rule="nearest-1", considered=(CANDIDATE,)),
    HeldPick(node="BER-1", item="TENT-4P", quantity=2),
    SHORTFALL,
    PLACE,
    DEFAULT_RULES,
    SHELVES,
    Inputs(request=ROUTING, shelves=SHELVES, rules=DEFAULT_RULES),
    StockArrived(item="TENT-4P"),
    RELEASE,
    SHIPMENT,
    CONFIRMED,
    GOODS_OUT,
    Component(item="TENT-4P", quantity=2, share=Decimal("0.7")),
    ListingMap(channel="amazon", account="*", sku="TENT", valid_from=NOON, components=(Component(item="TENT-4P"),)),
    COMPONENT_LINE,
    RESOLUTION.amendment,
    RESOLUTION,
    CASE,
    Transition(at=NOON, state=OrderState.ACCEPTED, cause="paid"),
    CancelRequest(reason="changed my mind", actor="buyer"),
    CancelOutcome(status=CancelStatus.CONFIRMED, reason=""),
    ChannelUpdate(order=ORDER),
    MappingAdded(sku="TENT"),
    RECORD,
    OrderSnapshot(
        key=KEY,
        state=OrderState.SHIPPED,
        quantities=QUANTITIES,
        case=CASE,
        shipments=(RECORD,),
        received=eur("1.00"),
        released_at=NOON,
    ),
    QUANTITIES["L1"],
    QUANTITIES,
    *MONEY,
    SETTLEMENT_LINE,
    SETTLEMENT,
    OrderMoney(order_key=KEY, settlement_id="1", received=eur("25.00"), fees=eur("-3.75"), refunds=eur("0.00")),
    SettlementResult(
        channel="amazon",
        account="EU-DE",
        settlement_id="1",
        payout=eur("25.00"),
        matched=eur("24.00"),
        residual=eur("1.00"),
        residuals={"Gift fairy": eur("1.00")},
    ),
    ErpOrder(order=ORDER, components=(COMPONENT_LINE,), seller_tax=eur("3.99")),
    ReleaseCancelled(confirmed=True),
    TaxQuote(seller_tax=eur("3.99"), source="avatax", document="T-1"),
    FraudVerdict(decision="review", score=80, source="rules", reasons=("many orders",)),
    Notice(
        order_key=KEY,
        correlation_id=str(CORRELATION_ID),
        template="parcel_shipped",
        notice_id="n-1",
        values={"tracking": "0034"},
        at=NOON,
    ),
    *inventory_examples(NOON),
    *repair_examples(ORDER),
    *order_examples(ORDER, CASE, COMPONENT_LINE, SHIPMENT),
    *RETURN_EXAMPLES,
)
