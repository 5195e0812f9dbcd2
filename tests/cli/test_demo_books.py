"""A clearing account owes exactly what nobody has explained of its settlements, in each currency."""

from __future__ import annotations

from decimal import Decimal

from cli.demo_books import unclear
from models.ledger import AccountRole, Balance, TrialBalance
from models.money import Money

EUR, SEK = Money.of(Decimal(5), "EUR"), Money.of(Decimal(20), "SEK")
PLACE = ("de", "amazon/EU")
OPEN = {(*PLACE, "EUR"): EUR, (*PLACE, "SEK"): SEK}


def books(*paid_in: Money) -> list[TrialBalance]:
    left = Balance(
        account="1",
        name="Clearing",
        role=AccountRole.CLEARING,
        channel_account="amazon/EU",
        amount=Money.of(Decimal("-6.79"), "EUR"),
        paid_in=paid_in,
    )
    return [TrialBalance(entity="de", balances=(left,))]


def test_what_is_left_in_each_currency_is_the_open_residual() -> None:
    assert unclear(books(-EUR, -SEK), OPEN) == {}


def test_money_that_is_left_and_that_no_residual_explains_is_named() -> None:
    assert unclear(books(-EUR, -SEK), {(*PLACE, "EUR"): EUR}) == {
        "clearing de amazon/EU SEK": "-20.00 SEK, open is 0.00 SEK"
    }


def test_a_residual_that_is_on_no_account_is_named() -> None:
    assert set(unclear([], OPEN)) == {"clearing de amazon/EU EUR", "clearing de amazon/EU SEK"}
