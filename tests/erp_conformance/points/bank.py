"""Bank statements: payouts that are under way arrive, each once, and what arrives otherwise stays open."""

from __future__ import annotations

from datetime import date

from models.ledger import AccountRole
from models.money import Money
from tests.erp_conformance.point import point
from tests.erp_conformance.stage import Stage
from tests.erp_conformance.transport import Harm

LONG_AGO = date(2024, 3, 15)


@point()
async def a_statement_line_brings_its_payout_and_is_reconciled_with_it(stage: Stage) -> None:
    line = await stage.payout()
    number = await stage.erp.post_statement_line(line, retry=False)
    assert number
    for retry in (False, True):
        assert await stage.erp.post_statement_line(line, retry=retry) == number
    booked = await stage.banked(line)
    assert (booked.number, booked.reconciled) == (number, True)


@point("ledger")
async def a_statement_line_moves_its_amount_from_under_way_to_the_bank(stage: Stage) -> None:
    before = await _balances(stage)
    line = await stage.payout()
    assert await _balances(stage) == {**before, AccountRole.TRANSIT: before[AccountRole.TRANSIT] + line.amount}
    await stage.erp.post_statement_line(line, retry=False)
    assert await _balances(stage) == {**before, AccountRole.BANK: before[AccountRole.BANK] + line.amount}
    assert not any((await stage.erp.trial_balance()).difference.values())


@point()
async def a_statement_line_whose_reply_is_lost_at_any_step_is_booked_once(stage: Stage) -> None:
    for line in await stage.hurt(Harm.LOST_REPLY, stage.payout, stage.bank):
        assert (await stage.banked(line)).reconciled


@point()
async def a_statement_line_is_completed_after_its_caller_died_between_any_two_steps(stage: Stage) -> None:
    for line in await stage.hurt(Harm.CUT_OFF, stage.payout, stage.bank):
        assert (await stage.banked(line)).reconciled


@point()
async def a_statement_line_of_another_amount_leaves_the_payout_open_for_the_right_one(stage: Stage) -> None:
    line = await stage.payout()
    short = line.model_copy(update={"line_id": f"{line.line_id}-short", "amount": line.amount - stage.money("0.50")})
    await stage.erp.post_statement_line(short, retry=False)
    assert not (await stage.banked(short)).reconciled
    await stage.erp.post_statement_line(line, retry=False)
    assert (await stage.banked(line)).reconciled
    again = line.model_copy(update={"line_id": f"{line.line_id}-again"})
    await stage.erp.post_statement_line(again, retry=False)
    assert not (await stage.banked(again)).reconciled


@point("ledger")
async def a_settlement_that_is_posted_again_leaves_its_payout_under_way_once(stage: Stage) -> None:
    """Before its payout has come, and after: of what was posted, taken back and posted anew nothing is left over."""
    for arrived in (False, True):
        line = await stage.payout()
        first = stage.journal(payout_on=AccountRole.TRANSIT, journal_id=line.payout_of)
        if arrived:
            await stage.erp.post_statement_line(line, retry=False)
        again = stage.journal(
            payout_on=AccountRole.TRANSIT, journal_id=f"{first.journal_id}#2", replaces=first.journal_id
        )
        await stage.erp.reverse_journal(first, retry=False)
        await stage.erp.post_journal(again, retry=False)
        if not arrived:
            assert await stage.running.server.under_way(again.journal_id) == 1
            await stage.erp.post_statement_line(line.model_copy(update={"payout_of": again.journal_id}), retry=False)
        references = (first.journal_id, f"{first.journal_id}#reversed", again.journal_id)
        assert [await stage.running.server.under_way(each) for each in references] == [0, 0, 0]
        assert (await stage.banked(line)).reconciled


@point("ledger", "currencies")
async def a_payout_in_another_currency_arrives_at_what_the_books_expect(stage: Stage) -> None:
    before = await _balances(stage)
    line = await stage.payout("SEK")
    await stage.erp.post_statement_line(line, retry=False)
    assert (await stage.banked(line)).reconciled
    assert (await _balances(stage))[AccountRole.TRANSIT] == before[AccountRole.TRANSIT]


@point()
async def without_an_account_for_payouts_under_way_a_statement_line_is_declined_by_the_options_name(
    stage: Stage,
) -> None:
    line = await stage.payout()
    erp = stage.running.without_transit(stage.line)
    try:
        declined = await stage.refusal(erp.post_statement_line(line, retry=False))
    finally:
        await erp.aclose()
    assert declined.code == "unknown_account"
    assert "transit" in str(declined)
    assert not await stage.running.server.banked(line.reference)


@point()
async def an_unknown_bank_account_is_declined_by_name(stage: Stage) -> None:
    line = (await stage.payout()).model_copy(update={"bank_account": "NL00 NOBODY"})
    declined = await stage.refusal(stage.erp.post_statement_line(line, retry=False))
    assert declined.code == "unknown_account"
    assert "NL00 NOBODY" in str(declined)


@point()
async def a_currency_that_the_bank_account_is_not_kept_in_is_declined(stage: Stage) -> None:
    line = (await stage.payout()).model_copy(update={"amount": Money.of("90.11", "GBP")})
    assert (await stage.refusal(stage.erp.post_statement_line(line, retry=False))).code == "unknown_currency"


@point()
async def a_payout_whose_journal_is_not_in_the_books_is_declined(stage: Stage) -> None:
    line = (await stage.payout()).model_copy(update={"payout_of": "amazon/EU-DE#settlement:never"})
    assert (await stage.refusal(stage.erp.post_statement_line(line, retry=False))).code == "not_found"
    assert not await stage.running.server.banked(line.reference)


@point()
async def a_statement_line_in_a_closed_period_is_declined_and_booked_once_it_is_open(stage: Stage) -> None:
    line = (await stage.payout()).model_copy(update={"booked_on": LONG_AGO})
    await stage.running.server.close_period(LONG_AGO)
    try:
        declined = await stage.refusal(stage.erp.post_statement_line(line, retry=False))
    finally:
        await stage.running.server.open_period(LONG_AGO)
    assert declined.code == "period_closed"
    await stage.erp.post_statement_line(line, retry=True)
    assert (await stage.banked(line)).reconciled


async def _balances(stage: Stage) -> dict[AccountRole, Money]:
    balances = (await stage.erp.trial_balance()).balances
    roles = (AccountRole.BANK, AccountRole.TRANSIT)
    return {role: Money.total((each.amount for each in balances if each.role is role), "EUR") for role in roles}
