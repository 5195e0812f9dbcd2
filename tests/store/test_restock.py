"""Returned goods raise the stock once for each receipt, and only those that can be sold again."""

import asyncio

from models.systems import Condition, ReturnedItem, ReturnReceipt
from store import stock
from store.database import Database
from store.restock import restock
from tests.store.examples import NOON


def receipt(receipt_id: str, **items: int) -> ReturnReceipt:
    """`TENT_resell=2`: two tents that can be sold again."""
    found = [name.split("_") for name in items]
    return ReturnReceipt(
        receipt_id=receipt_id,
        correlation_id="c",
        node="BER-1",
        received_at=NOON,
        items=tuple(
            ReturnedItem(item=item, quantity=items[f"{item}_{condition}"], condition=Condition(condition))
            for item, condition in found
        ),
    )


async def booked(database: Database, came: ReturnReceipt) -> dict[str, int]:
    async with database.session() as session:
        return await restock(session, came)


async def on_hand(database: Database) -> dict[str, int]:
    async with database.session() as session:
        return {level.item: level.on_hand for level in await stock.levels(session)}


async def test_a_receipt_that_is_told_many_times_at_once_raises_stock_once(database: Database) -> None:
    came = receipt("P1", TENT_resell=2, LAMP_scrap=1, SOCKS_reject=3)
    answers = await asyncio.gather(*(booked(database, came) for _ in range(8)))
    assert sorted(answers, key=len) == [{}] * 7 + [{"TENT": 2}]
    assert await on_hand(database) == {"TENT": 2}


async def test_receipts_add_up_beside_what_is_there(database: Database) -> None:
    async with database.session() as session:
        await stock.set_level(session, "TENT", "BER-1", 5)
    await asyncio.gather(*(booked(database, receipt(f"P{number}", TENT_resell=1)) for number in range(6)))
    assert await on_hand(database) == {"TENT": 11}
