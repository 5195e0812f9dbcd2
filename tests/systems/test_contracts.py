"""The contracts in `docs/contracts/` are what the providers send and what the twins answer."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from connectors.erp.rest import RestErp
from connectors.errors import Declined
from connectors.wms.rest import RestWms
from models.order import Address, Buyer
from tests.systems.orders import CORRELATION_ID, connection, erp_order, eur, order, parcel, release
from tests.systems.returns import credit_note, receipt
from tests.systems.running import Systems, until

CONTRACTS = Path(__file__).parents[2] / "docs" / "contracts"
METHODS = ("get", "post")
URI = "urn:orderyard:contract"
FORMATS = FormatChecker()


@FORMATS.checks("date-time", raises=ValueError)
def _is_a_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Contract:
    """An OpenAPI file whose schemas can be asked."""

    def __init__(self, name: str) -> None:
        self.document: dict[str, Any] = yaml.safe_load((CONTRACTS / name).read_text(encoding="utf-8"))
        self._registry: Registry[Any] = Registry().with_resource(URI, DRAFT202012.create_resource(self.document))

    def schema(self, pointer: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"{URI}#{pointer}"}, registry=self._registry, format_checker=FORMATS)

    def check(self, exchange: tuple[httpx.Request, httpx.Response]) -> str:
        """Validate one exchange against its operation; returns the operation."""
        request, response = exchange
        path = self._path(request)
        operation = f"/paths/{_escaped(path)}/{request.method.lower()}"
        described = self.document["paths"][path][request.method.lower()]
        if "requestBody" in described:
            [(media, _)] = described["requestBody"]["content"].items()
            assert request.headers["Content-Type"] == media
            body = dict(parse_qsl(request.content.decode())) if "form" in media else json.loads(request.content)
            self.schema(f"{operation}/requestBody/content/{_escaped(media)}/schema").validate(body)
        answer = self._answer(described["responses"][str(response.status_code)], operation, response.status_code)
        self.schema(answer).validate(json.loads(response.content))
        return f"{request.method} {path}"

    def operations(self) -> set[str]:
        paths = self.document["paths"].items()
        return {f"{method.upper()} {path}" for path, item in paths for method in METHODS if method in item}

    def _path(self, request: httpx.Request) -> str:
        raw = request.url.raw_path.decode().partition("?")[0]
        patterns = {path: re.sub(r"\{[^}]+\}", "[^/]+", path) for path in self.document["paths"]}
        [found] = [path for path, pattern in patterns.items() if re.fullmatch(pattern, raw)]
        return str(found)

    def _answer(self, described: dict[str, Any], operation: str, status: int) -> str:
        base = described["$ref"].removeprefix("#") if "$ref" in described else f"{operation}/responses/{status}"
        return f"{base}/content/{_escaped('application/json')}/schema"


class Recording(httpx.AsyncHTTPTransport):
    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[tuple[httpx.Request, httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        await response.aread()
        self.exchanges.append((request, response))
        return response


@pytest.fixture
async def recording() -> AsyncIterator[Recording]:
    transport = Recording()
    yield transport
    await transport.aclose()


@pytest.mark.parametrize("name", ["erp.openapi.yaml", "wms.openapi.yaml"])
def test_every_schema_of_a_contract_is_a_schema_and_every_reference_leads_somewhere(name: str) -> None:
    contract = Contract(name)
    for schema in contract.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = _references(contract.document)
    assert references
    for reference in references:
        node: Any = contract.document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node


async def test_everything_said_to_and_by_the_erp_is_as_the_contract_says(
    systems: Systems, recording: Recording
) -> None:
    contract = Contract("erp.openapi.yaml")
    erp = RestErp(connection(systems.erp.connection()), transport=recording)
    await erp.create_order(erp_order(), retry=True)
    await erp.create_order(erp_order(), retry=False)
    await erp.create_order(erp_order("bare", ship_to=None, buyer=Buyer(), correlation_id=None), retry=False)
    with pytest.raises(Declined):
        await erp.create_order(erp_order("wrong", total=eur("1.00")), retry=False)
    await erp.post_shipment(parcel(), retry=True)
    await erp.post_invoice(parcel(), retry=True)
    await erp.post_invoice(parcel(), retry=False)
    await erp.post_credit_note(credit_note(), retry=True)
    await erp.receive_return(receipt(), retry=True)
    await erp.receive_return(receipt("blind", order_key=None), retry=False)
    await erp.change_order(erp_order().model_copy(update={"revision": 1}), retry=False)
    with pytest.raises(Declined):
        await erp.change_order(erp_order("unknown").model_copy(update={"revision": 1}), retry=False)
    assert await erp.stock_levels()
    await erp.cancel_order(order("bare").key, str(CORRELATION_ID))
    with pytest.raises(Declined):
        await erp.cancel_order(order().key, str(CORRELATION_ID))
    await erp.aclose()
    seen = {contract.check(exchange) for exchange in recording.exchanges}
    assert seen == contract.operations(), "every operation of the contract was met"


async def test_everything_said_to_and_by_the_wms_is_as_the_contract_says(
    systems: Systems, recording: Recording
) -> None:
    contract = Contract("wms.openapi.yaml")
    wms = RestWms(connection(systems.wms.connection()), transport=recording)
    await wms.release(release(), retry=True)
    await wms.release(release(), retry=False)
    await wms.release(release("bare", ship_by=None), retry=False)
    with pytest.raises(Declined):
        await wms.release(release("nowhere", ship_to=Address()), retry=False)
    await wms.cancel("unheard of", str(CORRELATION_ID))
    await until(lambda: len(systems.effects("wms/parcel_shipped")) >= 2)
    await wms.cancel(release().fulfilment_id, str(CORRELATION_ID))
    await wms.release(release(), retry=True)
    assert await wms.shipments(release().fulfilment_id, str(CORRELATION_ID))
    assert await wms.stock_levels()
    await wms.aclose()
    seen = {contract.check(exchange) for exchange in recording.exchanges}
    assert seen == contract.operations(), "every operation of the contract was met"


def test_a_body_that_is_not_as_agreed_does_not_pass() -> None:
    sales_order = Contract("erp.openapi.yaml").schema("/components/schemas/SalesOrder")
    assert not sales_order.is_valid({"external_reference": "x"})


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(each) for each in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(each) for each in node))
    return set()


def _escaped(step: str) -> str:
    """A step of a JSON pointer in a URI fragment."""
    return step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
