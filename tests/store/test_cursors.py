"""A channel is read on from where it was read to."""

from store import cursors, inbox
from store.database import Database
from tests.store.examples import an_event


async def test_a_cursor_is_not_there_before_it_was_moved(database: Database) -> None:
    async with database.session() as session:
        assert await cursors.get(session, "amazon", "EU") is None
        await cursors.advance(session, "amazon", "EU", "page-2")
    async with database.session() as session:
        [moved] = await cursors.everywhere(session)
    assert moved.cursor == "page-2"
    assert moved.polled_at is not None
    assert moved.polled_at == moved.last_success_at


async def test_a_page_and_its_cursor_are_kept_together_or_not_at_all(database: Database) -> None:
    async with database.session() as session:
        await inbox.keep_many(session, [an_event()])
        await cursors.advance(session, "amazon", "EU", "page-2")
        await session.rollback()
    async with database.session() as session:
        assert await inbox.counts(session) == {}
        assert await cursors.get(session, "amazon", "EU") is None


async def test_each_stream_of_an_account_has_its_own_cursor(database: Database) -> None:
    async with database.session() as session:
        await cursors.advance(session, "amazon", "EU", "page-2")
        await cursors.advance(session, "amazon", "EU", "return-5", cursors.RETURNS)
    async with database.session() as session:
        found = {each.stream: each.cursor for each in await cursors.everywhere(session)}
        assert found == {"orders": "page-2", "returns": "return-5"}
        await cursors.end(session, "amazon", "EU", cursors.RETURNS)
    async with database.session() as session:
        assert [each.stream for each in await cursors.everywhere(session)] == ["orders"]


async def test_what_is_left_behind_twice_begins_where_the_first_began(database: Database) -> None:
    async with database.session() as session:
        await cursors.leave_behind(session, "amazon", "EU", "monday")
    async with database.session() as session:
        await cursors.leave_behind(session, "amazon", "EU", "tuesday")
        backlog = await cursors.get(session, "amazon", "EU", cursors.BACKLOG)
    assert backlog is not None
    assert backlog.cursor == "monday"
    assert backlog.last_success_at is None
