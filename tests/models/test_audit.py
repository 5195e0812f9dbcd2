"""When channel and registry contradict each other, and when one of them is only behind."""

from datetime import timedelta

import pytest

from models.audit import AuditReport, Finding, Verdict, compare
from models.messages import OrderState
from models.money import Money
from models.order import ChannelState
from tests.workflows.world import PURCHASED, an_order

LATER = PURCHASED + timedelta(hours=1)


def verdict(theirs: ChannelState, ours: OrderState) -> Verdict | None:
    order = an_order()
    found = compare(order.model_copy(update={"state": theirs}), order.model_copy(update={"state": theirs}), ours)
    return found.verdict if found else None


def test_an_order_nobody_knows_is_missing() -> None:
    found = compare(an_order(), None, None)
    assert found is not None
    assert found.verdict is Verdict.MISSING


def test_a_newer_version_is_news_and_an_older_one_is_not() -> None:
    order = an_order()
    newer = order.model_copy(update={"version": LATER})
    behind = compare(newer, order, OrderState.SHIPPED)
    assert behind is not None
    assert behind.verdict is Verdict.BEHIND
    assert compare(order, newer, OrderState.SHIPPED) is None


def test_a_total_that_differs_is_named_with_both_sums() -> None:
    order = an_order()
    found = compare(order.model_copy(update={"total": Money.of("1.00", "EUR")}), order, OrderState.RELEASED)
    assert found is not None
    assert (found.verdict, found.subject, found.channel, found.ours) == (
        Verdict.DIFFERS,
        "total",
        "1.00 EUR",
        "34.50 EUR",
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (ChannelState.CANCELLED, OrderState.CLOSED, Verdict.DIFFERS),
        (ChannelState.CANCELLED, OrderState.RELEASED, None),
        (ChannelState.CANCELLED, OrderState.CANCELLED, None),
        (ChannelState.OPEN, OrderState.CANCELLED, Verdict.DIFFERS),
        (ChannelState.OPEN, OrderState.CLOSED, Verdict.DIFFERS),
        (ChannelState.OPEN, OrderState.EXCEPTION, None),
        (ChannelState.PARTIALLY_SHIPPED, OrderState.SHIPPED, None),
        (ChannelState.SHIPPED, OrderState.SHIPPED, None),
        (ChannelState.SHIPPED, OrderState.RELEASED, None),
    ],
)
def test_ends_that_cannot_both_be_true_differ(theirs: ChannelState, ours: OrderState, expected: Verdict | None) -> None:
    assert verdict(theirs, ours) is expected


def test_pages_of_a_window_add_up() -> None:
    report = AuditReport(channel="shopify", account="main", since=PURCHASED, until=LATER, seen=2, agreed=2)
    order = an_order()
    finding = Finding(order_key=order.key, verdict=Verdict.MISSING, subject="order", channel="open", ours="unknown")
    both = report.and_then(report.model_copy(update={"agreed": 1, "findings": (finding,)}))
    assert (both.seen, both.agreed, both.findings) == (4, 3, (finding,))
