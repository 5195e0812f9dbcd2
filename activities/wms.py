"""Releases to the warehouses."""

from temporalio import activity

from activities.failures import is_retry, temporal_errors
from connectors.ports import ReleaseCancelled, Wms
from models.base import Model
from models.fulfilment import Release, Shipment, Shortfall


class FulfilmentRef(Model):
    fulfilment_id: str
    correlation_id: str


class WmsActivities:
    def __init__(self, wms: Wms) -> None:
        self._wms = wms

    @activity.defn
    async def release_to_wms(self, release: Release) -> None:
        with temporal_errors():
            await self._wms.release(release, retry=is_retry())

    @activity.defn
    async def cancel_release(self, ref: FulfilmentRef) -> ReleaseCancelled:
        """Ask the warehouse to stop; its answer decides."""
        with temporal_errors():
            return await self._wms.cancel(ref.fulfilment_id, ref.correlation_id)

    @activity.defn
    async def find_shipments(self, ref: FulfilmentRef) -> list[Shipment]:
        """What the warehouse has shipped so far: heals a report that was lost on the way."""
        with temporal_errors():
            return await self._wms.shipments(ref.fulfilment_id, ref.correlation_id)

    @activity.defn
    async def find_shortfalls(self, ref: FulfilmentRef) -> list[Shortfall]:
        """What the warehouse will not ship, where it has to be asked for that."""
        with temporal_errors():
            return await self._wms.shortfalls(ref.fulfilment_id, ref.correlation_id)
