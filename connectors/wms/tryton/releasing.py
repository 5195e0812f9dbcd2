"""A release becomes a customer shipment that waits to be picked: once, whatever happens on the way.

Tryton holds no reference of a shipment to be unique. It is made as a draft, which nobody picks; whoever has made one
looks who else has, and the oldest stays. Only that is handed to the warehouse.
"""

from __future__ import annotations

from decimal import Decimal

from connectors.errors import Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.records import Records
from connectors.tryton.wire import Record
from connectors.wms.tryton.dispatches import CANCELLED, DRAFT, LEFT, NOTE, OUT, WAITING, Dispatch, DispatchReader
from connectors.wms.tryton.plan import Plan
from models.fulfilment import Release

HANDED_OVER = frozenset({WAITING, "assigned", "picked", "packed"}) | LEFT


class Releasing:
    def __init__(self, client: TrytonClient, records: Records, reader: DispatchReader) -> None:
        self._client, self._records, self._reader = client, records, reader

    async def release(self, release: Release) -> None:
        """Raises `Declined` (`cancelled`) for what the warehouse was told to forget."""
        known = (await self._reader.of(release.fulfilment_id)).first
        if known is None:
            await self._draft(release)
        known = await self._oldest(release.fulfilment_id)
        if known.state != DRAFT:
            return
        if known.plan is None:
            await self._note(known, Plan.of(release, known.moves))
        await self._client.press(OUT, known.id, "wait", HANDED_OVER)

    async def _oldest(self, fulfilment_id: str) -> Dispatch:
        """The one that stays, after those are stopped that were made beside it in the same moment."""
        found = await self._reader.of(fulfilment_id)
        first = found.first
        assert first is not None
        for younger in found.all[1:]:
            # What people make of a release, a second parcel, is theirs.
            if younger.made_by == first.made_by and younger.moves and younger.state in (DRAFT, WAITING):
                await self._client.press(OUT, younger.id, "cancel", (CANCELLED,))
        if found.is_forbidden and not found.left:
            if first.state == DRAFT:
                await self._client.press(OUT, first.id, "cancel", (CANCELLED,))
            raise Declined(f"wms: {fulfilment_id} has been cancelled", code="cancelled", field="fulfilment_id")
        return first

    async def _draft(self, release: Release) -> None:
        fulfilment_id = release.fulfilment_id
        values = await self._values(release)

        async def find() -> Record | None:
            return await self._client.first(OUT, [["reference", "=", fulfilment_id]])

        await self._client.create(OUT, values, find)

    async def _values(self, release: Release) -> Record:
        """Goods and place are looked up first: a release that is refused leaves nothing behind."""
        warehouse = await self._records.warehouse(release.node)
        moves = [
            {
                "company": self._client.company,
                "product": await self._records.product(pick.item, "picks"),
                "quantity": pick.quantity,
                "unit": await self._records.unit(),
                "from_location": warehouse["output_location"],
                "to_location": await self._records.customer_location(),
                "unit_price": Decimal(0),
                "currency": (await self._records.company_currency())["id"],
            }
            for pick in release.picks
        ]
        customer = await self._customer(release)
        return {
            "company": self._client.company,
            "reference": release.fulfilment_id,
            "customer": customer["id"],
            "delivery_address": customer["addresses"][0]["id"],
            "warehouse": warehouse["id"],
            "warehouse_storage": warehouse["storage_location"],
            "warehouse_output": warehouse["output_location"],
            "planned_date": release.ship_by.date() if release.ship_by else None,
            "moves": [["create", moves]],
        }

    async def _customer(self, release: Release) -> Record:
        """Whom it is sent to, under the release's own code: a party's code is unique in Tryton."""
        code, fields = release.fulfilment_id, ["addresses.id"]

        async def find() -> Record | None:
            return await self._client.first("party.party", [["code", "=", code]], fields)

        address = {**await self._records.address_values(release.ship_to), "delivery": True}
        name = release.ship_to.name or release.ship_to.company or code
        values = {"name": name, "code": code, "addresses": [["create", [address]]]}
        return await find() or await self._client.create("party.party", values, find, fields)

    async def _note(self, dispatch: Dispatch, plan: Plan) -> None:
        """In the note is what Tryton has no field for: the order lines behind the goods."""
        resource, message = f"{OUT},{dispatch.id}", plan.model_dump_json()

        async def find() -> Record | None:
            return await self._client.first(NOTE, [["resource", "=", resource], ["message", "=", message]])

        await self._client.create(NOTE, {"resource": resource, "message": message}, find)
