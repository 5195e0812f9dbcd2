"""Answers of the systems behind our own contracts: what is wrong with one is said by path, value and remedy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import correlation_of, declined, error_code, json_object, text_at
from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.ports import Refusal
from tests.models.examples import ORDER

WORDLESS = [b"{}", b"[]", b'{"error": null}', b'{"error": "no"}', b'{"error": []}', b'{"error": {"code": null}}']


def test_numbers_of_an_answer_are_exact() -> None:
    answer = json_object(httpx.Response(200, content=b'{"rate": 0.1, "units": 3}'), "erp.create_order")
    assert answer == {"rate": Decimal("0.1"), "units": 3}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff", b"<html>", b"[" * 100_000])
def test_an_answer_that_is_no_object_is_drift(content: bytes) -> None:
    with pytest.raises(SchemaDrift, match=r"not_an_object at \$: .*erp\.create_order must answer") as told:
        json_object(httpx.Response(200, content=content), "erp.create_order")
    assert told.value.value == repr(content[:120])[:117] + "..." or told.value.value == repr(content)


@pytest.mark.parametrize(
    ("document", "reason"),
    [({}, "missing"), ({"number": None}, "missing"), ({"number": 7}, "wrong_type"), ({"number": ""}, "wrong_type")],
)
def test_a_text_that_is_missing_is_named_with_its_path(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(SchemaDrift) as told:
        text_at(document, "number", "shipments[0]", "wms.shipments")
    assert (told.value.reason, told.value.path) == (reason, "shipments[0].number")
    assert told.value.remedy == "wms.shipments must answer a text here"


def test_a_text_that_is_there_is_returned_and_a_path_at_the_root_is_short() -> None:
    assert text_at({"number": "SO-1"}, "number", "$", "erp.create_order") == "SO-1"
    with pytest.raises(SchemaDrift, match="missing at number"):
        text_at({}, "number", "$", "erp.create_order")


def test_a_business_no_carries_the_systems_own_code_field_and_words() -> None:
    error = {"error": {"code": "over_shipped", "field": "units[0].quantity", "message": "only 2 left"}}
    said = declined("wms.release", httpx.Response(422, json=error))
    assert (said.code, said.field) == ("over_shipped", "units[0].quantity")
    assert str(said) == "wms.release: over_shipped at units[0].quantity: only 2 left"


@given(
    st.binary() | st.sampled_from([b"{}", b'{"error": null}', b'{"error": "no"}', b'{"error": {"code": null}}', b"[]"])
)
def test_a_business_no_in_any_words_is_still_one(content: bytes) -> None:
    response = httpx.Response(422, content=content)
    said = declined("wms.release", response)
    assert said.code == error_code(response) == "http_422"
    assert said.field is None
    assert str(said) == "wms.release: http_422: no reason given"


def test_an_order_is_traced_by_its_correlation_id_and_without_one_by_its_key() -> None:
    assert correlation_of(ORDER) == str(ORDER.correlation_id)
    assert UUID(correlation_of(ORDER)) == ORDER.correlation_id
    assert correlation_of(ORDER.model_copy(update={"correlation_id": None})) == str(ORDER.key)


@given(st.text() | st.binary() | st.integers() | st.lists(st.integers()))
def test_drift_shows_a_value_of_any_size_in_one_line_at_most_120_long(value: object) -> None:
    drift = SchemaDrift("wrong_type", "orders[0].total", value, "ask the vendor")
    assert len(drift.value) <= 120
    assert repr(value).startswith(drift.value.removesuffix("..."))
    assert "\n" not in drift.value
    assert str(drift) == f"wrong_type at orders[0].total: {drift.value}. ask the vendor"


def test_a_refusal_reads_like_the_drift_it_stands_for() -> None:
    refusal = Refusal(reason="missing", path="orders[0].total", value="None", remedy="ask the vendor")
    assert str(refusal) == str(SchemaDrift("missing", "orders[0].total", None, "ask the vendor"))


def test_every_error_says_what_happened_and_may_say_when_to_come_again() -> None:
    errors = [Unavailable("x"), InDoubt("x"), Declined("x", code="c"), Unauthorized("x"), SchemaDrift("x", "$", 1, "y")]
    ours = {each for each in ConnectorError.__subclasses__() if each.__module__ == "connectors.errors"}
    assert {type(error) for error in errors} == ours
    assert all(error.retry_after is None for error in errors)
