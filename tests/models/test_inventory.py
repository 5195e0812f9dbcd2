"""What two systems say about the same stock: every kind of contradiction is named, and none is invented."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from models.inventory import (
    Asked,
    Cell,
    InventoryReport,
    Listed,
    Standing,
    Verdict,
    may_be_taken_over,
    of_cell,
    of_listing,
    total,
)
from models.money import Money

BOTH = Asked(wms=True, erp=True)
NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_cell(store: int | None, wms: int | None, erp: int | None, reserved: int = 0) -> Cell:
    return Cell(item="TENT", node="BER-1", store=store, wms=wms, erp=erp, reserved=reserved)


@pytest.mark.parametrize(
    ("cell", "verdicts"),
    [
        (a_cell(5, 5, 5), []),
        (a_cell(0, None, None), []),
        (a_cell(None, 0, 0), []),
        (a_cell(7, 5, 5), [(Verdict.STORE_DIFFERS, 2)]),
        (a_cell(5, 5, 9), [(Verdict.ERP_DIFFERS, 4)]),
        (a_cell(5, 5, None), [(Verdict.ERP_DIFFERS, 5)]),
        (a_cell(5, None, 0), [(Verdict.UNKNOWN_TO_WMS, 5)]),
        (a_cell(None, 3, 3), [(Verdict.UNKNOWN_TO_US, 3)]),
        (a_cell(7, 5, 7), [(Verdict.STORE_DIFFERS, 2), (Verdict.ERP_DIFFERS, 2)]),
    ],
)
def test_what_is_wrong_in_a_place_is_named_with_its_units(cell: Cell, verdicts: list[tuple[Verdict, int]]) -> None:
    assert [(each.verdict, each.units) for each in of_cell(cell, BOTH, None)] == verdicts


def test_a_system_that_cannot_say_is_not_wrong() -> None:
    assert of_cell(a_cell(5, None, None), Asked(wms=False, erp=False), None) == ()
    [books] = of_cell(a_cell(5, None, 4), Asked(wms=False, erp=True), None)
    assert (books.verdict, books.says) == (Verdict.ERP_DIFFERS, {"store": 5, "erp": 4})


@pytest.mark.parametrize(
    ("told", "problem", "verdict", "units"),
    [
        (9, None, Verdict.TOLD_TOO_MUCH, 2),
        (4, None, Verdict.TOLD_TOO_LITTLE, 3),
        (None, None, Verdict.NEVER_TOLD, 7),
        (7, "unknown_sku: no such listing", Verdict.CHANNEL_REFUSES, 7),
    ],
)
def test_a_channel_that_was_told_wrongly_is_named(
    told: int | None, problem: str | None, verdict: Verdict, units: int
) -> None:
    listed = Listed(channel="shopify", account="main", sku="T", sellable=7, told=told, problem=problem)
    found = of_listing(listed)
    assert found is not None
    assert (found.subject, found.verdict, found.units) == ("shopify/main/T", verdict, units)
    assert (problem or "") in found.in_words


def test_a_channel_that_was_told_what_it_may_sell_is_right() -> None:
    assert of_listing(Listed(channel="shopify", account="main", sku="T", sellable=7, told=7)) is None


def test_the_value_is_exact_where_a_price_is_known_and_unknown_where_not() -> None:
    [known] = of_cell(a_cell(7, 5, 5), BOTH, Money.of("19.99", "EUR"))
    [unknown] = of_cell(a_cell(7, 5, 5), BOTH, None)
    assert (known.value, unknown.value) == (Money.of("39.98", "EUR"), None)
    assert total([known, unknown, known]) == {"EUR": Decimal("79.96")}


def test_only_a_level_that_nothing_can_change_any_more_is_taken_over() -> None:
    def stands(cell: Cell, unchanged: timedelta = HOUR) -> bool:
        [found] = of_cell(cell, BOTH, None)
        standing = Standing(mismatch=found, since=NOW - HOUR, unchanged_since=NOW - unchanged)
        return may_be_taken_over(cell, standing, timedelta(minutes=5), NOW)

    assert stands(a_cell(7, 5, 5))
    assert not stands(a_cell(7, 5, 5, reserved=1))
    assert not stands(a_cell(7, 5, 5), unchanged=timedelta(minutes=4))
    assert not stands(a_cell(7, 5, 5).model_copy(update={"moved_at": NOW - timedelta(minutes=1)}))
    assert not stands(a_cell(5, 5, 9))
    assert not stands(a_cell(5, None, 0))
    assert not stands(a_cell(None, 3, 3))


@pytest.mark.parametrize(("cells", "agreed", "accuracy"), [(0, 0, None), (3, 2, Decimal("0.6667")), (4, 4, Decimal(1))])
def test_accuracy_is_the_share_of_places_in_which_all_agree(cells: int, agreed: int, accuracy: Decimal | None) -> None:
    report = InventoryReport(
        ran_at=NOW, asked=BOTH, cells=cells, agreed=agreed, listings=0, listings_agreed=0, mismatches={}
    )
    assert report.accuracy == accuracy
