"""What holds for every canonical model: frozen, tolerant of other versions, exact in JSON, and in UTC."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import models
from models.base import Model
from models.channel import ChannelHealth, QuotaLeft
from models.messages import OrderState, Transition
from models.order import Order
from tests.models.examples import EXAMPLES, ORDER
from tests.models.examples_of_repair import RATES

FIRST_VERSION_OF_AN_ORDER = """{
  "schema_version": 1,
  "key": {"channel": "amazon", "account": "EU-DE", "external_id": "302-1234567-1234567"},
  "purchased_at": "2026-11-20T12:00:00Z",
  "version": "2026-11-20T12:00:00Z",
  "state": "open",
  "currency": "EUR",
  "lines": [{"line_id": "L1", "sku": "TENT", "quantity": 1, "goods": {"amount": "12.50", "currency": "EUR"}}],
  "total": {"amount": "12.50", "currency": "EUR"}
}"""

one_of_each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)


def subclasses(of: type[Model]) -> Iterator[type[Model]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def as_a_later_version_writes(value: object) -> Any:
    """The model as a document, with one more field in each object that is a model."""
    if isinstance(value, Model):
        known = {name: as_a_later_version_writes(inner) for name, inner in value}
        return {**known, "written_by_a_later_version": {"deep": [1]}}
    if isinstance(value, dict):
        return {name: as_a_later_version_writes(inner) for name, inner in value.items()}
    return [as_a_later_version_writes(inner) for inner in value] if isinstance(value, tuple) else value


def moments(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of all points in time in a dumped model."""
    if isinstance(value, datetime):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from moments(inner, (*path, name))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from moments(inner, (*path, index))


def without_zone(document: Any, path: tuple[str | int, ...]) -> Any:
    """The JSON document with the time at `path` as a local time of nowhere."""
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = target[path[-1]].removesuffix("Z")
    return document


def test_there_is_an_example_of_every_model() -> None:
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"models.{module.name}")
    every = {each for each in subclasses(Model) if each.__module__.startswith("models.")}
    assert every == {type(example) for example in EXAMPLES}


@one_of_each
def test_a_model_cannot_be_changed(example: Model) -> None:
    name = next(iter(type(example).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(example, name, getattr(example, name))


@one_of_each
def test_a_model_survives_its_journey_through_json(example: Model) -> None:
    written = example.model_dump_json()
    read = type(example).model_validate_json(written)
    assert read == example
    assert read.model_dump_json() == written


MEASURED = (QuotaLeft, ChannelHealth, *RATES)
"""Hold rates of calls: they are measured, not counted, and never money."""


@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if not isinstance(example, MEASURED)],
    ids=lambda example: type(example).__name__,
)
def test_json_of_a_model_holds_no_floating_point_number(example: Model) -> None:
    def refuse(number: str) -> None:
        raise AssertionError(f"{number} is a float")

    json.loads(example.model_dump_json(), parse_float=refuse)


@one_of_each
def test_fields_that_a_later_version_wrote_are_ignored(example: Model) -> None:
    assert type(example).model_validate(as_a_later_version_writes(example)) == example


@one_of_each
def test_what_an_earlier_version_wrote_without_the_optional_fields_is_read(example: Model) -> None:
    fields = type(example).model_fields
    document = json.loads(example.model_dump_json())
    needed = {name: document[name] for name, field in fields.items() if field.is_required()}
    read = type(example).model_validate_json(json.dumps(needed))
    for name, field in fields.items():
        expected = getattr(example, name) if field.is_required() else field.get_default(call_default_factory=True)
        assert getattr(read, name) == expected


@one_of_each
def test_a_time_without_a_zone_is_refused_wherever_it_stands(example: Model) -> None:
    for path in moments(example.model_dump()):
        document = without_zone(json.loads(example.model_dump_json()), path)
        with pytest.raises(ValidationError, match="timezone"):
            type(example).model_validate_json(json.dumps(document))


@given(
    local=st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001 - local by intent
    zone=st.one_of(st.timezones(), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))),
)
def test_a_time_of_any_zone_is_kept_in_utc(local: datetime, zone: tzinfo) -> None:
    at = local.replace(tzinfo=zone)
    kept = Transition(at=at, state=OrderState.ACCEPTED, cause="paid").at
    assert kept == at.astimezone(UTC)
    assert kept.tzinfo is UTC


def test_an_order_of_the_first_schema_version_is_read_as_it_was_meant() -> None:
    read = Order.model_validate_json(FIRST_VERSION_OF_AN_ORDER)
    assert read.key == ORDER.key
    assert str(read.total) == "12.50 EUR"
    assert not read.totals.difference
    assert (read.service_level, read.test, read.gift, read.parcels, read.extras) == ("standard", False, False, (), {})
