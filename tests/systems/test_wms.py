"""The WMS provider and its reports against the twin, over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.ports import WebhookRefused
from connectors.wms.rest import RestWms, parse_report, report_secrets, verify_report
from models.order import Address
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from sandbox.wms_documents import Pick, parcels
from tests.systems.orders import BERLIN, CORRELATION_ID, connection, release
from tests.systems.running import Systems, free_socket, served, until

KEY = "amazon/EU-DE/302-7"
ID = release().fulfilment_id
CORRELATION = str(CORRELATION_ID)
SECRET = "sandbox-wms-webhook-secret"


@pytest.fixture
async def wms(systems: Systems) -> AsyncIterator[RestWms]:
    provider = RestWms(connection(systems.wms.connection()))
    yield provider
    await provider.aclose()


def never_ships(systems: Systems) -> None:
    systems.sandbox.options.ship_delay = 3600


def released_in(parcel_count: int) -> str:
    """A fulfilment id whose two tents and six pairs of socks leave in so many parcels."""
    picks = [Pick(line_reference="L1", item="A", quantity=2), Pick(line_reference="L2", item="B", quantity=6)]
    return next(f"order/{n}" for n in range(100) if len(parcels(f"order/{n}", picks)) == parcel_count)


async def test_a_release_is_picked_once_however_often_it_is_sent(systems: Systems, wms: RestWms) -> None:
    for retry in (False, False, True):
        await wms.release(release(), retry=retry)
    await until(lambda: systems.effects("wms/parcel_shipped"))
    assert [entry["key"] for entry in systems.effects("wms/released")] == [KEY]


async def test_a_lost_reply_is_in_doubt_and_the_retry_finds_the_release(systems: Systems, wms: RestWms) -> None:
    systems.sandbox.faults.add(Fault(operation="wms.release", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await wms.release(release(), retry=False)
    await wms.release(release(), retry=True)
    assert len(systems.effects("wms/released")) == 1
    assert systems.sandbox.calls["wms.release 409"] == 0, "the retry must look, not post"


async def test_shipments_tell_everything_that_was_picked(systems: Systems, wms: RestWms) -> None:
    await wms.release(release(), retry=False)
    await until(lambda: _shipped(systems, ID))
    shipments = await wms.shipments(ID, CORRELATION)
    picks = [pick for shipment in shipments for pick in shipment.picks]
    counted = {(pick.line_id, pick.item, pick.per_unit): 0 for pick in picks}
    for pick in picks:
        counted[pick.line_id, pick.item, pick.per_unit] += pick.quantity
    assert counted == {("L1", "TENT-4P", 1): 1, ("L2", "SOCK-WOOL", 3): 3}
    assert {(shipment.fulfilment_id, shipment.node) for shipment in shipments} == {(ID, "BER-1")}
    assert all(shipment.tracking and shipment.carrier for shipment in shipments)


async def test_no_release_means_no_shipments(wms: RestWms) -> None:
    assert await wms.shipments("never/heard", CORRELATION) == []


async def test_a_release_that_is_still_picked_is_cancelled_for_good(systems: Systems, wms: RestWms) -> None:
    never_ships(systems)
    await wms.release(release(), retry=False)
    assert (await wms.cancel(ID, CORRELATION)).confirmed
    assert (await wms.cancel(ID, CORRELATION)).confirmed
    assert len(systems.effects("wms/release_cancelled")) == 1
    with pytest.raises(Declined) as no:
        await wms.release(release(), retry=False)
    assert no.value.code == "cancelled"


async def test_nothing_leaves_after_a_confirmed_cancellation(systems: Systems, wms: RestWms) -> None:
    systems.sandbox.options.ship_delay = 0.1
    await wms.release(release(), retry=False)
    assert (await wms.cancel(ID, CORRELATION)).confirmed
    await until(lambda: not systems.sandbox.tasks)
    assert systems.effects("wms/parcel_shipped") == []
    assert await wms.shipments(ID, CORRELATION) == []


async def test_a_release_that_has_left_is_not_cancelled_and_the_reason_names_the_parcel(
    systems: Systems, wms: RestWms
) -> None:
    await wms.release(release(), retry=False)
    await until(lambda: not systems.sandbox.tasks)
    answer = await wms.cancel(ID, CORRELATION)
    assert not answer.confirmed
    assert systems.effects("wms/parcel_shipped")[-1]["detail"]["shipment_id"] in answer.reason
    assert systems.effects("wms/release_cancelled") == []


async def test_a_cancellation_that_overtakes_its_release_wins(systems: Systems, wms: RestWms) -> None:
    assert (await wms.cancel(ID, CORRELATION)).confirmed
    with pytest.raises(Declined) as no:
        await wms.release(release(), retry=False)
    assert no.value.code == "cancelled"
    assert systems.effects("wms/released") == []


async def test_a_cancellation_in_doubt_can_be_asked_again(systems: Systems, wms: RestWms) -> None:
    never_ships(systems)
    await wms.release(release(), retry=False)
    systems.sandbox.faults.add(Fault(operation="wms.cancel", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await wms.cancel(ID, CORRELATION)
    assert (await wms.cancel(ID, CORRELATION)).confirmed
    assert len(systems.effects("wms/release_cancelled")) == 1


@pytest.mark.parametrize(
    ("address", "field"),
    [
        (BERLIN.model_copy(update={"city": ""}), "ship_to.city"),
        (BERLIN.model_copy(update={"lines": ()}), "ship_to.lines"),
        (Address(lines=("Somewhere 1",), city="Berlin"), "ship_to.country"),
    ],
)
async def test_an_address_no_parcel_can_go_to_is_declined_at_the_field(
    systems: Systems, wms: RestWms, address: Address, field: str
) -> None:
    with pytest.raises(Declined) as no:
        await wms.release(release(ship_to=address), retry=False)
    assert (no.value.code, no.value.field) == ("address_incomplete", field)
    await wms.release(release(), retry=False)
    assert len(systems.effects("wms/released")) == 1, "a refused release may be sent again, corrected"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(operation="wms.release", kind=FaultKind.THROTTLE), Unavailable),
        (Fault(operation="wms.release", kind=FaultKind.ERROR, status=503), Unavailable),
        (Fault(operation="wms.release", kind=FaultKind.ERROR, status=500), InDoubt),
        (Fault(operation="wms.release", kind=FaultKind.ERROR, status=423), Unavailable),
        (Fault(operation="wms.release", kind=FaultKind.DECLINE), Declined),
    ],
)
async def test_each_trouble_with_a_release_has_one_meaning(
    systems: Systems, wms: RestWms, fault: Fault, error: type[ConnectorError]
) -> None:
    systems.sandbox.faults.add(fault)
    with pytest.raises(error):
        await wms.release(release(), retry=False)
    assert systems.effects("wms/released") == []


async def test_a_wrong_key_is_unauthorized(systems: Systems) -> None:
    wms = RestWms(connection(systems.wms.connection(), api_key="old"))
    with pytest.raises(Unauthorized):
        await wms.release(release(), retry=False)
    await wms.aclose()


async def test_an_unreadable_answer_to_a_cancellation_is_in_doubt_not_a_guess(systems: Systems) -> None:
    garbage = httpx.MockTransport(lambda _: httpx.Response(200, content=b"<html>"))
    wms = RestWms(connection(systems.wms.connection()), transport=garbage)
    with pytest.raises(InDoubt):
        await wms.cancel(ID, CORRELATION)
    with pytest.raises(SchemaDrift):
        await wms.shipments(ID, CORRELATION)
    await wms.aclose()


class Gateway:
    """Takes reports as the product's gateway does."""

    def __init__(self, refusals: int = 0) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self._refusals = refusals

    async def take(self, request: Request) -> Response:
        if self._refusals > 0:
            self._refusals -= 1
            return Response(status_code=503)
        self.taken.append((dict(request.headers), await request.body()))
        return Response(status_code=200)


