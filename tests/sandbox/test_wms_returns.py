"""A buyer's parcel comes back to the warehouse: reported as the contract says, signed, and once for each receipt."""

from __future__ import annotations

import httpx
import pytest

from connectors.wms.rest import parse_report, verify_report
from models.systems import Condition
from sandbox.core import SandboxOptions
from sandbox.wms import WEBHOOK_SECRET, signed
from sandbox.wms_returns import ParcelBack, returned
from tests.sandbox.test_app import control, running
from tests.systems.test_contracts import Contract


@pytest.fixture
def options() -> SandboxOptions:
    return SandboxOptions(base_url="http://sandbox.test", ship_delay=0)


async def test_a_parcel_that_comes_back_is_reported_as_the_contract_says(options: SandboxOptions) -> None:
    asked = {"rma": "RMA-1", "items": [{"item": "TENT-4P", "quantity": 2, "condition": "scrap"}]}
    async with running(options) as http:
        report = await control(http, "returns", asked)
        [entry] = await control(http, "ledger", effect="parcel_returned")
    Contract("wms.openapi.yaml").schema("/components/schemas/ReturnReport").validate(report)
    assert entry["detail"]["rma"] == "RMA-1"


async def test_a_parcel_of_nothing_is_refused(options: SandboxOptions) -> None:
    async with running(options) as http:
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            await control(http, "returns", {"rma": "RMA-1"})


def test_a_parcel_of_an_order_brings_back_what_was_shipped_for_it() -> None:
    pick = {"line_reference": "1", "item": "TENT-4P", "per_unit": 1, "quantity": 2}
    release = {"node": "LEJ-2", "correlation_id": "c", "shipments": [{"picks": [pick]}]}
    report = returned(ParcelBack(order_reference="shopify/main/1"), [release])
    assert report["receipt"]["node"] == "LEJ-2"
    assert report["receipt"]["items"] == [
        {"item": "TENT-4P", "quantity": 2, "condition": "resell", "line_reference": "1"}
    ]
    assert (
        returned(ParcelBack(order_reference="shopify/main/1"), [release])["receipt"]["receipt_id"]
        == (report["receipt"]["receipt_id"])
    )


def test_a_parcel_may_be_of_some_units_with_all_of_their_pieces() -> None:
    picks = [
        {"line_reference": "1", "item": "TENT-4P", "per_unit": 1, "quantity": 2},
        {"line_reference": "1", "item": "LAMP-HEAD", "per_unit": 2, "quantity": 4},
        {"line_reference": "2", "item": "LAMP-HEAD", "per_unit": 1, "quantity": 1},
    ]
    release = {"node": "BER-1", "correlation_id": "c", "shipments": [{"picks": picks[:1]}, {"picks": picks[1:]}]}
    report = returned(ParcelBack(order_reference="o", units={"1": 1}, condition="scrap"), [release])
    items = [(item["item"], item["quantity"], item["condition"]) for item in report["receipt"]["items"]]
    assert items == [("LAMP-HEAD", 2, "scrap"), ("TENT-4P", 1, "scrap")]


def test_a_report_of_goods_is_verified_and_read_like_any_other() -> None:
    body = (
        b'{"event": "return_received", "rma": "RMA-1", "order_reference": "shopify/main/1", "receipt": {"receipt_id":'
        b' "B1", "node": "BER-1", "received_at": "2026-11-29T09:00:00Z",'
        b' "items": [{"item": "TENT-4P", "quantity": 1, "condition": "reject"}]}}'
    )
    event = verify_report(signed(body, "return-B1", "c"), body, (WEBHOOK_SECRET,))
    assert (event.topic, event.external_id) == ("return_received", "RMA-1")
    report = parse_report(body)
    assert report.receipt is not None
    assert (report.reply_to, str(report.receipt.order_key), report.receipt.items[0].condition) == (
        "RMA-1",
        "shopify/main/1",
        Condition.REJECT,
    )
