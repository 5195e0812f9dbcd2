"""Elements of a list as they stand in the document: numbers keep every digit, texts every escape."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.raw import elements

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(items=st.lists(JSON), before=JSON, indent=st.sampled_from([None, 1]))
def test_every_element_is_cut_out_as_it_stands(items: list[Any], before: Any, indent: int | None) -> None:
    text = json.dumps({"before": before, "list": {"orders": items}, "after": [before]}, indent=indent)
    found = elements(f"\n {text} ", "list", "orders")
    assert [json.loads(each) for each in found] == items
    assert all(each in text for each in found)


def test_numbers_are_not_rounded_and_texts_not_unescaped() -> None:
    assert elements('{"orders": [ {"a":1.10} , "\\u00e4" ]}', "orders") == ['{"a":1.10}', '"\\u00e4"']


@pytest.mark.parametrize("text", ["[]", "{}", '{"orders": {}}', '{"orders": null}', '"orders"', ""])
def test_where_there_is_no_list_there_are_no_elements(text: str) -> None:
    assert elements(text, "orders") == []


@pytest.mark.parametrize(
    "text", ["{", '{"orders"', '{"orders": [1,', '{"orders": [1 2]}', '{"orders": ' + "[" * 100_000]
)
def test_what_is_cut_off_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        elements(text, "orders")
