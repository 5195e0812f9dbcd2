"""The ERP provider against its twin, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from connectors.erp import documents
from connectors.erp.rest import RestErp
from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.ports import Erp
from models.money import Money
from models.order import OrderKey
from sandbox.core import Sandbox, SandboxOptions
from sandbox.erp_documents import SalesOrder, check_arithmetic
from sandbox.erp_invoices import invoice_amounts
from sandbox.faults import Fault, FaultKind
from tests.systems.orders import CORRELATION_ID, components, connection, erp_order, eur, order, parcel
from tests.systems.running import Systems

KEY = "amazon/EU-DE/302-7"
Write = Callable[[Erp, bool], Awaitable[str]]

WRITES: dict[str, tuple[Write, str, str]] = {
    "order": (lambda erp, retry: erp.create_order(erp_order(), retry=retry), "post_order", "erp/order_created"),
    "shipment": (lambda erp, retry: erp.post_shipment(parcel(), retry=retry), "post_shipment", "erp/shipment_posted"),
    "invoice": (lambda erp, retry: erp.post_invoice(parcel(), retry=retry), "post_invoice", "erp/invoice_posted"),
}
OPERATIONS = {"order": "erp.create_order", "shipment": "erp.post_shipment", "invoice": "erp.post_invoice"}


@pytest.fixture
async def erp(systems: Systems) -> AsyncIterator[RestErp]:
    provider = RestErp(connection(systems.erp.connection()))
    yield provider
    await provider.aclose()


async def prepared(erp: Erp, kind: str) -> tuple[Write, str]:
    """A write and its effect, with the order in place that shipments and invoices need."""
    write, _, effect = WRITES[kind]
    if kind != "order":
        await erp.create_order(erp_order(), retry=False)
    return write, effect


@pytest.mark.parametrize("kind", WRITES)
async def test_a_write_posted_again_and_again_is_one_document(systems: Systems, erp: RestErp, kind: str) -> None:
    write, effect = await prepared(erp, kind)
    numbers = {await write(erp, retry) for retry in (False, False, True)}
    assert len(numbers) == 1
    assert [entry["key"] for entry in systems.effects(effect)] == [KEY]


@pytest.mark.parametrize("kind", WRITES)
async def test_a_lost_reply_is_in_doubt_and_the_retry_finds_the_document(
    systems: Systems, erp: RestErp, kind: str
) -> None:
    write, effect = await prepared(erp, kind)
    systems.sandbox.faults.add(Fault(operation=OPERATIONS[kind], kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await write(erp, False)
    posted = systems.sandbox.calls[f"{OPERATIONS[kind]} lost"]
    number = await write(erp, True)
    assert [entry["detail"]["number"] for entry in systems.effects(effect)] == [number]
    assert posted == 1
    assert systems.sandbox.calls[f"{OPERATIONS[kind]} 409"] == 0, "the retry must look, not post"


@pytest.mark.parametrize("kind", WRITES)
async def test_a_retry_of_a_write_that_never_arrived_posts_it(systems: Systems, erp: RestErp, kind: str) -> None:
    write, effect = await prepared(erp, kind)
    assert await write(erp, True)
    assert len(systems.effects(effect)) == 1


@pytest.mark.parametrize("kind", WRITES)
async def test_an_expired_token_is_renewed_without_anyone_noticing(systems: Systems, erp: RestErp, kind: str) -> None:
    write, effect = await prepared(erp, kind)
    systems.sandbox.faults.add(Fault(operation=OPERATIONS[kind], kind=FaultKind.EXPIRE_TOKEN, times=1))
    await write(erp, False)
    assert len(systems.effects(effect)) == 1
    assert systems.sandbox.calls["erp.token 200"] >= 2


async def test_a_token_that_the_erp_forgot_is_renewed(systems: Systems, erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    tokens = systems.sandbox.shelf.collection("erp_tokens")
    for token in list(tokens):
        tokens.put(token, 0)
    assert await erp.create_order(erp_order("302-8"), retry=False) == "SO-000002"


@pytest.mark.parametrize("kind", WRITES)
async def test_a_throttled_write_says_when_to_come_again(systems: Systems, erp: RestErp, kind: str) -> None:
    write, effect = await prepared(erp, kind)
    systems.sandbox.faults.add(Fault(operation=OPERATIONS[kind], kind=FaultKind.THROTTLE, times=1))
    with pytest.raises(Unavailable) as refused:
        await write(erp, False)
    assert refused.value.retry_after is not None
    assert refused.value.retry_after.total_seconds() == 1
    assert systems.effects(effect) == []


@pytest.mark.parametrize(("status", "error"), [(500, InDoubt), (502, InDoubt), (503, Unavailable)])
async def test_a_server_error_on_a_write_is_in_doubt_unless_it_says_unavailable(
    systems: Systems, erp: RestErp, status: int, error: type[ConnectorError]
) -> None:
    systems.sandbox.faults.add(Fault(operation="erp.create_order", kind=FaultKind.ERROR, status=status, times=1))
    with pytest.raises(error):
        await erp.create_order(erp_order(), retry=False)


async def test_a_wrong_secret_is_unauthorized(systems: Systems) -> None:
    erp = RestErp(connection(systems.erp.connection(), client_secret="old"))
    with pytest.raises(Unauthorized):
        await erp.create_order(erp_order(), retry=False)
    await erp.aclose()


async def test_a_business_no_names_code_and_field(systems: Systems, erp: RestErp) -> None:
    systems.sandbox.faults.add(Fault(operation="erp.create_order", kind=FaultKind.DECLINE, times=1))
    with pytest.raises(Declined) as no:
        await erp.create_order(erp_order(), retry=False)
    assert (no.value.code, no.value.field) == ("period_closed", "ordered_at")


async def test_an_order_whose_totals_differ_is_declined_at_the_total(systems: Systems, erp: RestErp) -> None:
    with pytest.raises(Declined) as no:
        await erp.create_order(erp_order(total=eur("920.00")), retry=False)
    assert (no.value.code, no.value.field) == ("totals_differ", "totals.total")
    assert systems.effects("erp/order_created") == []


async def test_an_amount_finer_than_its_currency_is_declined(systems: Systems, erp: RestErp) -> None:
    document = documents.sales_order(erp_order(), "MAIN")
    document["charges"][0]["amount"] = "4.901"
    async with httpx.AsyncClient(base_url=systems.sandbox.options.base_url) as client:
        secret = {"client_id": "orderyard", "client_secret": "sandbox-erp-secret", "grant_type": "client_credentials"}
        token = (await client.post("/erp/v1/token", data=secret)).json()["access_token"]
        answer = await client.post("/erp/v1/orders", json=document, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


async def test_shipping_more_than_was_ordered_is_declined_at_the_unit(systems: Systems, erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    await erp.post_shipment(parcel(1, units={"L1": 2}), retry=False)
    with pytest.raises(Declined) as no:
        await erp.post_shipment(parcel(2, units={"L2": 1, "L1": 2}), retry=False)
    assert (no.value.code, no.value.field) == ("over_shipped", "units[1].quantity")
    assert len(systems.effects("erp/shipment_posted")) == 1


async def test_a_shipment_of_an_unknown_order_or_line_is_declined(erp: RestErp) -> None:
    with pytest.raises(Declined) as no_order:
        await erp.post_shipment(parcel(), retry=False)
    await erp.create_order(erp_order(), retry=False)
    with pytest.raises(Declined) as no_line:
        await erp.post_shipment(parcel(units={"L9": 1}), retry=False)
    assert (no_order.value.code, no_order.value.field) == ("unknown_order", "order_reference")
    assert (no_line.value.code, no_line.value.field) == ("unknown_line", "units[0].line_reference")


async def test_cancelling_twice_cancels_once_and_cancelling_nothing_is_fine(systems: Systems, erp: RestErp) -> None:
    key = order().key
    await erp.cancel_order(key, str(CORRELATION_ID))
    await erp.create_order(erp_order(), retry=False)
    await erp.cancel_order(key, str(CORRELATION_ID))
    await erp.cancel_order(key, str(CORRELATION_ID))
    assert [entry["key"] for entry in systems.effects("erp/order_cancelled")] == [KEY]


async def test_a_cancellation_whose_reply_was_lost_is_one_cancellation(systems: Systems, erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    systems.sandbox.faults.add(Fault(operation="erp.cancel_order", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await erp.cancel_order(order().key, str(CORRELATION_ID))
    await erp.cancel_order(order().key, str(CORRELATION_ID))
    assert len(systems.effects("erp/order_cancelled")) == 1


async def test_a_shipped_order_is_not_cancelled(systems: Systems, erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    await erp.post_shipment(parcel(), retry=False)
    with pytest.raises(Declined) as no:
        await erp.cancel_order(order().key, str(CORRELATION_ID))
    assert no.value.code == "already_shipped"
    assert systems.effects("erp/order_cancelled") == []


async def test_a_cancelled_order_takes_no_shipment(erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    await erp.cancel_order(order().key, str(CORRELATION_ID))
    with pytest.raises(Declined) as no:
        await erp.post_shipment(parcel(), retry=False)
    assert no.value.code == "order_cancelled"


async def test_the_invoices_of_all_parcels_add_up_to_what_the_channel_owes(systems: Systems, erp: RestErp) -> None:
    await erp.create_order(erp_order(), retry=False)
    for number, units in enumerate(({"L1": 1}, {"L1": 1, "L2": 1}, {"L1": 1}), start=1):
        await erp.post_invoice(parcel(number, units=units), retry=False)
    details = [entry["detail"] for entry in systems.effects("erp/invoice_posted")]
    assert sum(Decimal(detail["total"]) for detail in details) == order().receivable.amount
    assert sum(Decimal(detail["channel_tax"]) for detail in details) == order().totals.channel_tax.amount
    assert sum(Decimal(detail["seller_tax"]) for detail in details) == order().totals.seller_tax.amount


@given(
    st.lists(st.sampled_from(["L1", "L1", "L2"]), max_size=30), st.integers(1, 99999), st.sampled_from(["EUR", "JPY"])
)
def test_however_units_are_split_over_invoices_no_minor_unit_is_lost(
    sequence: list[str], minor: int, currency: str
) -> None:
    posted = SalesOrder.model_validate(_two_lines(minor, currency))
    check_arithmetic(posted)
    counts = {"L1": 0, "L2": 0}
    whole = {"L1": 7, "L2": 3}
    total = Money.zero(currency)
    first = True
    for line in [*sequence, *["L1"] * 7, *["L2"] * 3]:
        if counts[line] < whole[line]:
            after = {**counts, line: counts[line] + 1}
            total += invoice_amounts(posted, counts, after, first).total
            counts, first = after, False
    assert total.amount == posted.totals.total - posted.totals.channel_tax


def _two_lines(minor: int, currency: str) -> dict[str, Any]:
    """Seven and three units of awkward prices, a channel's tax, and shipping for the order as a whole."""
    unit = Decimal(1) if currency == "JPY" else Decimal("0.01")
    goods, channel_tax, shipping = minor * unit, (minor // 11) * unit, (minor // 3) * unit
    lines = [
        {"line_reference": "L1", "sku": "A", "quantity": 7, "amount": str(goods)},
        {
            "line_reference": "L2",
            "sku": "B",
            "quantity": 3,
            "amount": str(goods),
            "taxes": [{"amount": str(channel_tax), "remitter": "channel"}],
        },
    ]
    totals = {"goods": goods * 2, "discounts": Decimal(0), "shipping": shipping, "other": Decimal(0)}
    totals |= {"seller_tax": Decimal(0), "channel_tax": channel_tax, "total": goods * 2 + shipping + channel_tax}
    return {
        "external_reference": "x/y/z",
        "correlation_id": "c",
        "company": "MAIN",
        "ordered_at": "2026-11-20T09:30:00Z",
        "currency": currency,
        "lines": lines,
        "charges": [{"kind": "shipping", "amount": str(shipping)}],
        "totals": {name: str(amount) for name, amount in totals.items()},
        "assessed_seller_tax": "0",
    }


async def test_the_books_survive_the_process(tmp_path: Path) -> None:
    numbers = []
    for _ in range(2):
        systems = Systems(Sandbox(SandboxOptions(state_dir=tmp_path)))
        transport = httpx.ASGITransport(Starlette(routes=systems.routes))
        erp = RestErp(connection(systems.erp.connection()), transport=transport)
        numbers.append([await write(erp, False) for write, _, _ in WRITES.values()])
        await erp.aclose()
        counts = systems.sandbox.ledger.counts()
        await systems.aclose()
    assert numbers[0] == numbers[1]
    assert counts == {"erp/order_created": 1, "erp/shipment_posted": 1, "erp/invoice_posted": 1}


# What each answer of an ERP means, for any write: status, body -> error or number.
ANSWERS: list[tuple[int, bytes, type[ConnectorError] | None]] = [
    (201, b'{"number": "SO-1"}', None),
    (200, b'{"number": "SO-1"}', None),
    (409, b'{"error": {"code": "duplicate_reference"}, "number": "SO-1"}', None),
    (409, b'{"error": {"code": "duplicate_reference"}}', InDoubt),
    (409, b'{"error": {"code": "fiscal_year"}}', Declined),
    (201, b"<html>gateway</html>", InDoubt),
    (201, b"[]", InDoubt),
    (201, b'{"number": 7}', InDoubt),
    (400, b"", Declined),
    (400, b'{"error": "nope"}', Declined),
    (404, b'{"error": {"code": "unknown_order", "field": "order_reference"}}', Declined),
    (422, b'{"error": {"code": "x", "field": "lines[0].sku", "message": "no"}}', Declined),
    (423, b'{"error": {"code": "period_locked"}}', Unavailable),
    (429, b"", Unavailable),
    (401, b"", Unauthorized),
    (403, b"", Unauthorized),
    (500, b"", InDoubt),
    (503, b"", Unavailable),
    (302, b"", Declined),
    (422, b"\xff\xfe garbage", Declined),
    (422, b"[" * 100_000, Declined),
]


@pytest.mark.parametrize(("status", "body", "error"), ANSWERS)
async def test_each_answer_to_a_write_has_one_meaning(
    systems: Systems, status: int, body: bytes, error: type[ConnectorError] | None
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        return httpx.Response(status, content=body)

    erp = RestErp(connection(systems.erp.connection()), transport=httpx.MockTransport(answer))
    for write, _, _ in WRITES.values():
        if error is None:
            assert await write(erp, False) == "SO-1"
        else:
            with pytest.raises(error):
                await write(erp, False)
    await erp.aclose()


async def test_a_look_up_that_is_not_as_agreed_is_schema_drift(systems: Systems) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        return httpx.Response(200, json={"orders": "none"})

    erp = RestErp(connection(systems.erp.connection()), transport=httpx.MockTransport(answer))
    with pytest.raises(SchemaDrift) as drift:
        await erp.create_order(erp_order(), retry=True)
    assert drift.value.path == "orders"
    await erp.aclose()


async def test_every_call_carries_the_correlation_id_and_every_write_its_idempotency_key(systems: Systems) -> None:
    seen: list[httpx.Request] = []

    class Recording(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return await super().handle_async_request(request)

    erp = RestErp(connection(systems.erp.connection()), transport=Recording())
    await erp.create_order(erp_order(), retry=True)
    await erp.post_shipment(parcel(), retry=False)
    await erp.aclose()
    calls = [request for request in seen if not request.url.path.endswith("/token")]
    assert {request.headers["X-Correlation-Id"] for request in calls} == {str(CORRELATION_ID)}
    keys = [request.headers["Idempotency-Key"] for request in calls if request.method == "POST"]
    assert keys == [f"{KEY}:create_order", f"{KEY}:shipment:P-1"]


def test_a_parcel_reference_is_scoped_by_its_order() -> None:
    other = parcel().model_copy(update={"order_key": OrderKey(channel="shopify", account="main", external_id="1")})
    assert documents.parcel_reference(parcel()) != documents.parcel_reference(other)


def test_items_carry_the_whole_price_of_their_line() -> None:
    lines = documents.sales_order(erp_order(), "MAIN")["lines"]
    for line in lines:
        assert sum(Decimal(item["amount"]) for item in line["items"]) == Decimal(line["amount"])
    assert sum(len(line["items"]) for line in lines) == len(components())
