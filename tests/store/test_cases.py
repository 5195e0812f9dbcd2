"""Exception cases are found while they are open, and stay resolved."""

from datetime import timedelta
from typing import Any

import pytest

from models.case import Action, CaseKind, ExceptionCase, Resolution
from store import cases
from store.database import Database
from tests.store.examples import NOON, a_key


def a_case(case_id: str = "C-1", **more: Any) -> ExceptionCase:
    values = {
        "case_id": case_id,
        "order_key": a_key("a/b"),
        "workflow_id": "order/amazon/EU/a/b/fulfilment/1",
        "kind": CaseKind.UNMAPPED_SKU,
        "step": "allocate",
        "reason": "lines[0].sku: 'TENT' is not mapped; add a listing",
        "detail": {"sku": "TENT"},
        "opened_at": NOON,
        "allowed": (Action.RETRY, Action.CANCEL),
    }
    return ExceptionCase.model_validate({**values, **more})


async def test_a_case_comes_back_as_it_was(database: Database) -> None:
    async with database.session() as session:
        await cases.upsert(session, a_case())
        assert await cases.get(session, "C-1") == a_case()
        assert await cases.get(session, "C-2") is None


async def test_a_resolved_case_stays_resolved_whatever_late_report_says(database: Database) -> None:
    resolution = Resolution(case_id="C-1", action=Action.RETRY, actor="ada")
    resolved = a_case(resolved_at=NOON + timedelta(hours=1), resolution=resolution)
    async with database.session() as session:
        for report in (a_case(), resolved, a_case()):
            await cases.upsert(session, report)
        assert await cases.get(session, "C-1") == resolved
        assert await cases.find(session) == []
        assert await cases.find(session, open_only=False) == [resolved]


async def test_cases_are_found_by_kind_channel_and_order_the_longest_open_first(database: Database) -> None:
    young = a_case("C-2", opened_at=NOON + timedelta(days=1), kind=CaseKind.OUT_OF_STOCK)
    elsewhere = a_case("C-3", order_key=a_key().model_copy(update={"channel": "shopify"}))
    async with database.session() as session:
        for case in (young, a_case(), elsewhere):
            await cases.upsert(session, case)
    async with database.session() as session:
        assert await cases.find(session) == [a_case(), elsewhere, young]
        assert await cases.find(session, kind=CaseKind.OUT_OF_STOCK) == [young]
        assert await cases.find(session, channel="shopify") == [elsewhere]
        assert await cases.find(session, order_key=elsewhere.order_key) == [elsewhere]
        assert await cases.find(session, limit=1) == [a_case()]


@pytest.mark.parametrize("kind", CaseKind)
async def test_every_kind_of_case_can_be_kept(database: Database, kind: CaseKind) -> None:
    async with database.session() as session:
        await cases.upsert(session, a_case(kind=kind))
        assert [case.kind for case in await cases.find(session)] == [kind]
