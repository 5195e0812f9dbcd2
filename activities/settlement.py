"""Posting of settlement documents that the inbox holds."""

from collections.abc import Mapping

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import temporal_errors
from connectors.errors import SchemaDrift
from connectors.ports import ChannelFormat, Refusal
from models.base import Model
from models.settlement import SettlementResult
from store import inbox, settlements
from store.database import Database

log = structlog.get_logger(__name__)


class PostedSettlement(Model):
    """The result, or why the document was refused whole."""

    result: SettlementResult | None = None
    refused: str | None = None


class SettlementActivities:
    def __init__(self, formats: Mapping[str, ChannelFormat], database: Database) -> None:
        self._formats = formats
        self._database = database

    @activity.defn
    async def post_settlement(self, event_id: int) -> PostedSettlement:
        """Parse, prove the sum, match line by line, tell the orders. A second posting changes nothing."""
        with temporal_errors():
            async with self._database.session() as session:
                event = await inbox.get(session, event_id)
                if event is None:
                    raise ApplicationError(f"no inbox event {event_id}", type="NoSuchEvent", non_retryable=True)
                try:
                    settlement = self._formats[event.channel].parse_settlement(event.payload, event.account)
                except SchemaDrift as drift:
                    log.warning("settlement refused", event_id=event_id, reason=str(drift))
                    refusal = Refusal(reason=drift.reason, path=drift.path, value=drift.value, remedy=drift.remedy)
                    await inbox.finish(session, event_id, "dead", "settlement refused whole", [refusal])
                    return PostedSettlement(refused=str(drift))
                result = await settlements.post(session, settlement)
                log.info("settlement posted", settlement_id=result.settlement_id, payout=str(result.payout))
                return PostedSettlement(result=result)
