"""AvaTax against its twin over real HTTP, and the rate table beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.tax import rates
from connectors.tax.avatax import AvaTax
from connectors.tax.avatax_documents import code_of, in_path, transaction
from connectors.tax.rate_table import RateTable, rate_for
from models.money import Money
from models.order import Address, OrderLine, Remitter
from sandbox.faults import Fault, FaultKind
from sandbox.tax_documents import Transaction, exact_json
from tests.systems.orders import BERLIN, CORRELATION_ID, connection, eur, order, tax
from tests.systems.running import Systems

KEY = "amazon/EU-DE/302-7"
CORRELATION = str(CORRELATION_ID)
SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "samples" / "tax"
RECORDED = sorted(SAMPLES.glob("avatax__*.json")) if SAMPLES.is_dir() else []


@pytest.fixture
async def avatax(systems: Systems) -> AsyncIterator[AvaTax]:
    provider = AvaTax(connection(systems.tax.connection()))
    yield provider
    await provider.aclose()


async def test_only_the_sellers_part_is_the_sellers_tax(systems: Systems, avatax: AvaTax) -> None:
    quote = await avatax.quote(order(), retry=False)
    assert quote.seller_tax == order().totals.seller_tax == eur("104.08")
    assert (quote.source, quote.document) == ("avatax", KEY)
    assert [entry["key"] for entry in systems.effects("tax/transaction_recorded")] == [KEY]


async def test_quoting_again_replaces_the_transaction_and_is_no_second_one(systems: Systems, avatax: AvaTax) -> None:
    await avatax.quote(order(), retry=False)
    corrected = order(ship_to=BERLIN.model_copy(update={"country": "AT", "postal_code": "1010"}))
    quote = await avatax.quote(corrected, retry=True)
    assert quote.seller_tax == eur("108.65")
    assert len(systems.effects("tax/transaction_recorded")) == 1


async def test_a_lost_reply_is_in_doubt_and_the_retry_records_nothing_more(systems: Systems, avatax: AvaTax) -> None:
    systems.sandbox.faults.add(Fault(operation="tax.create", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await avatax.quote(order(), retry=False)
    assert (await avatax.quote(order(), retry=True)).seller_tax == eur("104.08")
    assert len(systems.effects("tax/transaction_recorded")) == 1


async def test_a_transaction_is_committed_once_also_when_the_reply_was_lost(systems: Systems, avatax: AvaTax) -> None:
    await avatax.quote(order(), retry=False)
    systems.sandbox.faults.add(Fault(operation="tax.commit", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await avatax.commit(KEY, CORRELATION)
    await avatax.commit(KEY, CORRELATION)
    assert len(systems.effects("tax/transaction_committed")) == 1


async def test_quoting_a_committed_order_again_answers_what_was_committed(systems: Systems, avatax: AvaTax) -> None:
    quote = await avatax.quote(order(), retry=False)
    await avatax.commit(KEY, CORRELATION)
    assert await avatax.quote(order(), retry=True) == quote
    with pytest.raises(Declined) as no:
        await avatax.quote(order(), retry=False)
    assert (no.value.code, no.value.field) == ("GetTaxError", "DocStatus")


async def test_voiding_twice_voids_once_and_voiding_nothing_is_fine(systems: Systems, avatax: AvaTax) -> None:
    await avatax.void(KEY, CORRELATION)
    await avatax.quote(order(), retry=False)
    await avatax.void(KEY, CORRELATION)
    await avatax.void(KEY, CORRELATION)
    assert len(systems.effects("tax/transaction_voided")) == 1
    with pytest.raises(Declined):
        await avatax.commit(KEY, CORRELATION)


async def test_committing_what_was_never_recorded_is_declined(avatax: AvaTax) -> None:
    with pytest.raises(Declined) as no:
        await avatax.commit(KEY, CORRELATION)
    assert no.value.code == "EntityNotFoundError"


async def test_an_address_that_does_not_exist_is_declined_with_avataxs_words(systems: Systems, avatax: AvaTax) -> None:
    nowhere = order(ship_to=BERLIN.model_copy(update={"postal_code": "00000"}))
    with pytest.raises(Declined) as no:
        await avatax.quote(nowhere, retry=False)
    assert (no.value.code, no.value.field) == ("InvalidAddress", "addresses.ShipTo.postalCode")
    assert "postal code does not exist" in str(no.value)
    assert "Client" in str(no.value)
    assert systems.effects("tax/transaction_recorded") == []


async def test_a_tax_code_that_does_not_exist_is_declined_by_name(systems: Systems, avatax: AvaTax) -> None:
    sku = order().lines[1].sku
    with pytest.raises(Declined) as no:
        await avatax.quote(order(), retry=False, codes={sku: "P999"})
    assert (no.value.code, no.value.field) == ("invalid_tax_code", "tax_code:P999")
    assert f"'P999' of {sku}" in str(no.value)
    assert systems.effects("tax/transaction_recorded") == []
    await avatax.quote(order(), retry=True, codes={sku: "PC040100"})
    assert len(systems.effects("tax/transaction_recorded")) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(operation="tax.create", kind=FaultKind.THROTTLE), Unavailable),
        (Fault(operation="tax.create", kind=FaultKind.ERROR, status=503), Unavailable),
        (Fault(operation="tax.create", kind=FaultKind.ERROR, status=500), InDoubt),
        (Fault(operation="tax.create", kind=FaultKind.ERROR, status=408), Unavailable),
        (Fault(operation="tax.create", kind=FaultKind.EXPIRE_TOKEN), Unauthorized),
        (Fault(operation="tax.create", kind=FaultKind.DECLINE), Declined),
    ],
)
async def test_each_trouble_with_avatax_has_one_meaning(
    systems: Systems, avatax: AvaTax, fault: Fault, error: type[ConnectorError]
) -> None:
    systems.sandbox.faults.add(fault)
    with pytest.raises(error) as raised:
        await avatax.quote(order(), retry=False)
    if fault.kind is FaultKind.THROTTLE:
        assert raised.value.retry_after is not None


async def test_a_wrong_licence_key_is_unauthorized(systems: Systems) -> None:
    avatax = AvaTax(connection(systems.tax.connection(), license_key="old"))
    with pytest.raises(Unauthorized):
        await avatax.quote(order(), retry=False)
    await avatax.aclose()


async def test_a_key_too_long_for_a_code_is_still_one_transaction(systems: Systems, avatax: AvaTax) -> None:
    long = order("0" * 80)
    quote = await avatax.quote(long, retry=False)
    assert quote.document is not None
    assert len(quote.document) == 50
    await avatax.void(str(long.key), CORRELATION)
    assert len(systems.effects("tax/transaction_voided")) == 1


def test_a_code_is_its_own_code_and_different_keys_have_different_codes() -> None:
    codes = {code_of(f"amazon/EU-DE/{'0' * 60}{number}") for number in range(100)}
    assert len(codes) == 100
    assert {code_of(code) for code in codes} == codes
    assert code_of(KEY) == KEY


def test_characters_avatax_cannot_have_in_a_path_are_written_its_way() -> None:
    assert in_path("a/b+c?d%e#f g") == "a_-ava2f-_b_-ava2b-_c_-ava3f-_d_-ava25-_e_-ava23-_f%20g"


def test_the_transaction_says_what_is_taxed_where_and_by_whom() -> None:
    document = transaction(order(), "DEFAULT", None)
    Transaction.model_validate(document)
    lines = [(line["amount"], line["taxIncluded"], line["marketplaceLiabilityType"]) for line in document["lines"]]
    assert lines == [("647.00", True, "Seller"), ("260.00", False, "Marketplace"), ("4.90", True, "Seller")]
    assert [line["taxCode"] for line in document["lines"]] == ["P0000000", "P0000000", "FR"]
    assert document["addresses"]["SingleLocation"]["postalCode"] == "10119"
    assert (document["date"], document["currencyCode"], document["commit"]) == ("2026-11-20", "EUR", False)
    assert "kaethe" not in json.dumps(document), "the engine need not know the buyer"


def test_an_order_without_any_address_is_declined_at_the_field_unless_the_shop_has_one() -> None:
    nowhere = order(ship_to=None, bill_to=None)
    with pytest.raises(Declined) as no:
        transaction(nowhere, "DEFAULT", None)
    assert no.value.field == "ship_to"
    assert transaction(nowhere, "DEFAULT", BERLIN)["addresses"]["SingleLocation"]["city"] == "Berlin"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"<html>", "$"),
        (b"{}", "totalTax"),
        (b'{"totalTax": "much"}', "totalTax"),
        (b'{"totalTax": 1.005}', "totalTax"),
    ],
)
async def test_an_answer_without_an_exact_tax_is_schema_drift(systems: Systems, body: bytes, path: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(201, content=body))
    avatax = AvaTax(connection(systems.tax.connection()), transport=transport)
    with pytest.raises(SchemaDrift) as drift:
        await avatax.quote(order(), retry=False)
    assert drift.value.path == path
    await avatax.aclose()


@pytest.mark.skipif(not RECORDED, reason="no recordings of AvaTax on this machine")
async def test_recorded_refusals_of_avatax_become_our_errors(systems: Systems) -> None:
    expected = {"MissingLine": Declined, "TimeoutRequested": Unavailable, "GetTaxError": Declined}
    met = set()
    for exchange in (each for path in RECORDED for each in json.loads(path.read_text())):
        body, status = exchange["response"]["body"], exchange["response"]["status"]
        code = body.get("error", {}).get("code")
        if code in expected and exchange["request"]["uri"].partition("?")[0].endswith("create"):
            answer = httpx.Response(status, json=body)
            avatax = AvaTax(connection(systems.tax.connection()), transport=httpx.MockTransport(lambda _, a=answer: a))
            with pytest.raises(expected[code]):
                await avatax.quote(order(), retry=False)
            await avatax.aclose()
            met.add(code)
    assert met == set(expected)


def recorded_creations() -> list[dict[str, Any]]:
    exchanges = (each for path in RECORDED for each in json.loads(path.read_text()))
    return [
        each
        for each in exchanges
        if each["request"]["uri"].endswith("/transactions/create") and each["response"]["status"] == 201
    ]


@pytest.mark.skipif(not RECORDED, reason="no recordings of AvaTax on this machine")
async def test_the_twin_takes_recorded_requests_and_answers_fields_that_avatax_answers(systems: Systems) -> None:
    exchanges = recorded_creations()
    assert exchanges
    async with httpx.AsyncClient(base_url=systems.sandbox.options.base_url, headers=_basic()) as client:
        for exchange in exchanges:
            body = {**exchange["request"]["body"], "code": f"{exchange['request']['body']['code']}-again"}
            answer = await client.post("/api/v2/transactions/create", json=body)
            recorded = exchange["response"]["body"]
            assert answer.status_code == 201
            assert answer.headers["x-correlation-id"]
            assert set(answer.json()) <= set(recorded) | {"taxDate", "region", "country"}
            assert answer.json()["type"] == recorded["type"]
            assert answer.json()["status"] in (recorded["status"], "Saved")
            assert len(answer.json()["lines"]) == len(recorded["lines"])


async def test_ping_answers_200_to_strangers_as_avatax_does(systems: Systems) -> None:
    async with httpx.AsyncClient(base_url=systems.sandbox.options.base_url) as client:
        stranger = await client.get("/api/v2/utilities/ping")
        known = await client.get("/api/v2/utilities/ping", headers=_basic())
    assert (stranger.status_code, stranger.json()["authenticated"]) == (200, False)
    assert known.json()["authenticated"] is True


async def test_the_twin_answers_errors_in_avataxs_words(systems: Systems) -> None:
    base = {"type": "SalesInvoice", "code": "x", "customerCode": "c", "date": "2026-11-20"}
    address = {"SingleLocation": {"country": "DE"}}
    line = {"amount": "1", "quantity": 1}
    cases: list[tuple[object, str]] = [
        ({**base, "addresses": address, "lines": []}, "MissingLine"),
        ({**base, "lines": [line]}, "MissingAddress"),
        ({**base, "addresses": address, "lines": [{"amount": "much"}]}, "ModelStateInvalid"),
        ([], "ModelStateInvalid"),
    ]
    async with httpx.AsyncClient(base_url=systems.sandbox.options.base_url, headers=_basic()) as client:
        for body, code in cases:
            answer = await client.post("/api/v2/transactions/create", json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
        timeout = await client.post("/api/v2/transactions/create?$include=ForceTimeout", json=base)
        assert timeout.json()["error"]["code"] == "TimeoutRequested"


@pytest.mark.parametrize("name", ["ShipTo", "shipTo", "SingleLocation", "singleLocation"])
async def test_the_twin_knows_an_address_by_either_of_its_names(systems: Systems, name: str) -> None:
    body = {"type": "SalesOrder", "customerCode": "c", "date": "2026-11-20", "lines": [{"amount": 100, "quantity": 1}]}
    async with httpx.AsyncClient(base_url=systems.sandbox.options.base_url, headers=_basic()) as client:
        answer = await client.post("/api/v2/transactions/create", json={**body, "addresses": {name: {"country": "DE"}}})
    assert answer.json()["totalTax"] == 19


async def test_an_estimate_is_not_stored(systems: Systems) -> None:
    body = {
        "type": "SalesOrder",
        "code": "estimate",
        "customerCode": "c",
        "date": "2026-11-20",
        "addresses": {"SingleLocation": {"country": "DE"}},
        "lines": [{"amount": 10.5, "quantity": 1}],
    }
    async with httpx.AsyncClient(base_url=systems.sandbox.options.base_url, headers=_basic()) as client:
        answer = await client.post("/api/v2/transactions/create", json=body)
        found = await client.get("/api/v2/companies/DEFAULT/transactions/estimate")
    assert (answer.json()["status"], found.status_code) == ("Temporary", 404)
    assert systems.effects("tax/transaction_recorded") == []


def test_numbers_are_written_exactly() -> None:
    value = {"a": Decimal("104.08"), "b": [Decimal("0.1"), 1, None, True, 'q"'], "c": Decimal("1E+2")}
    read = json.loads(exact_json(value), parse_float=Decimal)
    assert read == {"a": Decimal("104.08"), "b": [Decimal("0.1"), 1, None, True, 'q"'], "c": 100}


def _basic() -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(b'2000000001:SANDBOX0LICENSE0').decode()}"}


def at(country: str, region: str = "") -> Address:
    return Address(lines=("1",), city="C", country=country, region=region)


@pytest.mark.parametrize(
    ("address", "rate"),
    [
        (at("DE"), "0.19"),
        (at("de"), "0.19"),
        (at("FI"), "0.255"),
        (at("US", "DE"), "0"),
        (at("US", "us-ca"), "0.0725"),
        (at("US", "Guam"), None),
        (at("CA", "QC"), "0.14975"),
        (at("CA", "Nowhere"), "0.05"),
        (at("ZZ"), None),
        (None, None),
    ],
)
def test_the_rate_is_that_of_the_destination(address: Address | None, rate: str | None) -> None:
    assert rate_for(order(ship_to=address)) == (None if rate is None else Decimal(rate))


def test_the_rate_table_estimates_the_sellers_part_alone() -> None:
    quote = RateTable().quote(order())
    assert quote.seller_tax == eur("104.08")
    assert (quote.source, quote.document) == ("rate_table", None)


def test_where_the_table_has_no_rate_the_channels_figure_stands() -> None:
    abroad = order(ship_to=at("ZZ"))
    assert RateTable().quote(abroad).seller_tax == abroad.totals.seller_tax


def test_prices_include_tax_where_they_are_shown_so_and_not_in_the_us() -> None:
    def untaxed(country: str, region: str = "") -> Money:
        line = OrderLine(line_id="L1", sku="A", quantity=1, goods=eur("119.00"))
        return (
            RateTable()
            .quote(order(lines=(line,), charges=(), total=eur("119.00"), ship_to=at(country, region)))
            .seller_tax
        )

    assert untaxed("DE") == eur("19.00")
    assert untaxed("US", "PA") == eur("7.14")


def test_a_facilitators_order_owes_no_seller_tax() -> None:
    line = OrderLine(
        line_id="L1", sku="A", quantity=1, goods=eur("100.00"), taxes=(tax("19.00", Remitter.CHANNEL, included=False),)
    )
    quote = RateTable().quote(order(lines=(line,), charges=(), total=eur("119.00")))
    assert quote.seller_tax == eur("0")


def test_the_rates_cover_the_union_and_the_states() -> None:
    assert len([country for country in rates.RATES if country in EUROPEAN_UNION]) == 27
    assert len([region for country, region in rates.REGIONAL_RATES if country == "US"]) == 51
    assert all(0 <= rate < Decimal("0.3") for rate in [*rates.RATES.values(), *rates.REGIONAL_RATES.values()])


EUROPEAN_UNION = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
