"""How an account is doing is what was noted last, and the newest order it ever told of."""

from datetime import UTC, date, datetime, timedelta

from models.channel import ChannelHealth, QuotaLeft
from store import health
from store.database import Database
from store.health import LONGEST_FAILURE
from store.tables import ChannelHealthRow
from tests.store.examples import NOON

QUOTA = QuotaLeft(operation="orders", rate=0.5, burst=30, left=12.25)
SAID = ChannelHealth(
    api_version="2026-10",
    sunset=date(2027, 10, 1),
    credential_expires=datetime(2027, 1, 1, tzinfo=UTC),
    quotas=(QUOTA,),
)


async def noted(database: Database) -> ChannelHealthRow:
    async with database.session() as session:
        found = await health.get(session, "shopify", "main")
    assert found is not None
    return found


async def test_what_the_connector_says_is_kept_as_it_says_it(database: Database) -> None:
    async with database.session() as session:
        await health.succeeded(session, "shopify", "main", SAID, NOON)
    found = await noted(database)
    assert (found.api_version, found.sunset, found.credential_expires) == (
        SAID.api_version,
        SAID.sunset,
        SAID.credential_expires,
    )
    assert found.quotas_left() == [QUOTA]
    assert found.newest_version == NOON
    assert found.last_success_at is not None
    assert found.last_failure_at is None


async def test_the_newest_version_never_goes_back(database: Database) -> None:
    for version in (NOON, NOON - timedelta(hours=1), None):
        async with database.session() as session:
            await health.succeeded(session, "shopify", "main", SAID, version)
    assert (await noted(database)).newest_version == NOON
    async with database.session() as session:
        await health.succeeded(session, "shopify", "main", SAID, NOON + timedelta(hours=1))
    assert (await noted(database)).newest_version == NOON + timedelta(hours=1)


async def test_a_failure_leaves_the_last_success_and_a_success_leaves_the_last_failure(database: Database) -> None:
    async with database.session() as session:
        await health.succeeded(session, "shopify", "main", SAID, NOON)
    before = await noted(database)
    async with database.session() as session:
        await health.failed(session, "shopify", "main", ChannelHealth(api_version="2027-01"), "no answer" * 1000)
    after = await noted(database)
    assert (after.last_success_at, after.newest_version) == (before.last_success_at, NOON)
    assert after.last_failure == ("no answer" * 1000)[:LONGEST_FAILURE]
    assert (after.api_version, after.quotas_left()) == ("2027-01", [])
    async with database.session() as session:
        await health.succeeded(session, "shopify", "main", SAID, None)
    again = await noted(database)
    assert again.last_failure_at == after.last_failure_at
    assert again.last_success_at is not None
    assert after.last_failure_at is not None
    assert again.last_success_at > after.last_failure_at


async def test_an_account_that_never_succeeded_is_known_too(database: Database) -> None:
    async with database.session() as session:
        await health.failed(session, "shopify", "main", SAID, "the credential is refused")
    async with database.session() as session:
        (only,) = await health.everywhere(session)
    assert (only.channel, only.account, only.last_success_at) == ("shopify", "main", None)
    assert only.last_failure == "the credential is refused"
