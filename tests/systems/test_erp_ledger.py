"""The books behind the REST contract: balanced journals, reversals, payments and bank statement lines, each once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date

import pytest

from connectors.erp.rest import RestErp
from connectors.erp.rest_ledger import RestLedger
from connectors.errors import Declined, InDoubt
from models.bank import StatementLine
from models.ledger import AccountRole, Journal, JournalLine, Payment
from models.money import Money
from sandbox.faults import Fault, FaultKind
from tests.systems.orders import connection, erp_order, parcel
from tests.systems.running import Systems
from tests.systems.test_contracts import Contract, Recording

JOURNAL = Journal(
    journal_id="amazon/EU#settlement:281",
    correlation_id="settlement/amazon/EU/281",
    on=date(2026, 9, 10),
    lines=(
        JournalLine(account=AccountRole.BANK, amount=Money.of("85.00", "EUR")),
        JournalLine(account=AccountRole.COMMISSION, amount=Money.of("15.00", "EUR")),
        JournalLine(account=AccountRole.CLEARING, amount=Money.of("-100.00", "EUR"), channel_account="amazon/EU"),
    ),
)
PAYMENT = Payment(
    payment_id="amazon/EU#settlement:281#302-7:paid",
    order_key=erp_order().order.key,
    correlation_id="settlement/amazon/EU/281",
    channel_account="amazon/EU",
    amount=Money.of("100.00", "EUR"),
    on=date(2026, 9, 10),
    settlement_id="281",
)
LINE = StatementLine(
    bank_account="DE89370400440532013000",
    line_id="NTRF-771",
    booked_on=date(2026, 9, 14),
    amount=Money.of("85.00", "EUR"),
    counterparty="Amazon Payments Europe",
    text="281",
)
Write = Callable[[RestLedger, bool], Awaitable[str]]
WRITES: dict[str, tuple[Write, str]] = {
    "journal": (lambda ledger, retry: ledger.post_journal(JOURNAL, retry=retry), "erp/journal_posted"),
    "payment": (lambda ledger, retry: ledger.post_payment(PAYMENT, retry=retry), "erp/payment_posted"),
    "statement_line": (
        lambda ledger, retry: ledger.post_statement_line(LINE, retry=retry),
        "erp/statement_line_posted",
    ),
}


@pytest.fixture
async def ledger(systems: Systems) -> AsyncIterator[RestLedger]:
    erp = RestErp(connection(systems.erp.connection()))
    await erp.create_order(erp_order(), retry=False)
    await erp.post_invoice(parcel(), retry=False)
    await erp.aclose()
    provider = RestLedger(connection(systems.erp.connection()))
    yield provider
    await provider.aclose()


@pytest.mark.parametrize("kind", WRITES)
async def test_a_posting_repeated_is_one_document(systems: Systems, ledger: RestLedger, kind: str) -> None:
    write, effect = WRITES[kind]
    assert len({await write(ledger, retry) for retry in (False, False, True)}) == 1
    assert len(systems.effects(effect)) == 1


@pytest.mark.parametrize("kind", WRITES)
async def test_a_lost_reply_is_in_doubt_and_found_by_its_reference(
    systems: Systems, ledger: RestLedger, kind: str
) -> None:
    write, effect = WRITES[kind]
    systems.sandbox.faults.add(Fault(operation=f"erp.post_{kind}", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await write(ledger, False)
    number = await write(ledger, True)
    assert [entry["detail"]["number"] for entry in systems.effects(effect)] == [number]


async def test_a_reversal_is_the_opposite_and_is_posted_once(systems: Systems, ledger: RestLedger) -> None:
    with pytest.raises(Declined) as refused:
        await ledger.reverse_journal(JOURNAL, retry=False)
    assert refused.value.code == "not_found"
    await ledger.post_journal(JOURNAL, retry=False)
    assert len({await ledger.reverse_journal(JOURNAL, retry=retry) for retry in (False, True)}) == 1
    books = systems.sandbox.shelf.collection("erp_journals")
    posted = [line for journal in books.values() for line in journal["lines"]]
    assert {line["account"]: sum(Money.of(o["amount"], "EUR").amount for o in posted if o["account"] == line["account"])
            for line in posted} == {"bank": 0, "commission": 0, "clearing": 0}  # fmt: skip


async def test_a_payment_of_an_order_that_is_not_invoiced_is_declined(ledger: RestLedger) -> None:
    stranger = PAYMENT.model_copy(
        update={"payment_id": "p", "order_key": PAYMENT.order_key.model_copy(update={"external_id": "404"})}
    )
    with pytest.raises(Declined) as refused:
        await ledger.post_payment(stranger, retry=False)
    assert (refused.value.code, refused.value.field) == ("not_found", "order_reference")


async def test_a_payout_is_debited_to_the_bank_until_the_erp_knows_payouts_under_way(systems: Systems) -> None:
    entry = systems.erp.connection()
    for transit, role in ((False, AccountRole.BANK), (True, AccountRole.TRANSIT)):
        ledger = RestLedger(connection({**entry, "options": {"company": "MAIN", "transit": transit}}))
        assert ledger.payouts_on is role
        await ledger.aclose()


async def test_everything_said_to_and_by_the_books_is_as_the_contract_says(systems: Systems) -> None:
    contract, recording = Contract("erp-ledger.openapi.yaml"), Recording()
    erp = RestErp(connection(systems.erp.connection()))
    await erp.create_order(erp_order(), retry=False)
    await erp.post_invoice(parcel(), retry=False)
    await erp.aclose()
    ledger = RestLedger(connection(systems.erp.connection()), transport=recording)
    for retry in (True, False):
        await ledger.post_journal(JOURNAL, retry=retry)
        await ledger.reverse_journal(JOURNAL, retry=retry)
        await ledger.post_payment(PAYMENT, retry=retry)
        await ledger.post_statement_line(LINE, retry=retry)
    with pytest.raises(Declined):
        await ledger.reverse_journal(JOURNAL.model_copy(update={"journal_id": "unknown"}), retry=False)
    await ledger.aclose()
    own = [each for each in recording.exchanges if not each[0].url.path.endswith("token")]
    assert {contract.check(exchange) for exchange in own} == contract.operations()
