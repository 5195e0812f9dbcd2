"""The published contract is the one that is read and spoken: schemas, paths, examples, tables."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from connectors.errors import Declined
from connectors.storefront import api, vocabulary
from connectors.storefront.format import StorefrontFormat
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    RefundLine,
    RefundReason,
    RefundRequest,
    ReturnAction,
    ReturnDecision,
    StockQuantity,
    StockUpdate,
)
from models.money import Money
from models.order import ChannelState
from sandbox.traits import draw
from tests.fetched import fetched
from tests.storefront.shop import CORRELATION, VAT_ORDER, Shop, line, order, until
from tests.storefront.test_storefront_client import Recorded, about, parcel
from tests.storefront.write_contract import CONTRACTS, OPENAPI, ORDER_SCHEMA, openapi_text, order_schema_text

URI = "urn:orderyard:storefront"
FORMATS = FormatChecker()
WORDS = (CONTRACTS / "storefront.md").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
REGISTRY: Registry[Any] = Registry().with_resource(URI, DRAFT202012.create_resource(DOCUMENT))
ORDER = Draft202012Validator(json.loads(ORDER_SCHEMA.read_text(encoding="utf-8")), format_checker=FORMATS)


@FORMATS.checks("date-time", raises=ValueError)
def _is_a_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{URI}#{pointer}"}, registry=REGISTRY, format_checker=FORMATS)


def test_what_is_published_is_what_the_models_say() -> None:
    """`python -m tests.storefront.write_contract` writes it anew."""
    assert OPENAPI.read_text(encoding="utf-8") == openapi_text()
    assert ORDER_SCHEMA.read_text(encoding="utf-8") == order_schema_text()


def test_every_schema_is_a_schema_and_every_reference_leads_somewhere() -> None:
    Draft202012Validator.check_schema(ORDER.schema)
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = re.findall(r"\$ref: [\"']?#/([\w/]+)", OPENAPI.read_text(encoding="utf-8"))
    assert len(references) > 50
    for reference in references:
        node: Any = DOCUMENT
        for step in reference.split("/"):
            node = node[step]
        assert node


def test_the_example_in_the_documentation_is_an_order() -> None:
    examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", WORDS, re.DOTALL)]
    ORDER.validate(examples[0])
    parsed = StorefrontFormat().parse(json.dumps(examples[0]).encode(), "shop")
    assert not parsed.refusals, parsed.refusals
    assert not parsed.drift
    validator("/components/schemas/Problem").validate(examples[1])


@pytest.mark.parametrize(
    "wrong",
    [
        order(total=453.10),
        order(total="453,10"),
        order(state="bewitched"),
        order(prices_include_tax="yes"),
        order(lines=[]),
        order(lines=[line(quantity=0)]),
        order(lines=[line(taxes=[{"amount": "1.00"}])]),
        order(id="a/b"),
        order(updated_at="2026-11-23T09:12:44"),
        {key: value for key, value in VAT_ORDER.items() if key != "currency"},
    ],
)
def test_what_the_schema_refuses_is_refused_by_the_parser_too(wrong: dict[str, Any]) -> None:
    assert not ORDER.is_valid(wrong)
    assert StorefrontFormat().parse(json.dumps(wrong).encode(), "shop").refusals


def test_a_field_that_is_new_is_no_offence_to_the_schema() -> None:
    ORDER.validate(order(mood="fine", extras={"anything": "goes"}))


async def test_every_generated_order_is_as_the_schema_says(shop: Shop) -> None:
    for number in range(1, 80):
        document = shop.document(shop.twin.sell(draw(7, "storefront", number)))
        ORDER.validate(document)
        parsed = StorefrontFormat().parse(json.dumps(document).encode(), "shop")
        assert not parsed.refusals, parsed.refusals
        assert not parsed.drift


def test_the_documentation_names_every_code_carrier_and_quota() -> None:
    for code in vocabulary.FAILURES:
        assert code.startswith("http_") or f"`{code}`" in WORDS, code
    for carrier in {*vocabulary.CARRIERS.values(), *vocabulary.PAYOUT_TYPES, *vocabulary.STATES, *vocabulary.CHARGES}:
        assert f"`{carrier}`" in WORDS, carrier
    rows = re.findall(r"^\| .* \| (\d+) \| (\d+) \|$", WORDS, re.MULTILINE)
    assert {(float(rate), int(burst)) for rate, burst in rows} == set(api.QUOTAS.values())


def test_the_vocabulary_reads_back() -> None:
    assert {vocabulary.STATES[vocabulary.VOCABULARY.state_words[state]] for state in ChannelState} == set(ChannelState)


class Exchanges(Recorded):
    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.pairs: list[tuple[httpx.Request, httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        await response.aread()
        self.pairs.append((request, response))
        return response


@pytest.fixture
def exchanges(shop: Shop) -> Exchanges:
    return Exchanges(shop)


def checked(request: httpx.Request, response: httpx.Response) -> str:
    """Validate one exchange against its operation; returns the operation."""
    raw = request.url.raw_path.decode().partition("?")[0].removeprefix("/storefront")
    [path] = [path for path in DOCUMENT["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), raw)]
    method = request.method.lower()
    described = DOCUMENT["paths"][path][method]
    here = f"/paths/{path.replace('/', '~1')}/{method}"
    if "requestBody" in described:
        for name in ("Idempotency-Key", "X-Correlation-Id", "Authorization"):
            assert request.headers[name]
        pointer = f"{here}/requestBody/content/application~1json/schema"
        validator(pointer).validate(json.loads(request.content))
    known = str(response.status_code) in described["responses"]
    answer = f"{here}/responses/{response.status_code if known else 'default'}"
    found = described["responses"][str(response.status_code) if known else "default"]
    answer = found["$ref"].removeprefix("#") if "$ref" in found else answer
    media = response.headers["Content-Type"].replace("/", "~1")
    validator(f"{answer}/content/{media}/schema").validate(json.loads(response.content))
    assert response.status_code >= 400 or response.headers[api.RATE_HEADER]
    return f"{request.method} {path}"


async def test_everything_that_is_said_is_as_the_contract_says(shop: Shop, exchanges: Exchanges) -> None:
    channel = shop.channel(transport=exchanges)
    first, second = shop.order(shop.sell(1, returns=True)), shop.order(shop.sell(2))
    lines = tuple(each.line_id for each in first.lines)
    await channel.acknowledge(Acknowledgement(**about(first, "ack"), lines=lines), retry=False)
    await channel.confirm(parcel(first, {"1": 3, "2": 1}), retry=False)
    for why in CancelReason:
        asked = Cancellation(**about(second, f"cancel-{why}"), units={"2": 1}, whole=False, reason=why, note="so")
        await channel.cancel(asked, retry=False)
    money = Money.of("1.00", first.currency)
    paid = RefundLine(line_id="1", goods=money, shipping=money, tax=money, shipping_tax=money)
    for reason in RefundReason:
        request = RefundRequest(**about(first, f"refund-{reason}"), lines=(paid,), reason=reason)
        await channel.refund(request, retry=False)
    await until(lambda: "returns/created" in shop.webhooks.topics)
    for action in (ReturnAction.ACCEPT, ReturnAction.RECEIVE, ReturnAction.REFUND, ReturnAction.REFUSE):
        decision = ReturnDecision(**about(first, action), return_id="RT-1", action=action, units={"1": 1})
        try:
            await channel.decide_return(decision, retry=False)
        except Declined:
            assert action is ReturnAction.REFUSE
    stock = (StockQuantity(sku="MAT-01", quantity=5), StockQuantity(sku="NOBODY-KNOWS", quantity=1))
    await channel.set_stock(StockUpdate(request_id="s", correlation_id=CORRELATION, quantities=stock), retry=False)
    await channel.poll(None)
    await channel.returns(None)
    shop.twin.close_period()
    for ref in await channel.settlements():
        await fetched(channel, ref)
    with pytest.raises(Declined):
        await channel.order("SF-0")
    said = {checked(request, response) for request, response in exchanges.pairs}
    methods = ("get", "post", "put")
    assert said == {f"{m.upper()} {path}" for path, item in DOCUMENT["paths"].items() for m in methods if m in item}
