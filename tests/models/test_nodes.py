"""When a node's day ends, on the clock of its own wall."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.nodes import Node


def node(cut_off: str, zone: str = "Europe/Berlin", handling_days: int = 0) -> Node:
    return Node(name="N", time_zone=zone, cut_off=time.fromisoformat(cut_off), handling_days=handling_days)


@pytest.mark.parametrize(
    ("at", "leaves"),
    [
        ("2026-07-01T12:00:00+00:00", "2026-07-01"),
        ("2026-07-01T12:00:01+00:00", "2026-07-02"),
        ("2026-12-01T13:00:00+00:00", "2026-12-01"),
        ("2026-12-01T13:00:01+00:00", "2026-12-02"),
        ("2026-12-31T13:00:01+00:00", "2027-01-01"),
        ("2026-12-31T23:30:00+00:00", "2027-01-01"),
    ],
)
def test_a_cut_off_at_two_in_the_afternoon_is_the_same_wall_time_in_summer_and_winter(at: str, leaves: str) -> None:
    assert node("14:00").leaves_on(datetime.fromisoformat(at)) == date.fromisoformat(leaves)


@pytest.mark.parametrize(
    ("at", "passed"),
    [
        ("2026-10-25T00:29:59+00:00", False),  # 02:29:59 for the first time
        ("2026-10-25T00:31:00+00:00", True),  # 02:31 for the first time
        ("2026-10-25T01:10:00+00:00", True),  # 02:10 for the second time
        ("2026-10-25T01:31:00+00:00", True),
    ],
)
def test_in_the_hour_that_autumn_repeats_a_cut_off_passes_once(at: str, passed: bool) -> None:
    assert node("02:30").cut_off_passed(datetime.fromisoformat(at)) is passed


@pytest.mark.parametrize(("at", "passed"), [("2026-03-29T00:59:59+00:00", False), ("2026-03-29T01:00:00+00:00", True)])
def test_a_cut_off_in_the_hour_that_spring_leaves_out_passes_with_the_hour(at: str, passed: bool) -> None:
    assert node("02:30").cut_off_passed(datetime.fromisoformat(at)) is passed


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    st.times().map(lambda moment: moment.replace(microsecond=0)),
    st.timedeltas(timedelta(0), timedelta(hours=3)),
)
def test_a_later_order_never_leaves_earlier(at: datetime, zone: str, cut_off: time, later: timedelta) -> None:
    place = Node(name="N", time_zone=zone, cut_off=cut_off)
    assert place.leaves_on(at) <= place.leaves_on(at + later)


def test_days_of_handling_are_added_to_the_day_of_the_cut_off() -> None:
    at = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
    assert [node("14:00", handling_days=days).leaves_on(at).day for days in (0, 1, 2)] == [2, 3, 4]
    assert Node(name="N").leaves_on(at).day == 2


@pytest.mark.parametrize(
    ("serves", "country", "region", "served"),
    [
        ((), "US", "", True),
        (("DE", "US-CA"), "DE", "BE", True),
        (("DE", "US-CA"), "US", "CA", True),
        (("DE", "US-CA"), "US", "NY", False),
        (("DE",), "", "", True),
    ],
)
def test_a_node_serves_countries_and_regions(serves: tuple[str, ...], country: str, region: str, served: bool) -> None:
    assert Node(name="N", serves=serves).serves_place(country, region) is served


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Berlin"),
        ("country", "de"),
        ("serves", ("Germany",)),
        ("handling_days", -1),
        ("costs", {"*": 1.5}),
    ],
)
def test_a_node_that_cannot_be_meant_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        Node.model_validate({"name": "N", field: value})
