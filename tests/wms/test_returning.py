"""What Tryton's record of goods that came back says, as the WMS contract has it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import SchemaDrift
from connectors.wms.rest import parse_report
from connectors.wms.tryton.returning import named, report_of
from models.order import OrderKey
from models.systems import Condition
from tests.systems.test_contracts import Contract

DOOR, SHELF, WASTE, CUSTOMER = 1, 2, 3, 9
KEY = OrderKey(channel="amazon", account="EU-DE", external_id="302-1")


def move(item: str, quantity: str, to: int = SHELF, **changes: Any) -> dict[str, Any]:
    place = {"id": to, "code": None, "type": "lost_found" if to == WASTE else "storage"}
    put = {"from_location": DOOR, "to_location": place, "quantity": Decimal(quantity), "state": "done", "origin": None}
    return {**put, "product": {"code": item}, **changes}


def record(*moves: dict[str, Any], **changes: Any) -> dict[str, Any]:
    moment = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    return {
        "number": "7",
        "reference": "RMA-1",
        "effective_date": date(2026, 11, 28),
        "last_modified_at": moment,
        "create_date": moment,
        "warehouse": {"code": "BER-1", "waste_locations": [WASTE]},
        "warehouse_input": DOOR,
        "warehouse_storage": SHELF,
        "moves": list(moves),
        **changes,
    }


def told(found: dict[str, Any]) -> dict[tuple[str, Condition], int]:
    receipt = parse_report(json.dumps(report_of(found)).encode()).receipt
    assert receipt is not None
    return {(item.item, item.condition): item.quantity for item in receipt.items}


def test_only_pieces_that_were_put_away_are_told_and_equal_ones_together() -> None:
    arrived = move("TENT", "4", DOOR, from_location=CUSTOMER)
    planned = move("TENT", "1", state="draft")
    assert told(record(arrived, move("TENT", "1"), move("TENT", "2"), move("TENT", "1", WASTE), planned)) == {
        ("TENT", Condition.RESELL): 3,
        ("TENT", Condition.SCRAP): 1,
    }


def test_a_warehouse_without_a_door_puts_what_arrives_on_the_shelf_at_once() -> None:
    arrived = move("TENT", "2", from_location=CUSTOMER)
    assert told(record(arrived, warehouse_input=SHELF)) == {("TENT", Condition.RESELL): 2}


def test_where_a_piece_was_put_says_what_it_is() -> None:
    waste_by_type = {"id": 77, "code": None, "type": "lost_found"}
    waste_by_warehouse = {"id": WASTE, "code": "W", "type": "storage"}
    rejected = {"id": WASTE, "code": "reject", "type": "lost_found"}
    places = (waste_by_type, waste_by_warehouse, rejected)
    found = told(record(*(move(f"I-{number}", "1", to_location=place) for number, place in enumerate(places))))
    assert found == {("I-0", Condition.SCRAP): 1, ("I-1", Condition.SCRAP): 1, ("I-2", Condition.REJECT): 1}


@pytest.mark.parametrize(
    ("written", "order", "rma"),
    [
        ("RMA-1", None, "RMA-1"),
        ("  RMA-1 ", None, "RMA-1"),
        ("amazon/EU-DE/302-1", KEY, ""),
        ("order/amazon/EU-DE/302-1", KEY, ""),
        ("amazon/EU-DE/302-1#BER-1.2", KEY, ""),
        ("", None, ""),
    ],
)
def test_what_is_written_on_the_parcel_names_an_order_or_a_return(
    written: str, order: OrderKey | None, rma: str
) -> None:
    assert named(written) == (order, rma)


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (record(move("TENT", "1.5")), r"receipt.items\[0\].quantity"),
        (record(move("", "1")), r"receipt.items\[0\].item"),
        (record(), "receipt.items"),
        (record(move("TENT", "1"), number=None), "receipt.receipt_id"),
    ],
)
def test_what_the_contract_has_no_words_for_is_refused_by_its_place(found: dict[str, Any], path: str) -> None:
    with pytest.raises(SchemaDrift, match=path):
        parse_report(json.dumps(report_of(found)).encode())


@pytest.mark.parametrize("reference", ["RMA-1", "amazon/EU-DE/302-1", "", None])
def test_it_is_as_the_contract_says(reference: str | None) -> None:
    schema = Contract("wms.openapi.yaml").schema("/components/schemas/ReturnReport")
    schema.validate(report_of(record(move("TENT", "1"), move("TENT", "1", WASTE), reference=reference)))
