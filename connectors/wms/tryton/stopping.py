"""Stop a release. Whether it is too late for that, the warehouse's record says, not we."""

from __future__ import annotations

from connectors.errors import Declined
from connectors.ports import ReleaseCancelled
from connectors.tryton.client import TrytonClient
from connectors.tryton.failures import WrongState
from connectors.tryton.records import Records
from connectors.tryton.wire import Record
from connectors.wms.tryton.dispatches import CANCELLED, OUT, PACKED, Dispatches, DispatchReader


class Stopping:
    def __init__(self, client: TrytonClient, records: Records, reader: DispatchReader) -> None:
        self._client, self._records, self._reader = client, records, reader

    async def stop(self, fulfilment_id: str) -> ReleaseCancelled:
        """A packed parcel counts as gone: it is closed, labelled, and may be in somebody's hands."""
        found = await self._reader.of(fulfilment_id)
        if not found.all:
            await self._remember(fulfilment_id)
            found = await self._reader.of(fulfilment_id)
        if packed := next((each for each in found.open if each.state == PACKED), None):
            return ReleaseCancelled(confirmed=False, reason=f"{packed.number} is packed")
        for each in found.open:
            await self._cancel(each.id)
        return _answer(await self._reader.of(fulfilment_id))

    async def _cancel(self, shipment: int) -> None:
        """One that leaves in this moment has left: Tryton refuses to cancel it."""
        try:
            await self._client.press(OUT, shipment, "cancel", (CANCELLED,))
        except WrongState:
            return

    async def _remember(self, fulfilment_id: str) -> None:
        """A cancelled shipment of nothing: should the release come after its cancellation, it finds that."""
        company = await self._records.own_party()
        warehouse = await self._records.warehouse("")

        async def find() -> Record | None:
            return await self._client.first(OUT, [["reference", "=", fulfilment_id], ["moves", "=", None]])

        values = {
            "company": self._client.company,
            "reference": fulfilment_id,
            "customer": company["id"],
            "delivery_address": company["addresses"][0]["id"],
            "warehouse": warehouse["id"],
            "warehouse_storage": warehouse["storage_location"],
            "warehouse_output": warehouse["output_location"],
        }
        await self._client.create(OUT, values, find)


def _answer(found: Dispatches) -> ReleaseCancelled:
    """Confirmed as long as there is something that did not leave."""
    if still := next(iter(found.open), None):
        raise Declined(f"wms: {still.number} stays {still.state}", code="no_effect", field="fulfilment_id")
    if not found.left or found.missing:
        return ReleaseCancelled(confirmed=True)
    return ReleaseCancelled(confirmed=False, reason=f"{found.left[-1].number} has left")
