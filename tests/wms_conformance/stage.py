"""One provider on one warehouse, and the words in which the points are written. Every point releases its own goods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from connectors.errors import ConnectorError
from connectors.ports import WmsReport
from connectors.wms.rest import parse_report
from models.fulfilment import PickLine, Release, Shipment
from models.order import Address, OrderKey
from tests.erp_conformance.transport import Line
from tests.provider_suite import Harmed
from tests.wms_conformance.subject import Running

CORRELATION = "6c1f6cd6-7b9e-4d7e-9f53-1d3f9a3a3f10"
BERLIN = Address(name="Ada Berg", lines=("Torstr. 1",), city="Berlin", postal_code="10119", country="DE")
TENTS = PickLine(line_id="L1", item="TENT-4P", quantity=2)
TENT_OF_A_SET = PickLine(line_id="L2", item="TENT-4P", quantity=1)
SOCKS = PickLine(line_id="L2", item="SOCK-WOOL", per_unit=3, quantity=3)
PICKS = (TENTS, TENT_OF_A_SET, SOCKS)
"""Two order lines that need the same item, and a set that needs three of one."""
ALL = {("L1", "TENT-4P"): 2, ("L2", "TENT-4P"): 1, ("L2", "SOCK-WOOL"): 3}


@dataclass
class Stage(Harmed):
    most_writes = 8
    running: Running
    line: Line = field(default_factory=Line)
    wms: Any = field(init=False)
    told: list[ConnectorError] = field(default_factory=list)
    """What the provider said of the harm that was done to it."""

    def __post_init__(self) -> None:
        self.wms = self.running.provider(self.line)
        self.warehouse = self.running.warehouse

    async def aclose(self) -> None:
        await self.wms.aclose()

    def release(self, **changes: Any) -> Release:
        key = OrderKey(channel="amazon", account="EU-DE", external_id=f"W-{uuid4().hex[:12]}")
        values: dict[str, Any] = {
            "fulfilment_id": f"{key}#BER-1",
            "reply_to": f"order/{key}",
            "order_key": key,
            "correlation_id": CORRELATION,
            "node": "BER-1",
            "service_level": "standard",
            "ship_to": BERLIN,
            "picks": PICKS,
        }
        return Release(**{**values, **changes})

    async def unreleased(self) -> Release:
        return self.release()

    async def released(self, **changes: Any) -> Release:
        release = self.release(**changes)
        await self.wms.release(release, retry=False)
        return release

    async def shipped(self) -> Release:
        release = await self.released()
        await self.warehouse.ship(release.fulfilment_id)
        return release

    async def cancel(self, release: Release) -> bool:
        answer = await self.wms.cancel(release.fulfilment_id, CORRELATION)
        return bool(answer.confirmed)

    async def shipments(self, release: Release) -> list[Shipment]:
        found: list[Shipment] = await self.wms.shipments(release.fulfilment_id, CORRELATION)
        return found

    async def left(self, release: Release) -> dict[tuple[str, str], int]:
        """Order line and item -> pieces that left in any parcel."""
        counted: dict[tuple[str, str], int] = {}
        for shipment in await self.shipments(release):
            for pick in shipment.picks:
                place = (pick.line_id, pick.item)
                counted[place] = counted.get(place, 0) + pick.quantity
        return counted

    async def look(self, cursor: str | None = None) -> tuple[dict[str, WmsReport], str]:
        """All pages of one look: the name of each report, and what it says; and where the next look begins."""
        told: dict[str, WmsReport] = {}
        while True:
            page = await self.wms.changes(cursor)
            told |= {each.name: parse_report(each.body) for each in await self.wms.reports(page.changes)}
            cursor = page.cursor
            if not page.more:
                return told, page.cursor

    async def told_of(self, release: Release) -> list[WmsReport]:
        """What a look tells of one release."""
        told, _ = await self.look()
        said = [(each, each.shipment or each.shortfall) for each in told.values()]
        return [each for each, what in said if what and what.fulfilment_id == release.fulfilment_id]

    async def told_back(self, number: str) -> WmsReport | None:
        """What a look tells of a parcel that came back."""
        told, _ = await self.look()
        found = [each for each in told.values() if each.receipt and each.receipt.receipt_id == number]
        return found[0] if found else None

    async def on_hand(self, item: str, node: str = "BER-1") -> int:
        levels = await self.wms.stock_levels()
        return next((level.on_hand for level in levels if (level.item, level.node) == (item, node)), 0)
