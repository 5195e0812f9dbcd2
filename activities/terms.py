"""The terms on which an account sells, and the exchange rate of the day."""

from collections.abc import Mapping

from temporalio import activity

from activities.failures import temporal_errors
from models.base import Model, Moment
from models.money import Currency
from models.order import OrderKey
from models.terms import SalesTerms
from store import rates
from store.database import Database


class TermsRequest(Model):
    order_key: OrderKey
    currency: Currency
    at: Moment
    """The purchase: the rate of its day counts."""


class TermsActivities:
    def __init__(self, terms: Mapping[tuple[str, str], SalesTerms], database: Database) -> None:
        self._terms = terms
        self._database = database

    @activity.defn
    async def terms_of(self, request: TermsRequest) -> SalesTerms:
        """The account's terms, with the rate into its books; `rate_missing` names a rate that nobody has entered."""
        terms = self._terms.get((request.order_key.channel, request.order_key.account), SalesTerms())
        if terms.books_currency in ("", request.currency):
            return terms
        with temporal_errors():
            async with self._database.session() as session:
                rate = await rates.on(session, request.currency, terms.books_currency, request.at.date())
        if rate is None:
            return terms.model_copy(update={"rate_missing": f"{request.currency}/{terms.books_currency}"})
        return terms.model_copy(update={"ledger": rate})
