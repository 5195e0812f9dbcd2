"""One example of each model of settlements and books, for the tests that every model goes through."""

from __future__ import annotations

from datetime import UTC, datetime

from models.base import Model
from models.expected_money import ExpectedGoods, ExpectedMoney, ExpectedRefund
from models.ledger import AccountRole, Journal, JournalLine, Payment
from models.matching import Booked, Fault, Finding, LineRef, OrderMatch, Verdict
from models.money import Money
from models.order import OrderKey
from models.settlement import LineType, SettlementKey, SettlementLine, Statement
from models.settlement_books import BookedOrder, Group, OrderEntry, OrderPayments, OrderWriteOff, WriteOff, WrittenOff
from models.settlement_rules import Contract, LabelRule, RuleSet
from models.settlement_words import Told

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = OrderKey(channel="amazon", account="EU-DE", external_id="302-1")
KEY = SettlementKey(channel="amazon", account="EU-DE", settlement_id="281")
NOTHING = Money.zero("EUR")
GOODS = Money.of("12.50", "EUR")
LINE = SettlementLine(number=1, type=LineType.GOODS, label="Principal", amount=GOODS, order_id="302-1")
REF = LineRef(settlement_id="281", number=1)
VERDICT = Verdict(number=1, matched=GOODS, residual=NOTHING, rule="exact")
FINDING = Finding(fault=Fault.MISSING, component="shipping", amount=Money.of("4.90", "EUR"))
RULE = LabelRule(patterns=("order", "principal"), type=LineType.GOODS)
REFUND = ExpectedRefund(refund_id="R-1", total=GOODS, receivable=GOODS, at=NOON)
EXPECTED_GOODS = ExpectedGoods(line_id="L1", amount=GOODS, units=1)
BANK = JournalLine(account=AccountRole.BANK, amount=GOODS)
CLEARING = JournalLine(account=AccountRole.CLEARING, amount=-GOODS, channel_account="amazon/EU-DE", source="281#1")
PAYMENT = Payment(
    payment_id="amazon/EU-DE#settlement:281#302-1:paid",
    order_key=ORDER,
    correlation_id="c",
    channel_account="amazon/EU-DE",
    amount=GOODS,
    on=NOON.date(),
)

MONEY: tuple[Model, ...] = (
    KEY,
    Statement(**KEY.model_dump(), currency="EUR", payout=GOODS, deposited_at=NOON, where="line 2"),
    REF,
    VERDICT,
    FINDING,
    Booked(ref=REF, line=LINE, matched=GOODS, residual=NOTHING),
    OrderMatch(verdicts=(VERDICT,), findings=(FINDING,)),
    EXPECTED_GOODS,
    REFUND,
    ExpectedMoney(
        order_key=ORDER,
        currency="EUR",
        goods=(EXPECTED_GOODS,),
        shipping=NOTHING,
        other=NOTHING,
        promotion=NOTHING,
        seller_tax=NOTHING,
        channel_tax=NOTHING,
        refunds=(REFUND,),
        left_at=NOON,
    ),
    RULE,
    Contract(),
    RuleSet(channel="amazon", version=1, rules=(RULE,)),
    Group(type=LineType.GOODS, matched=GOODS, residual=NOTHING, corrected=NOTHING, written_off=NOTHING, lines=1),
    BookedOrder(order_key=ORDER, paid=GOODS, refunded=NOTHING, whole=GOODS, whole_back=NOTHING),
    Told(key=KEY, line=LINE, order_key=str(ORDER), matched=GOODS, residual=NOTHING, rule="exact"),
    BANK,
    Journal(journal_id="amazon/EU-DE#settlement:281", correlation_id="c", on=NOON.date(), lines=(BANK, CLEARING)),
    PAYMENT,
    OrderPayments(order_key=ORDER, paid=PAYMENT, whole=GOODS, whole_back=NOTHING),
    OrderWriteOff(order_key=ORDER, correlation_id="c", expected=GOODS, on=NOON.date()),
    OrderEntry(order_key=ORDER, nth=1, amount=GOODS, on=NOON.date(), correlation_id="c"),
    WriteOff(key=KEY, number=1, actor="anna", note="cents", on=NOON.date()),
    WrittenOff(key=KEY, number=1, revision=1, role=AccountRole.CLEARING, residual=GOODS, words="cents", on=NOON.date()),
)