async def test_each_parcel_is_reported_signed_and_understood(systems: Systems, wms: RestWms) -> None:
    gateway, listener = Gateway(refusals=1), free_socket()
    systems.sandbox.options.webhooks_to = f"http://127.0.0.1:{listener.getsockname()[1]}"
    fulfilment_id = released_in(2)
    async with served([Route("/webhooks/wms/main", gateway.take, methods=["POST"])], listener):
        await wms.release(release(fulfilment_id, quantity=2), retry=False)
        await until(lambda: len({headers["x-wms-delivery"] for headers, _ in gateway.taken}) == 2)
    reports = []
    for headers, body in gateway.taken:
        event = verify_report(headers, body, (SECRET,))
        assert (event.topic, event.external_id) == ("shipment", fulfilment_id)
        reports.append(parse_report(body))
    by_id = {report.shipment.shipment_id: report for report in reports if report.shipment}
    shipments = await wms.shipments(fulfilment_id, CORRELATION)
    assert [by_id[shipment.shipment_id].shipment for shipment in shipments] == shipments
    assert {report.reply_to for report in reports} == {"order/amazon/EU-DE/302-7"}


async def test_picking_goes_on_after_a_restart(tmp_path: Path) -> None:
    options = SandboxOptions(state_dir=tmp_path, ship_delay=3600)
    before = Systems(Sandbox(options))
    transport = httpx.ASGITransport(_app(before))
    wms = RestWms(connection(before.wms.connection()), transport=transport)
    await wms.release(release("stays", quantity=2), retry=False)
    await wms.release(release("goes"), retry=False)
    await wms.cancel("goes", CORRELATION)
    await wms.aclose()
    await before.aclose()
    after = Systems(Sandbox(options.model_copy(update={"ship_delay": 0.01})))
    after.wms.resume()
    await until(lambda: _shipped(after, "stays"))
    shipped = {entry["detail"]["fulfilment_id"] for entry in after.effects("wms/parcel_shipped")}
    assert shipped == {"stays"}
    assert len(after.effects("wms/released")) == 2
    await after.aclose()


