"""The seller's own tax, recorded with the tax engine."""

import structlog
from temporalio import activity

from activities.failures import is_retry, patience_is_over, temporal_errors
from connectors.errors import InDoubt, Unavailable
from connectors.ports import Tax, TaxQuote
from connectors.tax.rate_table import RateTable
from models.base import Model
from models.order import Order

log = structlog.get_logger(__name__)


class TaxDocument(Model):
    document: str
    correlation_id: str


class TaxActivities:
    """Falls back to the rate table when the engine stays away: the order goes on, marked as degraded."""

    def __init__(self, tax: Tax, fallback: RateTable) -> None:
        self._tax = tax
        self._fallback = fallback

    @activity.defn
    async def quote_tax(self, order: Order) -> TaxQuote:
        with temporal_errors():
            try:
                return await self._tax.quote(order, retry=is_retry())
            except (Unavailable, InDoubt) as error:
                if not patience_is_over():
                    raise
                log.warning("tax engine is away: using the rate table", order=str(order.key), error=str(error))
                return self._fallback.quote(order).model_copy(update={"degraded": True})

    @activity.defn
    async def commit_tax(self, document: TaxDocument) -> None:
        with temporal_errors():
            await self._tax.commit(document.document, document.correlation_id)

    @activity.defn
    async def void_tax(self, document: TaxDocument) -> None:
        """Undo `quote_tax`, whether or not it got as far as recording anything."""
        with temporal_errors():
            await self._tax.void(document.document, document.correlation_id)
