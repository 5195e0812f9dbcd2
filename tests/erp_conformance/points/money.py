"""Credits, returns, payments and journals."""

from __future__ import annotations

from connectors.errors import NOT_FOUND
from connectors.ports import ErpOrder
from models.ledger import AccountRole, DocumentKind, Journal
from models.money import Money
from models.systems import Condition
from tests.erp_conformance.point import point
from tests.erp_conformance.stage import CHANNEL_ACCOUNT, UNKNOWN, Stage
from tests.erp_conformance.transport import Harm


@point("credits")
async def units_are_credited_once_with_their_taxes(stage: Stage) -> None:
    request = await stage.sold()
    note = stage.credit(request)
    number = await stage.erp.post_credit_note(note, retry=False)
    assert await stage.erp.post_credit_note(note, retry=True) == number
    [credited] = (await stage.documents(request)).of_kind(DocumentKind.CREDIT_NOTE)
    assert (credited.net, credited.seller_tax, credited.channel_tax) == (
        stage.money("-58.73"),
        stage.money("-5.27"),
        stage.money("-2.49"),
    )


@point("credits")
async def a_credit_whose_reply_is_lost_at_any_step_is_booked_once(stage: Stage) -> None:
    async def credit(request: ErpOrder, retry: bool) -> None:
        await stage.erp.post_credit_note(stage.credit(request), retry=retry)

    for request in await stage.hurt(Harm.LOST_REPLY, stage.sold, credit):
        assert await stage.count(request, DocumentKind.CREDIT_NOTE) == 1


@point("credits")
async def no_more_is_credited_than_was_invoiced(stage: Stage) -> None:
    request = await stage.entered()
    declined = await stage.refusal(stage.erp.post_credit_note(stage.credit(request), retry=False))
    assert declined.code in {*UNKNOWN, "over_credited"}
    await stage.booked(*stage.parcels(request))
    for purpose in ("R-1", "R-2"):
        await stage.erp.post_credit_note(stage.credit(request, purpose), retry=False)
    declined = await stage.refusal(stage.erp.post_credit_note(stage.credit(request, "R-3"), retry=False))
    assert declined.code == "over_credited"


@point("returns")
async def goods_that_may_be_sold_again_are_back_in_stock_and_others_are_not(stage: Stage) -> None:
    request = await stage.sold()
    before = await _tents(stage)
    receipt = stage.receipt(request, Condition.RESELL, Condition.SCRAP)
    number = await stage.erp.receive_return(receipt, retry=False)
    assert await stage.erp.receive_return(receipt, retry=True) == number
    assert await _tents(stage) == before + 1
    assert await stage.count(request, DocumentKind.RETURN) == 1


@point("returns")
async def a_return_whose_reply_is_lost_at_any_step_is_received_once(stage: Stage) -> None:
    async def receive(request: ErpOrder, retry: bool) -> None:
        await stage.erp.receive_return(stage.receipt(request, Condition.RESELL, Condition.REJECT), retry=retry)

    before = await _tents(stage)
    requests = await stage.hurt(Harm.LOST_REPLY, stage.entered, receive)
    assert await _tents(stage) == before + len(requests)
    for request in requests:
        assert await stage.count(request, DocumentKind.RETURN) == 1


@point("ledger")
async def a_payment_settles_the_invoices_of_its_order(stage: Stage) -> None:
    request = await stage.sold()
    payment = stage.payment(request, request.order.receivable)
    number = await stage.erp.post_payment(payment, retry=False)
    assert await stage.erp.post_payment(payment, retry=True) == number
    documents = await stage.documents(request)
    assert not any(invoice.open for invoice in documents.of_kind(DocumentKind.INVOICE))
    assert len(documents.of_kind(DocumentKind.PAYMENT)) == 1


@point("ledger")
async def a_short_payment_leaves_the_rest_open(stage: Stage) -> None:
    request = await stage.sold()
    await stage.erp.post_payment(stage.payment(request, request.order.receivable - stage.money("1.23")), retry=False)
    invoices = (await stage.documents(request)).of_kind(DocumentKind.INVOICE)
    assert Money.total((invoice.open for invoice in invoices if invoice.open), "EUR") == stage.money("1.23")
    await stage.erp.post_payment(stage.payment(request, stage.money("1.23"), "S-2"), retry=False)
    invoices = (await stage.documents(request)).of_kind(DocumentKind.INVOICE)
    assert not any(invoice.open for invoice in invoices)


@point("ledger")
async def a_payment_that_comes_before_the_last_invoice_waits_for_it(stage: Stage) -> None:
    request = await stage.entered()
    first, *others = stage.parcels(request)
    await stage.booked(first)
    payment = stage.payment(request, request.order.receivable)
    assert (await stage.refusal(stage.erp.post_payment(payment, retry=False))).code == NOT_FOUND
    for parcel in others:
        await stage.booked(parcel)
    await stage.erp.post_payment(payment, retry=True)
    invoices = (await stage.documents(request)).of_kind(DocumentKind.INVOICE)
    assert not any(invoice.open for invoice in invoices)