async def test_the_second_parcel_stays_when_the_sandbox_stops_between_two(tmp_path: Path) -> None:
    options = SandboxOptions(state_dir=tmp_path, ship_delay=0.05)
    before = Systems(Sandbox(options))
    wms = RestWms(connection(before.wms.connection()), transport=httpx.ASGITransport(_app(before)))
    fulfilment_id = released_in(2)
    await wms.release(release(fulfilment_id, quantity=2), retry=False)
    await until(lambda: before.effects("wms/parcel_shipped"))
    await wms.aclose()
    await before.aclose()
    after = Systems(Sandbox(options))
    after.wms.resume()
    await until(lambda: _shipped(after, fulfilment_id))
    assert len({entry["detail"]["shipment_id"] for entry in after.effects("wms/parcel_shipped")}) == 2
    assert len(after.effects("wms/parcel_shipped")) == 2
    await after.aclose()


@given(st.text(min_size=1, max_size=20), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_parcels_hold_exactly_what_was_picked(fulfilment_id: str, quantities: list[int]) -> None:
    picks = [Pick(line_reference=f"L{n}", item=f"I{n}", quantity=quantity) for n, quantity in enumerate(quantities)]
    packed = parcels(fulfilment_id, picks)
    counted = {pick.line_reference: 0 for pick in picks}
    for parcel in packed:
        assert parcel, "no parcel leaves empty"
        for pick in parcel:
            counted[pick["line_reference"]] += pick["quantity"]
    assert counted == {pick.line_reference: pick.quantity for pick in picks}
    assert len(packed) == 1 or sum(quantities) > 1


def test_about_every_third_release_of_several_units_leaves_in_two_parcels() -> None:
    picks = [Pick(line_reference="L1", item="A", quantity=2)]
    split = sum(len(parcels(f"order/{number}", picks)) == 2 for number in range(600))
    assert 150 < split < 250


def signed(body: bytes, secret: str = SECRET, **changes: str) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Wms-Signature": f"sha256={signature}", "X-Wms-Delivery": "d-1", **changes}


REPORT: dict[str, Any] = {
    "event": "shipment",
    "fulfilment_id": "f/1",
    "reply_to": "order/x/y/z",
    "order_reference": "x/y/z",
    "correlation_id": CORRELATION,
    "shipment": {
        "shipment_id": "P-1",
        "node": "BER-1",
        "carrier": "DHL",
        "tracking_number": "0034",
        "shipped_at": "2026-11-20T10:30:00+01:00",
        "picks": [{"line_reference": "L1", "item": "TENT-4P", "quantity": 2}],
    },
}
BODY = json.dumps({**REPORT, "note": "grüße"}, ensure_ascii=False).encode()


def test_a_report_is_authentic_under_the_current_and_the_former_secret() -> None:
    for secret in (SECRET, "former"):
        assert verify_report(signed(BODY, secret), BODY, (SECRET, "former")).delivery_id == "d-1"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(BODY), BODY + b" "),
        (signed(BODY), json.dumps(json.loads(BODY)).encode()),
        (signed(BODY, "wrong"), BODY),
        ({"X-Wms-Delivery": "d-1"}, BODY),
        (signed(BODY, **{"X-Wms-Signature": ""}), BODY),
        (signed(BODY, **{"X-Wms-Signature": "sha256=ümläut"}), BODY),
        (signed(BODY, **{"X-Wms-Delivery": ""}), BODY),
    ],
    ids=["tampered", "re-serialised", "wrong secret", "missing", "empty", "not ASCII", "no delivery id"],
)
def test_a_report_that_is_not_authentic_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        verify_report(headers, body, (SECRET,))


