"""What the order's workflow asks of the stock: each thing done twice is done once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from activities.stock import Holdings, ParcelLeft, ShortfallCounted, StockActivities
from models.base import Model
from models.fulfilment import HeldPick, Shipment, Shortfall, ShortfallKind
from models.order import OrderKey
from models.systems import Condition, ReturnedItem, ReturnReceipt
from store.database import Database
from tests.store.examples import NOON, a_key, a_pick, a_request
from tests.store.test_stock import levels, supply

Argument = TypeVar("Argument", bound=Model)
Answer = TypeVar("Answer")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


async def twice(activity: Callable[[Argument], Awaitable[Answer]], argument: Argument) -> Answer:
    """As Temporal gives it, and once more because the first answer was lost."""
    given = type(argument).model_validate_json(argument.model_dump_json())
    first = await activity(given)
    assert await activity(given) == first
    return first


async def test_the_life_of_a_reservation(database: Database) -> None:
    stock = StockActivities(database)
    await supply(database, TENT_A=10, TENT_B=4)
    key: OrderKey = a_key()

    made = await twice(stock.reserve, a_request(a_pick("TENT", 8), country="DE"))
    assert [(plan.node, plan.picks) for plan in made.nodes] == [("A", (a_pick("TENT", 8),))]

    await twice(stock.keep, Holdings(order_key=key, held=(HeldPick(node="A", item="TENT", quantity=6),)))
    assert await levels(database) == {"TENT_A": (10, 6), "TENT_B": (4, 0)}

    left = {"shipment_id": "S-1", "fulfilment_id": f"{key}#A", "node": "A", "carrier": "DHL", "tracking": "T"}
    parcel = Shipment.model_validate({**left, "shipped_at": NOON, "picks": (a_pick("TENT", 3),)})
    await twice(stock.take_out, ParcelLeft(order_key=key, shipment=parcel))
    assert await levels(database) == {"TENT_A": (7, 3), "TENT_B": (4, 0)}

    told = {"report_id": "R-1", "fulfilment_id": f"{key}#A", "node": "A", "reported_at": NOON}
    missing = Shortfall.model_validate({**told, "kind": ShortfallKind.SHORT_PICK, "picks": (a_pick("TENT", 2),)})
    await twice(stock.count_short, ShortfallCounted(order_key=key, shortfall=missing))
    assert await levels(database) == {"TENT_A": (5, 1), "TENT_B": (4, 0)}

    rest = a_request(a_pick("TENT", 2), decision=2, excluded={"A": "short_pick"})
    made = await twice(stock.reserve, rest)
    assert [(plan.node, plan.picks) for plan in made.nodes] == [("B", (a_pick("TENT", 2),))]
    assert [each.why for each in made.considered] == ["excluded: short_pick", "ships 2 of 2 from B, leaves 2026-11-21"]

    back = ReturnedItem(line_id="LTENT", item="TENT", quantity=1, condition=Condition.RESELL)
    receipt = ReturnReceipt(receipt_id="C-1", correlation_id="c", node="A", received_at=NOON, items=(back,))
    await twice(stock.take_in, receipt)
    await twice(stock.give_back, key)
    assert await levels(database) == {"TENT_A": (6, 0), "TENT_B": (4, 0)}
