"""One plain value of every model of returns, refunds and replacements."""

from __future__ import annotations

from datetime import UTC, datetime

from models.base import Model
from models.catalogue import ComponentLine
from models.channel import RefundReason, ReturnAction, ReturnDecision
from models.money import Money
from models.order import ChannelState, Order, OrderKey, OrderLine, Remitter, Tax
from models.refund_process import GivenUp, RefundGrant, RefundProgress, RefundTask
from models.refundable import Standing, lines_of, refundable
from models.refunds import Refund, RefundClaim, RefundState, TaxRefund, credit_lines
from models.replacements import ExchangeLine, Replacement, ReplacementTask
from models.return_process import Exchange, Inspection, ParcelBack, ReturnFacts, Ruling, opened_by
from models.returned_goods import GoodsBack
from models.returns import ChannelReturn, ReturnLine, ReturnProcessState, ReturnState
from models.systems import Condition, CreditNote, ReturnedItem, ReturnReceipt
from models.worth import worth_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = OrderKey(channel="amazon", account="EU-DE", external_id="302-1234567-1234567")
PRICE = Money.of("25.00", "EUR")
VAT = Tax(amount=Money.of("3.99", "EUR"), remitter=Remitter.SELLER, included=True)
SOLD = Order(
    key=KEY,
    purchased_at=NOON,
    version=NOON,
    state=ChannelState.SHIPPED,
    currency="EUR",
    lines=(OrderLine(line_id="L1", sku="TENT", quantity=2, goods=PRICE, taxes=(VAT,)),),
    total=PRICE,
)
PIECES = ComponentLine(line_id="L1", item="TENT-4P", per_unit=1, quantity=2, amount=PRICE)
CLAIM = RefundClaim(request_id=f"{KEY}#R1", order_key=KEY, reason=RefundReason.RETURNED, units={"L1": 1})
LINES = lines_of(SOLD, Standing(), CLAIM)
REFUND = Refund(claim=CLAIM, state=RefundState.DONE, lines=LINES, total=LINES[0].total)
LEFT = refundable(SOLD, Standing(refunds=(REFUND,)))
NOTE = CreditNote(
    note_id=f"{KEY}#credit:R1",
    order_key=KEY,
    correlation_id="c-1",
    issued_at=NOON,
    lines=credit_lines(LINES),
    reason=RefundReason.RETURNED,
)
ITEM = ReturnedItem(line_id="L1", item="TENT-4P", quantity=1, condition=Condition.RESELL)
RECEIPT = ReturnReceipt(receipt_id="B1", correlation_id="c-1", node="BER-1", received_at=NOON, items=(ITEM,))
TOLD = ChannelReturn(
    return_id="RMA-1",
    order_key=KEY,
    version=NOON,
    state=ReturnState.REQUESTED,
    lines=(ReturnLine(return_line_id="R1", line_id="L1", quantity=1),),
)
DECISION = ReturnDecision(
    request_id=f"{KEY}#return",
    order_key=KEY,
    correlation_id="c-1",
    return_id="RMA-1",
    action=ReturnAction.REFUND,
    units={"R1": 1},
)
FILE = opened_by(TOLD, "c-1").entered(ReturnProcessState.APPROVED, NOON, "within the return policy")
TASK = RefundTask(claim=CLAIM, correlation_id="c-1", decision=DECISION)
OTHER = ExchangeLine(line_id="L1", quantity=1, sku="TENT-XL", unit_price=PRICE)

RETURN_EXAMPLES: tuple[Model, ...] = (
    LINES[0].goods,
    worth_of(SOLD)["L1"],
    CLAIM,
    LINES[0],
    REFUND,
    TaxRefund(refund_id=CLAIM.request_id, order=SOLD, lines=LINES, at=NOON),
    Standing(refunds=(REFUND,), cancelled={"L1": 1}, returned={"L1": 1}),
    LEFT.lines["L1"],
    LEFT,
    TASK,
    RefundGrant(refund=REFUND, order=SOLD),
    GivenUp(request_id=CLAIM.request_id, why="the channel says no"),
    RefundProgress(task=TASK, refund=REFUND, step="credit_note", documents={"erp": "CN-1"}),
    NOTE,
    NOTE.lines[0],
    ITEM,
    RECEIPT,
    GoodsBack(accepted={"L1/TENT-4P": 1}, rejected={"L1/TENT-4P": 1}),
    Ruling(accepted=True, actor="anna", order_key=KEY, units={"L1": 1}),
    Inspection(receipt_id="B1", actor="anna", node="BER-1", items=(ITEM,)),
    OTHER,
    Exchange(actor="anna", lines=(OTHER,)),
    ParcelBack(receipt=RECEIPT, units={"L1": 1}, document="RET-1"),
    FILE.history[0],
    FILE,
    ReturnFacts(earlier=FILE, order=SOLD, components=(PIECES,), sent={"L1": 2}, sent_at=NOON),
    ReplacementTask(
        order_key=KEY, number=1, correlation_id="c-1", lines=(OTHER,), reason=RefundReason.DAMAGED, return_id="RMA-1"
    ),
    Replacement(refund=REFUND, order_key=KEY, to_pay=PRICE),
)
