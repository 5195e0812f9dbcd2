"""What a payload holds beyond the contract is named by its path, once, and without its content."""

from pathlib import Path

import pytest

from connectors.drift import MOST, known_fields, unknown_fields
from connectors.ports import Drift

KNOWN = frozenset({"order", "order.lines", "order.lines[].sku", "order.notes.*", "tags"})


def paths(document: object) -> list[str]:
    return [drift.path for drift in unknown_fields(document, KNOWN)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"order": {"lines": [{"sku": "A"}]}}, []),
        ({"order": {"lines": [{"sku": "A", "gift": 1}, {"gift": {"deep": 1}}]}}, ["order.lines[].gift"]),
        ({"order": {"notes": {"anything": {"goes": 1}}}}, []),
        ({"tags": ["a", "b"], "extra": None}, ["extra"]),
        ([{"order": {}}], ["[].order"]),
        ("no document", []),
    ],
)
def test_each_unknown_path_is_named_once(document: object, expected: list[str]) -> None:
    assert paths(document) == expected


def test_a_value_is_never_told() -> None:
    [drift] = unknown_fields({"secret_of_the_buyer": "Jane"}, KNOWN)
    assert drift == Drift(kind="unknown_field", path="secret_of_the_buyer")


def test_another_kind_of_payload_altogether_does_not_flood() -> None:
    assert len(unknown_fields({f"field{n}": n for n in range(10 * MOST)}, KNOWN)) == MOST


def test_a_list_of_fields_has_comments(tmp_path: Path) -> None:
    file = tmp_path / "fields.txt"
    file.write_text("# Orders v3\norder\n\n  order.sku  \n")
    assert known_fields(file) == {"order", "order.sku"}
