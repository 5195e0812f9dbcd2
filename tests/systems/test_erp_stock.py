"""What the ERP's books have on hand, over real HTTP, and how shipments and returns change it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from connectors.erp.rest import RestErp
from connectors.errors import SchemaDrift
from connectors.ports import StockBook
from models.fulfilment import GoodsOut
from models.ledger import StockLevel
from models.systems import Condition, ReturnedItem
from sandbox.goods import STOCK_PER_NODE
from tests.systems.orders import connection, erp_order, parcel
from tests.systems.returns import receipt
from tests.systems.running import Systems

NODE = "BER-1"


@pytest.fixture
async def erp(systems: Systems) -> AsyncIterator[RestErp]:
    provider = RestErp(connection(systems.erp.connection()))
    for item in ("TENT-4P", "STOVE-GAS"):
        systems.erp.stock.count(item, NODE, STOCK_PER_NODE)
    yield provider
    await provider.aclose()


async def on_hand(erp: RestErp, item: str) -> int:
    levels = await erp.stock_levels()
    assert levels is not None
    [found] = [level.on_hand for level in levels if (level.node, level.item) == (NODE, item)]
    return found


async def test_a_shipment_takes_its_goods_out_of_their_node_once(erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    left = parcel(units={"L1": 2}).model_copy(update={"goods": (GoodsOut(node=NODE, item="TENT-4P", quantity=2),)})
    for retry in (False, True, False):
        await erp.post_shipment(left, retry=retry)
    assert (await on_hand(erp, "TENT-4P"), await on_hand(erp, "STOVE-GAS")) == (STOCK_PER_NODE - 2, STOCK_PER_NODE)


async def test_what_left_none_of_our_warehouses_changes_no_stock(erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    before = await erp.stock_levels()
    await erp.post_shipment(parcel(), retry=False)
    assert await erp.stock_levels() == before


async def test_what_comes_back_to_be_sold_again_is_on_hand_once(erp: RestErp) -> None:
    items = (
        ReturnedItem(item="TENT-4P", quantity=1, condition=Condition.RESELL),
        ReturnedItem(item="STOVE-GAS", quantity=1, condition=Condition.SCRAP),
    )
    for _ in range(2):
        await erp.receive_return(receipt(order_key=None, items=items), retry=False)
    assert (await on_hand(erp, "TENT-4P"), await on_hand(erp, "STOVE-GAS")) == (STOCK_PER_NODE + 1, STOCK_PER_NODE)


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (httpx.Response(404, json={"error": {"code": "not_found", "message": ""}}), None),
        (
            httpx.Response(200, json={"levels": [{"node": NODE, "item": "A", "on_hand": 3, "free": 1}]}),
            (StockLevel(node=NODE, item="A", on_hand=3, free=1),),
        ),
    ],
)
async def test_an_erp_without_this_call_keeps_no_stock(
    systems: Systems, answer: httpx.Response, means: tuple[StockLevel, ...] | None
) -> None:
    erp = RestErp(connection(systems.erp.connection()), transport=answering(systems, answer))
    assert isinstance(erp, StockBook)
    assert await erp.stock_levels() == means
    await erp.aclose()


async def test_a_level_that_is_not_as_the_contract_says_is_named(systems: Systems) -> None:
    answer = httpx.Response(200, json={"levels": [{"node": NODE, "item": "A", "on_hand": -1, "free": 0}]})
    erp = RestErp(connection(systems.erp.connection()), transport=answering(systems, answer))
    with pytest.raises(SchemaDrift, match=r"levels\[0\]\.on_hand.*erp\.md"):
        await erp.stock_levels()
    await erp.aclose()


def answering(systems: Systems, answer: httpx.Response) -> httpx.MockTransport:
    def one(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "t", "token_type": "Bearer", "expires_in": 900})
        return answer

    return httpx.MockTransport(one)
