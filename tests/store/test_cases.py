"""Exception cases are found while they are open, and stay resolved."""

from datetime import timedelta
from typing import Any

import pytest

from models import case_query
from models.case import Action, CaseKind, ExceptionCase, Resolution
from store import case_search, cases, orders
from store.database import Database
from tests.store.examples import NOON, a_key, an_order

NOW_AND_A_DAY = NOON + timedelta(days=1)


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


async def test_whose_turn_it_is_and_until_when_are_kept(database: Database) -> None:
    held = a_case(
        owner="fraud", subject="sku:TENT", expires_at=NOW_AND_A_DAY, on_expiry=Action.CANCEL, kind=CaseKind.FRAUD_REVIEW
    )
    async with database.session() as session:
        await cases.upsert(session, held)
        assert await cases.get(session, "C-1") == held


async def test_a_query_finds_the_open_cases_that_fit_every_condition(database: Database) -> None:
    resolution = Resolution(case_id="C-4", action=Action.RETRY, actor="ada")
    kept = [
        a_case("C-1", owner="catalogue", subject="sku:TENT", detail={"code": "unmapped", "node": "BER-1"}),
        a_case("C-2", kind=CaseKind.OUT_OF_STOCK, opened_at=NOW_AND_A_DAY, workflow_id="order/amazon/EU/7"),
        a_case("C-3", order_key=a_key("o'brien; DROP TABLE orders"), step="tax"),
        a_case("C-4", resolved_at=NOW_AND_A_DAY, resolution=resolution),
    ]
    async with database.session() as session:
        for case in kept:
            await cases.upsert(session, case)
    found = {
        "channel=amazon": ["C-1", "C-3", "C-2"],
        "channel=shopify": [],
        "account=EU and case=out_of_stock,fraud_review": ["C-2"],
        "owner=catalogue and code=unmapped": ["C-1"],
        "subject=sku:TENT": ["C-1"],
        "node=BER-1": ["C-1"],
        "node=1": ["C-1", "C-3"],
        "step=tax": ["C-3"],
        'order="amazon/EU/o\'brien; DROP TABLE orders"': ["C-3"],
        "since=2026-11-21T00:00Z": ["C-2"],
        "before=2026-11-21T00:00Z": ["C-1", "C-3"],
        "state=received": [],
        'owner="x\' OR 1=1 --"': [],
    }
    async with database.session() as session:
        for text, wanted in found.items():
            matching = await case_search.matching(session, case_query.parse(text, NOON))
            assert [case.case_id for case in matching] == wanted, text


async def test_a_query_may_ask_for_the_state_of_the_order(database: Database) -> None:
    async with database.session() as session:
        await orders.register(session, an_order("a/b"), 1)
        await cases.upsert(session, a_case())
        received = await case_search.matching(session, case_query.parse("state=received", NOON))
        closed = await case_search.matching(session, case_query.parse("state=closed", NOON))
    assert ([case.case_id for case in received], closed) == (["C-1"], [])
