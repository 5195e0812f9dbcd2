"""One read of a page is made again, for a short time, and only when it may pass."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tenacity import RetryCallState

from connectors.errors import Declined, InDoubt, Unavailable
from connectors.patience import ATTEMPTS, SHORT, _pause, patiently

GONE = Unavailable("away")


class Vendor:
    def __init__(self, *answers: Exception | str) -> None:
        self._answers: Iterator[Exception | str] = iter(answers)
        self.asked = 0

    async def read(self) -> str:
        self.asked += 1
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_read_that_fails_in_passing_is_made_again() -> None:
    vendor = Vendor(GONE, Unavailable("slowly", timedelta(milliseconds=1)), "order")
    assert await patiently(vendor.read) == "order"
    assert vendor.asked == 3


async def test_whoever_has_more_to_lose_waits_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def pause(state: RetryCallState) -> float:
        waited.append(_pause(state))
        return 0.0

    monkeypatch.setattr("connectors.patience._pause", pause)
    vendor = Vendor(Unavailable("its turn comes", timedelta(seconds=90)), "page 21")
    assert await patiently(vendor.read, timedelta(minutes=2)) == "page 21"
    assert 90 <= waited[0] < 93


async def test_a_vendor_that_is_away_is_left_to_the_engine() -> None:
    vendor = Vendor(*[GONE] * ATTEMPTS)
    with pytest.raises(Unavailable):
        await patiently(vendor.read)
    assert vendor.asked == ATTEMPTS


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("come back later", SHORT + timedelta(seconds=1)),
        Declined("no such order", code="not_found"),
        InDoubt("the reply was lost"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_does_not_pass_soon_is_raised_at_once(error: Exception) -> None:
    vendor = Vendor(error)
    with pytest.raises(type(error)):
        await patiently(vendor.read)
    assert vendor.asked == 1
