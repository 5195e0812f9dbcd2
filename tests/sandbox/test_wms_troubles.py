"""The warehouse falls short, rejects, stays silent: by control and by scenario, and as the contract says."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from connectors.wms.rest import parse_report
from models.fulfilment import ShortfallKind
from sandbox.core import SandboxOptions
from sandbox.scenario import load_scenario
from sandbox.traits import draw
from sandbox.wms import API_KEY
from sandbox.wms_troubles import Trouble, TroubleKind, Troubles, shortfall, taken_off
from tests.sandbox.test_app import control, running, until
from tests.systems.test_contracts import Contract

Document = dict[str, Any]
PICKS = [
    {"line_reference": "1", "item": "TENT-4P", "per_unit": 1, "quantity": 3},
    {"line_reference": "2", "item": "BAG-40L", "per_unit": 1, "quantity": 1},
]


@pytest.fixture
def options() -> SandboxOptions:
    return SandboxOptions(base_url="http://sandbox.test", ship_delay=0)


def release(fulfilment_id: str, node: str = "BER-1") -> Document:
    return {
        "fulfilment_id": fulfilment_id,
        "reply_to": "order/1",
        "order_reference": fulfilment_id.partition("#")[0],
        "correlation_id": "c",
        "node": node,
        "ship_to": {"lines": ["Weg 1"], "city": "Berlin", "country": "DE"},
        "picks": PICKS,
    }


async def call(http: httpx.AsyncClient, method: str, path: str, body: Document | None = None) -> httpx.Response:
    return await http.request(method, f"/wms/v1/releases{path}", json=body, headers={"X-Api-Key": API_KEY})


def left(http: httpx.AsyncClient, fulfilment_id: str) -> Callable[[], Coroutine[Any, Any, Document]]:
    async def look() -> Document:
        found: Document = (await call(http, "GET", f"/{fulfilment_id.replace('#', '%23')}")).json()
        return found

    return look


async def test_a_node_that_falls_short_reports_the_missing_units_and_ships_the_rest(options: SandboxOptions) -> None:
    async with running(options) as http:
        await control(http, "warehouse", {"kind": "short_pick", "item": "TENT-4P", "units": 2})
        assert (await call(http, "POST", "", release("a#BER-1"))).status_code == 202
        await until(lambda: control(http, "ledger", effect="parcel_shipped"), bool)
        [short] = await control(http, "ledger", effect="short_pick")
        shipped = (await call(http, "GET", "/a%23BER-1/shipments")).json()["shipments"]
    assert short["detail"]["picks"] == [{**PICKS[0], "quantity": 2}]
    units = [(pick["item"], pick["quantity"]) for parcel in shipped for pick in parcel["picks"]]
    assert sorted(units) == [("BAG-40L", 1), ("TENT-4P", 1)]


async def test_a_node_that_rejects_answers_with_the_field_node_and_another_one_takes_it(
    options: SandboxOptions,
) -> None:
    async with running(options) as http:
        await control(http, "warehouse", {"kind": "rejected", "order_reference": "a"})
        refused = await call(http, "POST", "", release("a#BER-1"))
        other = await call(http, "POST", "", release("a#LEJ-2", "LEJ-2"))
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "node")
    assert other.status_code == 202


async def test_a_silent_node_ships_nothing_until_it_is_told_to_forget_the_release(options: SandboxOptions) -> None:
    async with running(options) as http:
        await control(http, "warehouse", {"kind": "silent", "node": "BER-1", "times": None})
        await call(http, "POST", "", release("a#BER-1"))
        await call(http, "POST", "", release("b#LEJ-2", "LEJ-2"))
        await until(lambda: control(http, "ledger", effect="parcel_shipped", key="b"), bool)
        assert await control(http, "ledger", effect="parcel_shipped", key="a") == []
        stopped = (await call(http, "POST", "/a%23BER-1/cancel")).json()
        again = await call(http, "POST", "", release("a#BER-1"))
    assert stopped["confirmed"] is True
    assert again.status_code == 409


async def test_a_trouble_that_cannot_be_meant_is_refused(options: SandboxOptions) -> None:
    async with running(options) as http:
        for wrong in ({"kind": "fire"}, {"kind": "short_pick", "units": 0}, {"kind": "silent", "nodes": "BER-1"}):
            with pytest.raises(httpx.HTTPStatusError, match="422"):
                await control(http, "warehouse", wrong)


def test_a_trouble_strikes_as_often_as_it_says_and_only_what_fits() -> None:
    troubles = Troubles((Trouble(kind=TroubleKind.REJECTED, node="BER-1", item="TENT-4P", times=2),))
    assert troubles.meets("a", "LEJ-2", {"TENT-4P"}) is None
    assert troubles.meets("a", "BER-1", {"BAG-40L"}) is None
    assert troubles.meets("a", "BER-1", {"TENT-4P"}) is not None
    assert troubles.meets("b", "BER-1", {"TENT-4P"}) is not None
    assert troubles.meets("c", "BER-1", {"TENT-4P"}) is None


def test_what_is_missing_and_what_leaves_are_what_was_released() -> None:
    parcels = [[{**PICKS[0], "quantity": 2}], [{**PICKS[0], "quantity": 1}, PICKS[1]]]
    kept, missing = taken_off(parcels, Trouble(kind=TroubleKind.SHORT_PICK, item="TENT-4P", units=2))
    assert missing == [{**PICKS[0], "quantity": 2}]
    assert kept == [[{**PICKS[0], "quantity": 1}], [PICKS[1]]]
    nothing, everything = taken_off([[PICKS[1]]], Trouble(kind=TroubleKind.SHORT_PICK, units=9))
    assert (nothing, everything) == ([], [PICKS[1]])


def test_the_report_is_as_the_contract_says() -> None:
    told = shortfall(release("a#BER-1"), [PICKS[0]], "2026-11-29T09:00:00Z")
    report = {"event": "shortfall", "fulfilment_id": "a#BER-1", "reply_to": "order/a", "shortfall": told}
    Contract("wms.openapi.yaml").schema("/components/schemas/ShortfallReport").validate(report)
    parsed = parse_report(json.dumps(report).encode())
    assert parsed.shortfall is not None
    assert parsed.shortfall.kind is ShortfallKind.SHORT_PICK


async def test_a_scenario_troubles_the_warehouse_with_the_orders_of_its_choice(options: SandboxOptions) -> None:
    scenario = load_scenario("calm").model_copy(update={"warehouse": (Trouble(kind=TroubleKind.SILENT, times=None),)})
    async with running(options.model_copy(update={"scenario": scenario})) as http:
        await call(http, "POST", "", release("a#BER-1"))
        assert (await left(http, "a#BER-1")())["status"] == "picking"
    chances = scenario.chances.model_copy(update={"short_pick": 1.0})
    drawn = draw(7, "shopify", 99, scenario.model_copy(update={"chances": chances}))
    assert (drawn.short_pick, drawn.rejected) == (True, False)
