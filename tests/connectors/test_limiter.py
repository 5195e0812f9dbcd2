"""The rate limiter: never above the quota, and honest about long waits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import combinations_with_replacement, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Unavailable
from connectors.limiter import LONGEST_WAIT, Bucket, RateLimiter

rates = st.floats(0.01, 100)
bursts = st.integers(1, 10)
gaps = st.lists(st.floats(0, 30), min_size=1, max_size=40)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def bucket(rate: float, burst: int) -> tuple[Bucket, Clock]:
    clock = Clock()
    return Bucket(rate, burst, clock), clock


def calls(of: Bucket, clock: Clock, gaps: list[float], longest: float = LONGEST_WAIT) -> list[float]:
    """Times at which calls go out that ask for their turn after the given gaps; who would wait too long stays away."""
    times = []
    for gap in gaps:
        clock.now += gap
        try:
            times.append(clock.now + of.reserve(longest))
        except Unavailable:
            continue
    return times


@given(rates, bursts, gaps)
def test_no_window_of_time_sees_more_calls_than_burst_and_rate_allow(
    rate: float, burst: int, gaps: list[float]
) -> None:
    times = calls(*bucket(rate, burst), gaps)
    for first, last in combinations_with_replacement(range(len(times)), 2):
        assert last - first + 1 <= burst + rate * (times[last] - times[first]) + 1e-6


@given(rates, bursts, gaps)
def test_calls_leave_in_the_order_in_which_they_came_and_none_waits_too_long(
    rate: float, burst: int, gaps: list[float]
) -> None:
    limited, clock = bucket(rate, burst)
    times = calls(limited, clock, gaps)
    assert all(later - earlier >= -1e-9 for earlier, later in pairwise(times))
    assert times[-1:] <= [clock.now + LONGEST_WAIT]


@given(rates, bursts)
def test_a_rested_bucket_gives_its_whole_burst_at_once_and_then_one_by_one(rate: float, burst: int) -> None:
    limited, clock = bucket(rate, burst)
    clock.now = 1e6
    times = calls(limited, clock, [0.0] * (burst + 3), longest=float("inf"))
    assert times[:burst] == [1e6] * burst
    assert [time - 1e6 for time in times[burst:]] == pytest.approx([1 / rate, 2 / rate, 3 / rate], rel=1e-3)


@given(rates, rates, bursts)
def test_after_the_vendor_grants_another_rate_calls_follow_that_one(old: float, new: float, burst: int) -> None:
    limited, clock = bucket(old, burst)
    calls(limited, clock, [0.0] * burst)
    limited.learn(new)
    assert limited.reserve(float("inf")) == pytest.approx(1 / new)
    assert limited.reserve(float("inf")) == pytest.approx(2 / new)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_not_learned(rate: float) -> None:
    limited, _ = bucket(4.0, 1)
    limited.learn(rate)
    limited.reserve()
    assert limited.reserve() == 0.25


def test_what_was_saved_up_before_a_new_rate_is_kept() -> None:
    limited, clock = bucket(1.0, 10)
    calls(limited, clock, [0.0] * 10)
    clock.now = 5.0
    limited.learn(0.5)
    assert calls(limited, clock, [0.0] * 6) == [5.0] * 5 + [7.0]


@given(rates, bursts, st.floats(0, 100))
def test_a_drained_bucket_begins_anew_with_nothing(rate: float, burst: int, rest: float) -> None:
    limited, clock = bucket(rate, burst)
    clock.now = rest
    limited.drain()
    assert limited.reserve(float("inf")) == pytest.approx(1 / rate)


def test_draining_does_not_forgive_calls_that_wait_already() -> None:
    limited, _ = bucket(1.0, 1)
    assert [limited.reserve() for _ in range(3)] == [0.0, 1.0, 2.0]
    limited.drain()
    assert limited.reserve() == 3.0


def test_a_call_that_would_wait_too_long_is_told_when_to_come_again_and_takes_nothing() -> None:
    limited, clock = bucket(0.05, 1)
    limited.reserve()
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"next call in 20\.0 s") as told:
            limited.reserve()
        assert told.value.retry_after == timedelta(seconds=20)
    clock.now = 20.0
    assert limited.reserve() == 0.0


async def test_a_call_waits_for_its_turn() -> None:
    limiter = RateLimiter({"orders": (100.0, 1)})
    loop = asyncio.get_running_loop()
    start = loop.time()
    await asyncio.gather(*(limiter.acquire("orders") for _ in range(4)))
    assert loop.time() - start >= 0.029


async def test_an_operation_without_a_quota_is_not_limited() -> None:
    limiter = RateLimiter({"orders": (0.001, 1)})
    limiter.learn("reports", 0.001)
    limiter.drain("reports")
    for _ in range(1000):
        await limiter.acquire("reports")


async def test_each_operation_has_a_quota_of_its_own() -> None:
    limiter = RateLimiter({"orders": (0.001, 1), "reports": (0.001, 1)})
    await limiter.acquire("orders")
    await limiter.acquire("reports")
    with pytest.raises(Unavailable):
        await limiter.acquire("orders")
    limiter.learn("orders", 1000.0)
    await limiter.acquire("orders")
    with pytest.raises(Unavailable):
        await limiter.acquire("reports")
