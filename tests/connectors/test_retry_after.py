"""`Retry-After`: whatever a vendor writes there, the pause is between nothing and a day, or not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import retry_after


def pause(value: str) -> timedelta | None:
    return retry_after(httpx.Response(429, headers=[(b"Retry-After", value.encode("utf-8", "replace"))]))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("1.5", 1.5),
        ("-3", 0),
        ("86400", 86400),
        ("1e400", 86400),
        ("99999999999", 86400),
        ("-inf", 0),
    ],
)
def test_a_pause_in_seconds_is_between_nothing_and_a_day(value: str, seconds: float) -> None:
    assert pause(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-5)), None], ids=["GMT", "-0500", "-0000"])
def test_a_pause_until_a_date_is_the_time_that_is_left(zone: timezone | None) -> None:
    date = datetime.now(UTC) + timedelta(seconds=90)
    local = date.astimezone(zone) if zone else date.replace(tzinfo=None)
    left = pause(format_datetime(local))
    assert left is not None
    assert timedelta(seconds=60) < left <= timedelta(seconds=90)


def test_a_date_that_is_over_asks_for_no_pause() -> None:
    assert pause("Wed, 21 Oct 2015 07:28:00 GMT") == timedelta(0)


@pytest.mark.parametrize(
    "value", ["", "soon", "7 s", "2026-13-45", "Mon, 99 Nov 99999999999999999999 10:00:00 +9999999999"]
)
def test_a_pause_that_cannot_be_read_is_none(value: str) -> None:
    assert pause(value) is None
    assert retry_after(httpx.Response(429)) is None


@given(st.text())
def test_whatever_a_vendor_writes_there_the_pause_is_sane(value: str) -> None:
    left = pause(value)
    assert left is None or timedelta(0) <= left <= timedelta(days=1)
