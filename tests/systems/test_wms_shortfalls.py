"""What a warehouse says it will not ship, and what it stops when some of a release has left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import SchemaDrift
from connectors.wms.documents import read_report
from connectors.wms.rest import RestWms
from models.fulfilment import PickLine, Shortfall, ShortfallKind
from tests.systems.orders import CORRELATION_ID, connection, release
from tests.systems.running import Systems, until
from tests.systems.test_contracts import Contract
from tests.systems.test_wms import released_in

REPORT: dict[str, Any] = {
    "event": "shortfall",
    "fulfilment_id": "amazon/EU-DE/302-7#BER-1",
    "reply_to": "order/amazon/EU-DE/302-7",
    "order_reference": "amazon/EU-DE/302-7",
    "correlation_id": str(CORRELATION_ID),
    "shortfall": {
        "report_id": "F-1",
        "node": "BER-1",
        "kind": "short_pick",
        "reason": "shelf empty",
        "reported_at": "2026-11-20T10:30:00+01:00",
        "picks": [{"line_reference": "L1", "item": "TENT-4P", "per_unit": 1, "quantity": 2}],
    },
}


def body(**changes: object) -> bytes:
    return json.dumps({**REPORT, "shortfall": {**REPORT["shortfall"], **changes}}).encode()


@pytest.fixture
async def wms(systems: Systems) -> AsyncIterator[RestWms]:
    provider = RestWms(connection(systems.wms.connection()))
    yield provider
    await provider.aclose()


@pytest.mark.parametrize("kind", ShortfallKind)
def test_a_report_becomes_a_shortfall_for_its_order(kind: ShortfallKind) -> None:
    report = read_report(body(kind=kind.value))
    assert report.shortfall == Shortfall(
        report_id="F-1",
        fulfilment_id="amazon/EU-DE/302-7#BER-1",
        node="BER-1",
        kind=kind,
        reason="shelf empty",
        reported_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        picks=(PickLine(line_id="L1", item="TENT-4P", quantity=2),),
    )
    assert (report.reply_to, report.shortfall.order_key) == ("order/amazon/EU-DE/302-7", "amazon/EU-DE/302-7")
    assert (report.shipment, report.receipt) == (None, None)


def test_the_report_is_as_the_contract_says() -> None:
    schema = Contract("wms.openapi.yaml").schema("/components/schemas/ShortfallReport")
    schema.validate(REPORT)
    assert not schema.is_valid({**REPORT, "shortfall": {**REPORT["shortfall"], "kind": "lost"}})


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"kind": "lost"}, "shortfall.kind"),
        ({"picks": []}, "shortfall.picks"),
        ({"report_id": ""}, "shortfall.report_id"),
        ({"picks": [{"line_reference": "L1", "item": "TENT-4P", "quantity": 0}]}, "shortfall.picks[0].quantity"),
        ({"reported_at": "2026-11-20T10:30:00"}, "shortfall.reported_at"),
    ],
)
def test_a_report_that_is_not_understood_names_the_field(changes: dict[str, object], path: str) -> None:
    with pytest.raises(SchemaDrift) as drift:
        read_report(body(**changes))
    assert drift.value.path == path


async def test_of_a_release_that_has_left_in_part_the_rest_is_stopped_for_good(systems: Systems, wms: RestWms) -> None:
    systems.sandbox.options.ship_delay = 0.3
    several = released_in(2)
    await wms.release(release(several, quantity=2), retry=False)
    await until(lambda: len(systems.effects("wms/parcel_shipped")) == 1)
    assert (await wms.cancel(several, str(CORRELATION_ID))).confirmed
    await until(lambda: not systems.sandbox.tasks)
    [left] = await wms.shipments(several, str(CORRELATION_ID))
    assert sum(pick.quantity for pick in left.picks) == 4
    assert len(systems.effects("wms/parcel_shipped")) == len(systems.effects("wms/release_cancelled")) == 1
