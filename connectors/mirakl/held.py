"""Parcels of an order that Mirakl can only ship as a whole, noted on the order until the last has left.

The note is at the end of the order's `order_reference_for_seller` (OR04), a text of the seller's own that the buyer
does not see: `parcels 1=1x2;2=2x1` says that package 1 holds two units of the first line. So it survives restarts, and
the same parcel reported twice is noted once.
"""

from __future__ import annotations

import asyncio
import re

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi, document
from connectors.mirakl.polling import Walks
from connectors.mirakl.standing import Standing
from models.fulfilment import ConfirmedParcel

_NOTE = re.compile(r"\s*\bparcels ((?:\d+=[\dx,]+;?)+)$", re.ASCII)

Packages = dict[int, dict[str, int]]
"""Package number -> order line -> units."""


class Held:
    def __init__(self, api: MiraklApi, walks: Walks) -> None:
        self._api = api
        self._walks = walks
        self._one_at_a_time = asyncio.Lock()

    async def completes(self, order: Standing, parcel: ConfirmedParcel) -> bool:
        """True when nothing is left to be shipped after this parcel; else it is noted. Raises `Declined`."""
        if _complete(order, {parcel.package_number: parcel.units}):
            return True
        async with self._one_at_a_time:
            order = Standing.read(await self._walks.order(parcel.order_key.external_id))
            packages = {**_noted(order), parcel.package_number: parcel.units}
            if _complete(order, packages):
                return True
            await self._note(order, packages, parcel)
        return False

    async def _note(self, order: Standing, packages: Packages, parcel: ConfirmedParcel) -> None:
        note = f"{_NOTE.sub('', _reference(order))} {_written(order, packages)}".strip()
        external_id = parcel.order_key.external_id
        body = {"orders": [{"order_id": external_id, "references": {"order_reference_for_seller": note}}]}
        response = await self._api.write(quotas.UPDATE_ORDER, "PUT", "/api/orders", body, parcel.correlation_id)
        for updated in document(response, "update order")["updated_orders"].each():
            for error in updated["errors"].each():
                words = f"update order: {error['message'].text()}"
                raise Declined(words, code=error["code"].text() or "refused", field=error["field"].text() or None)


def _reference(order: Standing) -> str:
    return order.node["references"]["order_reference_for_seller"].text()


def _noted(order: Standing) -> Packages:
    found = _NOTE.search(_reference(order))
    ids = [line["order_line_id"].text() for line in order.lines()]
    packages: Packages = {}
    for package in filter(None, found.group(1).split(";") if found else []):
        number, _, units = package.partition("=")
        pairs = [pair.split("x") for pair in units.split(",")]
        packages[int(number)] = {ids[int(line) - 1]: int(count) for line, count in pairs if int(line) <= len(ids)}
    return packages


def _written(order: Standing, packages: Packages) -> str:
    places = {line["order_line_id"].text(): place for place, line in enumerate(order.lines(), start=1)}
    texts = [
        f"{number}=" + ",".join(f"{places[line_id]}x{units}" for line_id, units in lines.items() if line_id in places)
        for number, lines in sorted(packages.items())
    ]
    return "parcels " + ";".join(texts)


def _complete(order: Standing, packages: Packages) -> bool:
    units: dict[str, int] = {}
    for lines in packages.values():
        for line_id, count in lines.items():
            units[line_id] = units.get(line_id, 0) + count
    return all(units.get(line_id, 0) >= needed for line_id, needed in order.to_ship().items())
