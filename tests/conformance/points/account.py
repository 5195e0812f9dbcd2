"""The account: tokens, secrets, quotas, health."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import ConnectorError, Unauthorized, Unavailable
from connectors.ports import Channel
from connectors.registry import ConnectionsError
from sandbox.faults import FaultKind
from tests.conformance.point import point
from tests.conformance.points.polling import ids
from tests.conformance.stage import Stage, until
from tests.conformance.subject import Capability, Subject

BURST = 25
EXPIRES = datetime(2027, 3, 1, tzinfo=UTC)


@point()
async def the_connector_is_the_channel_of_its_account(stage: Stage) -> None:
    assert stage.channel.name == stage.subject.format.channel
    assert stage.channel.account == stage.account


@point(Capability.TOKEN)
async def a_token_that_expires_in_mid_poll_is_renewed_unseen(stage: Stage) -> None:
    sold = stage.sell_pages()
    first = await stage.channel.poll(None)
    logins = stage.answers("200").get(stage.subject.operations.token, 0)
    stage.fault(stage.subject.operations.poll, FaultKind.EXPIRE_TOKEN)
    rest, _ = await stage.walk(stage.channel, first.cursor)
    assert set(ids([first, *rest])) == set(sold)
    assert stage.answers("200").get(stage.subject.operations.token, 0) == logins + 1


@point()
async def a_wrong_credential_is_unauthorized(stage: Stage) -> None:
    credentials = stage.twin.connection()["credentials"]
    for name in stage.subject.wrong_credentials or tuple(credentials):
        channel = stage.connect(credentials={**credentials, name: "wrong"})
        with pytest.raises(Unauthorized):
            await channel.poll(None)


@point()
async def a_secret_that_is_renewed_in_its_file_needs_no_new_connector(stage: Stage) -> None:
    credentials = stage.twin.connection()["credentials"]
    name = (stage.subject.wrong_credentials or tuple(credentials))[0]
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "secret"
        file.write_text("former")
        channel = stage.connect(credentials={**credentials, name: f"file:{file}"})
        with pytest.raises(Unauthorized):
            await channel.poll(None)
        file.write_text(credentials[name])
        assert not (await channel.poll(None)).orders


@point()
async def a_secret_that_is_missing_is_named(stage: Stage) -> None:
    credentials = stage.twin.connection()["credentials"]
    name = (stage.subject.wrong_credentials or tuple(credentials))[0]
    with pytest.raises(ConnectionsError, match="ORDERYARD_NO_SUCH_SECRET"):
        await stage.connect(credentials={**credentials, name: "env:ORDERYARD_NO_SUCH_SECRET"}).poll(None)


@point(Capability.QUOTA)
async def a_refusal_for_quota_says_when_to_come_again_and_then_works(stage: Stage) -> None:
    sold = stage.sell()
    stage.fault(stage.subject.operations.poll, FaultKind.THROTTLE)
    with pytest.raises(Unavailable) as refused:
        await stage.channel.poll(None)
    assert refused.value.retry_after is not None, "told to come again, and not when"
    assert await until(lambda: _polled(stage.channel), bool, "the quota to be filled up again") == [sold]


def tight(subject: Subject) -> float:
    return subject.tight_scale


@point(Capability.QUOTA, scale=tight)
async def a_burst_of_calls_stays_within_the_quota(stage: Stage) -> None:
    stage.sell_pages()
    greedy = stage.connect(quota_scale=1_000_000.0)
    polite = stage.channel
    asked = await _burst(polite)
    assert asked, "not one call went through"
    assert not stage.stand.refused, f"the vendor had to refuse {dict(stage.stand.refused)}"
    assert stage.channel.health().quotas, "a channel with a quota, of which nothing is known"
    await _burst(greedy)
    assert stage.stand.refused, "the twin does not keep its quota, so nothing was proven"


@point()
async def health_says_what_is_known_without_asking(stage: Stage) -> None:
    channel = stage.connect(credential_expires=EXPIRES)
    calls = dict(stage.sandbox.calls)
    health = channel.health()
    assert stage.sandbox.calls == calls
    assert health.api_version == stage.subject.format.api_version != ""
    assert health.credential_expires == EXPIRES
    assert all(quota.rate > 0 and quota.burst >= 1 and quota.left >= 0 for quota in health.quotas)


async def _polled(channel: Channel) -> list[str]:
    try:
        return [polled.external_id for polled in (await channel.poll(None)).orders]
    except Unavailable:
        return []


async def _burst(channel: Channel) -> int:
    """Many polls at once, for two seconds; those that would have to wait longer are given up. Returns how many ran."""
    tasks = [asyncio.create_task(channel.poll(None)) for _ in range(BURST)]
    done, waiting = await asyncio.wait(tasks, timeout=2)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    problems = [error for task in done if (error := task.exception())]
    assert all(isinstance(error, Unavailable) for error in problems), problems
    assert all(isinstance(error, ConnectorError) for error in problems)
    return len(done) - len(problems)
