"""An operator's query is read exactly, or refused with the word, the value and the remedy."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import CaseKind
from models.case_query import CaseQuery, QueryError, parse
from models.messages import OrderState

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_words_are_joined_by_and() -> None:
    assert parse("channel=amazon and case=tax_declined AND since=2h", NOW) == CaseQuery(
        channel=("amazon",), case=(CaseKind.TAX_DECLINED,), since=NOW - timedelta(hours=2)
    )


def test_commas_say_either_and_quotes_say_exactly_this() -> None:
    read = parse("""state=on_hold,exception and step="erp order" and subject='sku:A,B and C'""", NOW)
    assert read.state == (OrderState.ON_HOLD, OrderState.EXCEPTION)
    assert (read.step, read.subject) == (("erp order",), ("sku:A,B and C",))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("since=90s", NOW - timedelta(seconds=90)),
        ("since=30m", NOW - timedelta(minutes=30)),
        ("since=3d", NOW - timedelta(days=3)),
        ("since=2w", NOW - timedelta(weeks=2)),
        ("since=2026-11-27T08:00Z", NOW - timedelta(hours=4)),
        ('since="2026-11-27 10:00+02:00"', NOW - timedelta(hours=4)),
    ],
)
def test_a_time_is_an_age_or_a_moment_with_its_zone(text: str, moment: datetime) -> None:
    assert parse(text, NOW).since == moment


@pytest.mark.parametrize(
    ("text", "word", "value", "remedy"),
    [
        ("", "query", "", "say which cases"),
        ("channel", "query", "channel", "write word=value"),
        ("channel=", "query", "channel=", "write word=value"),
        ("chanel=amazon", "chanel", "amazon", "use one of channel, account"),
        ("case=tax", "case", "tax", "use one of unmapped_sku"),
        ("state=gone", "state", "gone", "use one of received"),
        ("since=yesterday", "since", "yesterday", "2h"),
        ("since=999999w", "since", "999999w", "2h"),
        ("since=2026-11-27T08:00", "since", "2026-11-27T08:00", "with its zone"),
        ("channel=a and channel=b", "channel", "b", "channel=a,b"),
        ("channel=a or channel=b", "query", "or channel=b", "only `and`"),
        ("channel=a and", "query", "and", "only `and`"),
        ("channel=a,,b", "channel", "a,,b", "a value is missing"),
        ('step="open', "query", 'step="open', "in quotes"),
    ],
)
def test_what_cannot_be_understood_names_word_value_and_remedy(text: str, word: str, value: str, remedy: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(text, NOW)
    assert (refused.value.word, refused.value.value) == (word, value)
    assert remedy in str(refused.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(QueryError):
        assert parse(text, NOW) != CaseQuery()
