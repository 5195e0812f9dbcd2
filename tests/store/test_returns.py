"""A return is what its newest version says."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from models.returns import ChannelReturn, ReturnLine, ReturnState
from store import returns
from store.database import Database
from store.tables import ReturnRow
from tests.store.examples import NOON, a_key

FIRST, SECOND = NOON, NOON + timedelta(hours=1)


def a_return(**changes: Any) -> ChannelReturn:
    values = {
        "return_id": "R-1",
        "order_key": a_key(),
        "version": FIRST,
        "state": ReturnState.REQUESTED,
        "lines": (ReturnLine(return_line_id="1", line_id="L1", quantity=1),),
    }
    return ChannelReturn.model_validate({**values, **changes})


async def keep(
    database: Database, told: ChannelReturn, correlation_id: UUID | None = None, event: int | None = None
) -> bool:
    async with database.session() as session:
        return await returns.keep(session, told, correlation_id or uuid4(), event)


async def row(database: Database) -> ReturnRow:
    async with database.session() as session:
        found = await returns.get(session, "amazon", "EU", "R-1")
    assert found is not None
    return found


async def test_a_newer_version_replaces_an_older_one_and_keeps_its_correlation_id(database: Database) -> None:
    correlation_id = uuid4()
    assert await keep(database, a_return(), correlation_id, event=1)
    assert await keep(database, a_return(version=SECOND, state=ReturnState.RECEIVED, tracking="TR1"), event=2)
    found = await row(database)
    assert (found.state, found.version, found.raw_event_id) == ("received", SECOND, 2)
    assert found.correlation_id == correlation_id
    assert found.channel_return().tracking == "TR1"
    assert found.updated_at > found.received_at


async def test_an_older_or_equal_version_changes_nothing(database: Database) -> None:
    assert await keep(database, a_return(version=SECOND, state=ReturnState.CLOSED), event=1)
    assert not await keep(database, a_return(version=FIRST), event=2)
    assert not await keep(database, a_return(version=SECOND, state=ReturnState.REFUSED), event=3)
    found = await row(database)
    assert (found.state, found.version, found.raw_event_id) == ("closed", SECOND, 1)


async def test_the_returns_of_an_order_are_found_by_its_key(database: Database) -> None:
    await keep(database, a_return())
    await keep(database, a_return(return_id="R-2"))
    await keep(database, a_return(return_id="R-3", order_key=a_key(2)))
    async with database.session() as session:
        assert [each.return_id for each in await returns.of_order(session, a_key())] == ["R-1", "R-2"]
        assert await returns.get(session, "amazon", "US", "R-1") is None
