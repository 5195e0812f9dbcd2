"""What the warehouse says is on its shelves, over real HTTP, and how parcels and returns change it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from connectors.errors import SchemaDrift
from connectors.ports import StockBook
from connectors.wms.rest import RestWms
from models.fulfilment import PickLine
from models.ledger import StockLevel
from sandbox.goods import STOCK_PER_NODE
from sandbox.wms_returns import ParcelBack, PieceBack
from tests.systems.orders import connection, release
from tests.systems.running import Systems

PICKS = (PickLine(line_id="1", item="MAT-FOAM", quantity=3),)


@pytest.fixture
async def wms(systems: Systems) -> AsyncIterator[RestWms]:
    provider = RestWms(connection(systems.wms.connection()))
    yield provider
    await provider.aclose()


async def mats(wms: RestWms) -> StockLevel:
    levels = await wms.stock_levels()
    assert levels is not None
    [found] = [level for level in levels if level.item == "MAT-FOAM"]
    return found


async def test_what_is_being_picked_is_on_hand_and_not_free_and_what_left_is_neither(
    systems: Systems, wms: RestWms
) -> None:
    systems.sandbox.options.ship_delay = 3600
    await wms.release(release("waits", node="BER-1", picks=PICKS), retry=False)
    assert await mats(wms) == StockLevel(node="BER-1", item="MAT-FOAM", on_hand=STOCK_PER_NODE, free=STOCK_PER_NODE - 3)
    systems.sandbox.options.ship_delay = 0.01
    await wms.release(release("leaves", node="BER-1", picks=PICKS), retry=False)
    async with asyncio.timeout(10):
        while await wms.shipments("leaves", "c") == [] or (found := await mats(wms)).on_hand != STOCK_PER_NODE - 3:
            pass
    assert found.free == STOCK_PER_NODE - 6


async def test_what_comes_back_to_be_sold_again_is_on_hand_once(systems: Systems, wms: RestWms) -> None:
    pieces = [
        PieceBack(item="MAT-FOAM", quantity=2),
        PieceBack(item="MAT-FOAM", quantity=5, condition="scrap"),
    ]
    parcel = ParcelBack(rma="R1", node="BER-1", receipt_id="B1", items=pieces)
    systems.wms.come_back(parcel)
    systems.wms.come_back(parcel)
    assert (await mats(wms)).on_hand == STOCK_PER_NODE + 2


async def test_what_somebody_counted_is_what_the_shelf_has(systems: Systems, wms: RestWms) -> None:
    systems.wms.shelf.count("MAT-FOAM", "BER-1", 7)
    assert (await mats(wms)).on_hand == 7


async def test_a_warehouse_without_this_call_cannot_say(systems: Systems) -> None:
    absent = httpx.MockTransport(lambda _: httpx.Response(404, json={"error": {"code": "not_found", "message": ""}}))
    wms = RestWms(connection(systems.wms.connection()), transport=absent)
    assert isinstance(wms, StockBook)
    assert await wms.stock_levels() is None
    await wms.aclose()


async def test_a_level_that_is_not_as_the_contract_says_is_named(systems: Systems) -> None:
    body = {"levels": [{"node": "BER-1", "item": "MAT-FOAM", "on_hand": -1, "free": 0}]}
    wms = RestWms(
        connection(systems.wms.connection()), transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    )
    with pytest.raises(SchemaDrift, match=r"levels\[0\]\.on_hand"):
        await wms.stock_levels()
    await wms.aclose()