def test_no_secret_means_no_report_is_authentic() -> None:
    with pytest.raises(WebhookRefused):
        verify_report(signed(BODY, ""), BODY, ())


def test_an_authentic_body_may_be_anything() -> None:
    for body in (b"", b"\xff\x00", b"[1]", b"[" * 100_000, b'{"event": 7}'):
        assert verify_report(signed(body), body, (SECRET,)).topic == ""


def test_the_secrets_of_a_connection_are_the_current_and_the_former() -> None:
    entry = {"provider": "rest", "base_url": "http://x", "credentials": {"webhook_secret": "new"}}
    assert report_secrets(connection(entry)) == ("new",)
    assert report_secrets(connection(entry, former_webhook_secret="old")) == ("new", "old")


def test_a_report_becomes_a_shipment_in_utc() -> None:
    report = parse_report(BODY)
    assert report.shipment is not None
    assert report.shipment.shipped_at.isoformat() == "2026-11-20T09:30:00+00:00"
    assert report.shipment.fulfilment_id == "f/1"
    assert report.shipment.picks[0].per_unit == 1


def changed(path: str, value: object) -> bytes:
    """The report with one value replaced, or removed when the value is None."""
    report = json.loads(json.dumps(REPORT))
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node = report
    for step in parents:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return json.dumps(report).encode()


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        (b"", "not_json", "$"),
        (b"\xff\xfe", "not_json", "$"),
        (b"[" * 100_000, "not_json", "$"),
        (b"[]", "wrong_type", "$"),
        (changed("reply_to", None), "missing", "reply_to"),
        (changed("shipment", None), "missing", "shipment"),
        (changed("event", "stocktake"), "unknown_value", "event"),
        (changed("shipment.picks.0.quantity", "two"), "wrong_type", "shipment.picks[0].quantity"),
        (changed("shipment.picks.0.quantity", 0), "wrong_type", "shipment.picks[0].quantity"),
        (changed("shipment.picks", []), "wrong_type", "shipment.picks"),
        (changed("shipment.shipped_at", "2026-11-20T10:30:00"), "wrong_type", "shipment.shipped_at"),
        (changed("shipment.shipment_id", ""), "wrong_type", "shipment.shipment_id"),
    ],
)
def test_a_report_that_is_not_understood_names_path_and_remedy(body: bytes, reason: str, path: str) -> None:
    with pytest.raises(SchemaDrift) as drift:
        parse_report(body)
    assert (drift.value.reason, drift.value.path) == (reason, path)
    assert "docs/contracts/wms.md" in drift.value.remedy


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_a_named_drift(body: bytes) -> None:
    with pytest.raises(SchemaDrift):
        parse_report(body)


@given(
    st.sampled_from(["event", "fulfilment_id", "reply_to", "shipment", "shipment.picks", "shipment.node"]), st.data()
)
def test_any_value_anywhere_is_a_report_or_a_named_drift(path: str, data: st.DataObject) -> None:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    value = data.draw(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
    with suppress(SchemaDrift):
        shipment = parse_report(changed(path, value)).shipment
        assert shipment is None or shipment.picks


def _shipped(systems: Systems, fulfilment_id: str) -> bool:
    found = systems.sandbox.shelf.collection("wms_releases").get(fulfilment_id)
    return found is not None and found["status"] == "shipped"


def _app(systems: Systems) -> Starlette:
    return Starlette(routes=systems.routes)


async def test_calls_at_the_same_moment_are_one_release(systems: Systems, wms: RestWms) -> None:
    await asyncio.gather(*(wms.release(release(), retry=False) for _ in range(10)))
    assert len(systems.effects("wms/released")) == 1
