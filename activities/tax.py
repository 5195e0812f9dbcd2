"""The seller's own tax, recorded with the tax engine."""

import structlog
from temporalio import activity

from activities.failures import is_retry, patience_is_over, temporal_errors
from connectors.errors import InDoubt, Unavailable
from connectors.ports import Tax, TaxQuote, TaxRefund
from connectors.tax.rate_table import RateTable
from models.base import Model
from models.order import Order
from store import tax_codes
from store.database import Database

log = structlog.get_logger(__name__)


class TaxDocument(Model):
    document: str
    correlation_id: str


class TaxActivities:
    """Falls back to the rate table when the engine stays away: the order goes on, marked as degraded."""

    def __init__(self, tax: Tax, fallback: RateTable, database: Database) -> None:
        self._tax = tax
        self._fallback = fallback
        self._database = database

    @activity.defn
    async def quote_tax(self, order: Order) -> TaxQuote:
        with temporal_errors():
            codes = await self._codes(order)
            try:
                return await self._tax.quote(order, retry=is_retry(), codes=codes)
            except (Unavailable, InDoubt) as error:
                if not patience_is_over():
                    raise
                log.warning("tax engine is away: using the rate table", order=str(order.key), error=str(error))
                return self._fallback.quote(order).model_copy(update={"degraded": True})

    @activity.defn
    async def record_tax(self, order: Order) -> TaxQuote:
        """Without falling back: for an order that was taxed by the rate table while the engine was away."""
        with temporal_errors():
            return await self._tax.quote(order, retry=is_retry(), codes=await self._codes(order))

    async def _codes(self, order: Order) -> dict[str, str]:
        """SKU -> tax code, as the catalogue has them now: a correction takes effect with the next attempt."""
        key, skus = order.key, {line.sku for line in order.lines}
        async with self._database.session() as session:
            return await tax_codes.of_skus(session, key.channel, key.account, skus, order.purchased_at)

    @activity.defn
    async def commit_tax(self, document: TaxDocument) -> None:
        with temporal_errors():
            await self._tax.commit(document.document, document.correlation_id)

    @activity.defn
    async def void_tax(self, document: TaxDocument) -> None:
        """Undo `quote_tax`, whether or not it got as far as recording anything."""
        with temporal_errors():
            await self._tax.void(document.document, document.correlation_id)

    @activity.defn
    async def refund_tax(self, refund: TaxRefund) -> str | None:
        """The document's code; None when the sale was never recorded with the engine."""
        with temporal_errors():
            return await self._tax.refund(refund, retry=is_retry())
