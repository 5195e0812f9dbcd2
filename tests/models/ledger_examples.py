"""One plain value of every model of the books."""

from __future__ import annotations

from datetime import date

from models.bank import StatementLine
from models.base import Model
from models.ledger import (
    AccountRole,
    Balance,
    BookedDocument,
    DocumentKind,
    Journal,
    JournalLine,
    OrderDocuments,
    Payment,
    StockLevel,
    TrialBalance,
)
from models.money import Money
from models.order import OrderKey
from models.payouts import Match, MatchedBy, Payout
from models.settlement import SettlementKey

KEY = OrderKey(channel="amazon", account="EU-DE", external_id="302-1234567-1234567")
ON = date(2026, 11, 25)
FIVE = Money.of("5.00", "EUR")
BANK = JournalLine(account=AccountRole.BANK, amount=FIVE, label="Payout")
CLEARING = JournalLine(
    account=AccountRole.CLEARING, amount=-FIVE, channel_account="amazon/EU-DE", order_key=KEY, source="S-1#1"
)
INVOICE = BookedDocument(
    kind=DocumentKind.INVOICE,
    number="INV-1",
    reference=f"{KEY}#P1",
    state="posted",
    net=FIVE,
    seller_tax=Money.zero("EUR"),
    channel_tax=Money.zero("EUR"),
    open=FIVE,
    units={"TENT-4P": 1},
)
BALANCE = Balance(
    account="1.1.1.20", name="Clearing", role=AccountRole.CLEARING, channel_account="amazon/EU-DE", amount=-FIVE
)
CAME = StatementLine(
    bank_account="DE89370400440532013000", line_id="NTRF-771", booked_on=ON, amount=FIVE, text="Payout 281"
)
SETTLEMENT = SettlementKey(channel="amazon", account="EU-DE", settlement_id="281")

LEDGER_EXAMPLES: tuple[Model, ...] = (
    BANK,
    Journal(journal_id="amazon/EU-DE#settlement:S-1", correlation_id="c-1", on=ON, lines=(BANK, CLEARING)),
    Payment(
        payment_id="amazon/EU-DE#settlement:S-1#302",
        order_key=KEY,
        correlation_id="c-1",
        channel_account="amazon/EU-DE",
        amount=FIVE,
        on=ON,
        settlement_id="S-1",
    ),
    CAME,
    Payout(key=SETTLEMENT, amount=FIVE, sent_on=ON, arrived=FIVE),
    Match(line=CAME, key=SETTLEMENT, by=MatchedBy.REFERENCE),
    StockLevel(node="BER-1", item="TENT-4P", on_hand=5, free=4),
    INVOICE,
    OrderDocuments(order_key=KEY, number="S-1", state="done", units={"TENT-4P": 1}, documents=(INVOICE,)),
    BALANCE,
    TrialBalance(entity="Camp Deutschland GmbH", balances=(BALANCE,)),
)