@point("ledger")
async def what_nobody_will_pay_is_written_off_of_the_invoices(stage: Stage) -> None:
    request = await stage.sold()
    paid = stage.payment(request, request.order.receivable - stage.money("1.23"))
    await stage.erp.post_payment(paid, retry=False)
    before = await _clearing(stage)
    gone = stage.payment(request, stage.money("1.23"), "S-2").model_copy(update={"account": AccountRole.ADJUSTMENT})
    number = await stage.erp.post_payment(gone, retry=False)
    assert await stage.erp.post_payment(gone, retry=True) == number
    assert await _clearing(stage) == before
    invoices = (await stage.documents(request)).of_kind(DocumentKind.INVOICE)
    assert not any(invoice.open for invoice in invoices)


@point("ledger")
async def a_payment_whose_reply_is_lost_at_any_step_is_booked_once(stage: Stage) -> None:
    async def one_parcel() -> ErpOrder:
        request = await stage.entered()
        await stage.booked(stage.parcel(request, 1, {"L1": 3, "L2": 2}))
        return request

    async def pay(request: ErpOrder, retry: bool) -> None:
        await stage.erp.post_payment(stage.payment(request, request.order.receivable), retry=retry)

    before = await _clearing(stage)
    requests = await stage.hurt(Harm.LOST_REPLY, one_parcel, pay)
    assert await _clearing(stage) - before == requests[0].order.receivable * len(requests)
    for request in requests:
        assert not any(invoice.open for invoice in (await stage.documents(request)).of_kind(DocumentKind.INVOICE))


@point("ledger")
async def a_journal_is_posted_once_and_can_be_reversed(stage: Stage) -> None:
    before = await _clearing(stage)
    journal = stage.journal()
    number = await stage.erp.post_journal(journal, retry=False)
    assert await stage.erp.post_journal(journal, retry=True) == number
    assert await _clearing(stage) == before - stage.money("100.10")
    assert await stage.erp.reverse_journal(journal, retry=False) != number
    await stage.erp.reverse_journal(journal, retry=True)
    assert await _clearing(stage) == before


@point("ledger")
async def a_journal_whose_reply_is_lost_at_any_step_is_posted_once(stage: Stage) -> None:
    async def fresh() -> Journal:
        return stage.journal()

    async def post(journal: Journal, retry: bool) -> None:
        await stage.erp.post_journal(journal, retry=retry)

    before = await _clearing(stage)
    journals = await stage.hurt(Harm.LOST_REPLY, fresh, post)
    assert await _clearing(stage) == before - stage.money("100.10") * len(journals)


@point("ledger")
async def a_journal_that_was_never_posted_cannot_be_reversed(stage: Stage) -> None:
    assert (await stage.refusal(stage.erp.reverse_journal(stage.journal(), retry=False))).code == NOT_FOUND


@point("ledger", "currencies")
async def a_journal_in_another_currency_balances_in_the_books(stage: Stage) -> None:
    await stage.erp.post_journal(stage.journal(currency="SEK"), retry=False)
    assert not any((await stage.erp.trial_balance()).difference.values())


@point("ledger", "currencies")
async def a_payment_in_another_currency_settles_its_invoices(stage: Stage) -> None:
    request = await stage.sold(currency="SEK")
    await stage.erp.post_payment(stage.payment(request, request.order.receivable), retry=False)
    assert not any(invoice.open for invoice in (await stage.documents(request)).of_kind(DocumentKind.INVOICE))
    assert not any((await stage.erp.trial_balance()).difference.values())


@point("ledger", "credits", "returns")
async def the_books_balance_and_tell_the_two_taxes_apart(stage: Stage) -> None:
    before = {role: await _balance(stage, role) for role in (AccountRole.TAX_SELLER, AccountRole.TAX_CHANNEL)}
    request = await stage.sold()
    after = {role: await _balance(stage, role) for role in before}
    assert before[AccountRole.TAX_SELLER] - after[AccountRole.TAX_SELLER] == request.order.totals.seller_tax
    assert before[AccountRole.TAX_CHANNEL] - after[AccountRole.TAX_CHANNEL] == request.order.totals.channel_tax
    assert not any((await stage.erp.trial_balance()).difference.values())


async def _tents(stage: Stage) -> int:
    levels = await stage.erp.stock_levels()
    assert levels
    return sum(level.on_hand for level in levels if (level.node, level.item) == ("BER-1", "TENT-4P"))


async def _clearing(stage: Stage) -> Money:
    return await _balance(stage, AccountRole.CLEARING, CHANNEL_ACCOUNT)


async def _balance(stage: Stage, role: AccountRole, channel_account: str = "") -> Money:
    balances = (await stage.erp.trial_balance()).balances
    fitting = [each.amount for each in balances if (each.role, each.channel_account) == (role, channel_account)]
    return Money.total(fitting, "EUR")
