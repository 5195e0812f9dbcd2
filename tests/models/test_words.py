"""Names are found in a text as a search for each of them would find them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.words import Names

CYCLE = "2026-11-14..2026-11-28"
UUID = "7d3f2c1e-9b1a-4c55-8f02-6a2b1d9e0c11"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("11223344556", "EFT 11223344556/AMZN"),
        (CYCLE, f"Cycle {CYCLE}, Mirakl"),
        (UUID, f"PAYOUT:{UUID.upper()}"),
        ("P_1", "p_1"),
        ("#281.", "order #281."),
        ("Étape 7", "ÉTAPE 7"),
    ],
)
def test_a_name_is_found_as_a_whole_word_whatever_its_case_and_its_signs(name: str, text: str) -> None:
    assert Names([name, "another"]).within(text) == {name}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (CYCLE, "2026-11-14..2026-11-281"),
        (CYCLE, "2026-11-14 2026-11-28"),
        (UUID, f"{UUID}_2"),
        ("281", "A281"),
        ("#281", "A#281"),
        ("..", ".."),
    ],
)
def test_a_part_of_a_longer_word_names_nobody(name: str, text: str) -> None:
    assert not Names([name]).within(text)


names = st.text("abAB1_-. ", max_size=5).filter(lambda name: re.search(r"\w", name))


@given(st.sets(names, max_size=6), st.text("abAB1_-. ", max_size=25))
def test_all_names_are_found_that_a_search_for_each_finds(some: set[str], text: str) -> None:
    expected = {name for name in some if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)}
    assert Names(some).within(text) == expected
