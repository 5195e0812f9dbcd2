"""A sales order is restated as it is wanted now: absolutely, once for each revision, and never below what has left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from connectors.erp import documents
from connectors.erp.rest import RestErp
from connectors.errors import Declined, InDoubt
from connectors.ports import ErpOrder
from models.systems import LedgerRate
from sandbox.faults import Fault, FaultKind
from tests.systems.orders import connection, erp_order, order, parcel
from tests.systems.running import Systems

KEY = "amazon/EU-DE/302-7"


@pytest.fixture
async def erp(systems: Systems) -> AsyncIterator[RestErp]:
    provider = RestErp(connection(systems.erp.connection()))
    await provider.create_order(erp_order(), retry=False)
    yield provider
    await provider.aclose()


def wanted(revision: int, **cancelled: int) -> ErpOrder:
    """The order with units of its lines cancelled."""
    first = erp_order()
    lines = tuple(line.model_copy(update={"cancelled": cancelled.get(line.line_id, 0)}) for line in first.order.lines)
    changed = first.order.model_copy(update={"lines": lines})
    return first.model_copy(update={"order": changed, "revision": revision})


def changes(systems: Systems) -> list[tuple[int, dict[str, int]]]:
    return [
        (entry["detail"]["revision"], entry["detail"]["cancelled"]) for entry in systems.effects("erp/order_changed")
    ]


async def test_the_same_revision_again_changes_nothing(systems: Systems, erp: RestErp) -> None:
    for retry in (False, True, True):
        await erp.change_order(wanted(1, L1=1), retry=retry)
    assert changes(systems) == [(1, {"L1": 1})]


async def test_an_older_revision_that_comes_late_changes_nothing(systems: Systems, erp: RestErp) -> None:
    await erp.change_order(wanted(2, L1=2), retry=False)
    await erp.change_order(wanted(1, L1=1), retry=False)
    await erp.change_order(wanted(3, L1=2, L2=1), retry=False)
    assert changes(systems) == [(2, {"L1": 2}), (3, {"L1": 2, "L2": 1})]


async def test_a_change_whose_reply_was_lost_is_one_change(systems: Systems, erp: RestErp) -> None:
    systems.sandbox.faults.add(Fault(operation="erp.change_order", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await erp.change_order(wanted(1, L1=1), retry=False)
    await erp.change_order(wanted(1, L1=1), retry=True)
    assert changes(systems) == [(1, {"L1": 1})]


async def test_cancelled_units_are_neither_shipped_nor_invoiced_any_more(systems: Systems, erp: RestErp) -> None:
    await erp.change_order(wanted(1, L1=2), retry=False)
    with pytest.raises(Declined) as no:
        await erp.post_shipment(parcel(units={"L1": 2}), retry=False)
    assert (no.value.code, no.value.field) == ("over_shipped", "units[0].quantity")
    await erp.post_shipment(parcel(units={"L1": 1}), retry=False)
    await erp.post_invoice(parcel(units={"L1": 1}), retry=False)
    assert len(systems.effects("erp/invoice_posted")) == 1


async def test_units_that_have_been_shipped_cannot_be_cancelled(systems: Systems, erp: RestErp) -> None:
    await erp.post_shipment(parcel(units={"L1": 2}), retry=False)
    with pytest.raises(Declined) as no:
        await erp.change_order(wanted(1, L1=2), retry=False)
    assert (no.value.code, no.value.field) == ("already_shipped", "lines[0].cancelled_quantity")
    await erp.change_order(wanted(1, L1=1), retry=False)
    assert changes(systems) == [(1, {"L1": 1})]


async def test_an_order_that_the_erp_does_not_have_or_that_is_cancelled_is_not_changed(
    systems: Systems, erp: RestErp
) -> None:
    unknown = erp_order("302-8").model_copy(update={"revision": 1})
    with pytest.raises(Declined) as no_order:
        await erp.change_order(unknown, retry=False)
    assert (no_order.value.code, no_order.value.field) == ("unknown_order", "external_reference")
    await erp.cancel_order(order().key, "c-1")
    with pytest.raises(Declined) as cancelled:
        await erp.change_order(wanted(1, L1=1), retry=False)
    assert cancelled.value.code == "order_cancelled"
    assert changes(systems) == []


def test_the_books_of_the_selling_entity_get_the_total_at_the_rate_of_its_day() -> None:
    rate = LedgerRate(currency="USD", rate=Decimal("1.0850"), on=date(2026, 11, 20))
    request = erp_order().model_copy(
        update={"ledger": rate, "entity": "Camp Inc", "ships_from": {"LEJ-2": "Camp GmbH"}, "revision": 4}
    )
    document = documents.change(request, "MAIN")
    assert document["books"] == {"currency": "USD", "rate": "1.0850", "rate_on": "2026-11-20", "total": "998.19"}
    assert (document["entity"], document["ships_from"]) == ("Camp Inc", [{"node": "LEJ-2", "entity": "Camp GmbH"}])
    assert document["revision"] == 4
    assert documents.sales_order(erp_order(), "MAIN")["books"] is None
