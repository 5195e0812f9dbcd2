"""Screening of orders."""

import structlog
from temporalio import activity

from activities.failures import patience_is_over, temporal_errors
from connectors.errors import InDoubt, Unavailable
from connectors.fraud.rules import FraudRules
from connectors.ports import Fraud, FraudVerdict
from models.order import Order

log = structlog.get_logger(__name__)


class FraudActivities:
    """Falls back to the rules when the scoring service stays away: the order goes on, marked as degraded."""

    def __init__(self, fraud: Fraud, fallback: FraudRules) -> None:
        self._fraud = fraud
        self._fallback = fallback

    @activity.defn
    async def screen_by_service(self, order: Order) -> FraudVerdict:
        """Without falling back: for an order that was judged by the rules, while it can still be held."""
        with temporal_errors():
            return await self._fraud.assess(order)

    @activity.defn
    async def screen(self, order: Order) -> FraudVerdict:
        with temporal_errors():
            try:
                return await self._fraud.assess(order)
            except (Unavailable, InDoubt) as error:
                if not patience_is_over():
                    raise
                log.warning("fraud service is away: using the rules", order=str(order.key), error=str(error))
                return self._fallback.assess(order).model_copy(update={"degraded": True})
