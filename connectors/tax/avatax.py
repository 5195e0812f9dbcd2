"""AvaTax REST v2: the seller's tax of an order as a transaction, recorded, then committed or voided.

| answer | becomes |
|---|---|
| 200, 201 | done |
| 404 to a void | done: there is nothing to void |
| 400 to a commit, void or refund that was committed or voided already | done |
| 400 `TimeoutRequested`, 408, 429, 503 | `Unavailable` |
| 401, 403 | `Unauthorized` |
| no answer, other 5xx | `InDoubt` for a write, `Unavailable` for a read |
| 4xx that refers to `lines[n].taxCode` | `Declined` with `invalid_tax_code` and the field `tax_code:<code>` |
| anything else | `Declined` with AvaTax's code and message, and the field its `refersTo` names |

Creating again under the same code replaces a transaction that is not committed, so a repeated quote is one document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from connectors.contract import correlation_of, json_object
from connectors.errors import ConnectorError, Declined, SchemaDrift, Unauthorized, Unavailable
from connectors.http import VendorClient, retry_after
from connectors.ports import INVALID_TAX_CODE, NO_CODES, TaxQuote
from connectors.registry import SystemConnection
from connectors.tax.avatax_documents import code_of, in_path, transaction
from connectors.tax.avatax_refunds import return_invoice
from models.money import Money
from models.order import Address, Order
from models.refunds import TaxRefund

CLIENT_HEADER = {"X-Avalara-Client": "Orderyard; 0.1; REST; v2; orderyard"}
TIMED_OUT = frozenset({"TimeoutRequested", "TimeoutError"})
"""AvaTax reports its own time-outs as HTTP 400 (recorded: `transactions/create` with `ForceTimeout`)."""


_TAX_CODE_OF_LINE = re.compile(r"lines\[(\d+)\]\.taxCode", re.IGNORECASE)


class AvaTax:
    """`ports.Tax` on AvaTax."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._company = str(connection.options.get("company_code", "DEFAULT"))
        ship_from = connection.options.get("ship_from")
        self._ship_from = Address.model_validate(ship_from) if ship_from else None
        auth = httpx.BasicAuth(connection.secret("account_id"), connection.secret("license_key"))
        self._client = VendorClient(
            "avatax", connection.base_url, auth=auth, headers=CLIENT_HEADER, transport=transport
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ping(self) -> None:
        """`Ping` answers 200 to anybody, and says whether it knows us."""
        response = await self._client.send("ping", "GET", "/api/v2/utilities/ping")
        _require_success("avatax ping", response)
        if json_object(response, "avatax ping").get("authenticated") is not True:
            raise Unauthorized("avatax ping: the account id or licence key is refused")

    async def quote(self, order: Order, *, retry: bool, codes: Mapping[str, str] = NO_CODES) -> TaxQuote:
        correlation_id = correlation_of(order)
        code = code_of(str(order.key))
        if retry and (known := await self._find(code, correlation_id)) and known.get("status") == "Committed":
            return _quote(known, order, code)
        document = transaction(order, self._company, self._ship_from, codes)
        response = await self._client.send(
            "create",
            "POST",
            "/api/v2/transactions/create",
            json=document,
            correlation_id=correlation_id,
            idempotency_key=f"{order.key}:tax",
            writes=True,
        )
        if not response.is_success:
            raise _about_tax_code(_refused("avatax create", response), document, codes)
        return _quote(json_object(response, "avatax create"), order, code)

    async def commit(self, document: str, correlation_id: str) -> None:
        response = await self._act(document, "commit", {"commit": True}, correlation_id)
        if not response.is_success and not await self._stands_at(document, "Committed", correlation_id):
            raise _refused("avatax commit", response)

    async def void(self, document: str, correlation_id: str) -> None:
        response = await self._act(document, "void", {"code": "DocVoided"}, correlation_id)
        if response.is_success or response.status_code == 404:
            return
        if not await self._stands_at(document, "Cancelled", correlation_id):
            raise _refused("avatax void", response)

    async def refund(self, refund: TaxRefund, *, retry: bool) -> str | None:
        """A refund whose sale was never recorded (the rate table stood in) has nothing to take back: None."""
        order, code = refund.order, code_of(refund.refund_id)
        correlation_id = correlation_of(order)
        if await self._find(code_of(str(order.key)), correlation_id) is None:
            return None
        if retry and await self._find(code, correlation_id) is not None:
            return code
        response = await self._client.send(
            "refund",
            "POST",
            "/api/v2/transactions/create",
            json=return_invoice(refund, self._company, self._ship_from),
            correlation_id=correlation_id,
            idempotency_key=f"{code}:tax-refund",
            writes=True,
        )
        if not response.is_success and not await self._stands_at(code, "Committed", correlation_id):
            raise _refused("avatax refund", response)
        return code

    async def _act(self, code: str, verb: str, body: dict[str, Any], correlation_id: str) -> httpx.Response:
        return await self._client.send(
            verb,
            "POST",
            f"{self._path(code)}/{verb}",
            json=body,
            correlation_id=correlation_id,
            idempotency_key=f"{code}:tax-{verb}",
            writes=True,
        )

    async def _stands_at(self, code: str, status: str, correlation_id: str) -> bool:
        found = await self._find(code, correlation_id)
        return found is not None and found.get("status") == status

    async def _find(self, code: str, correlation_id: str) -> dict[str, Any] | None:
        response = await self._client.send("find", "GET", self._path(code), correlation_id=correlation_id)
        if response.status_code == 404:
            return None
        _require_success("avatax find", response)
        return json_object(response, "avatax find")

    def _path(self, code: str) -> str:
        return f"/api/v2/companies/{in_path(self._company)}/transactions/{in_path(code_of(code))}"


def _quote(document: dict[str, Any], order: Order, code: str) -> TaxQuote:
    value = document.get("totalTax")
    if value is None:
        raise SchemaDrift("missing", "totalTax", value, "AvaTax must answer the transaction with its total tax")
    try:
        tax = Money.of(value, order.currency)
    except ValueError as error:
        remedy = f"AvaTax must answer an exact amount of {order.currency}: check the company's currency"
        raise SchemaDrift("wrong_type", "totalTax", value, remedy) from error
    return TaxQuote(seller_tax=tax, source="avatax", document=code)


def _require_success(operation: str, response: httpx.Response) -> None:
    if not response.is_success:
        raise _refused(operation, response)


def _refused(operation: str, response: httpx.Response) -> ConnectorError:
    error, detail = _error(response)
    code = str(error.get("code") or f"http_{response.status_code}")
    message = f"{operation}: {code}: {detail.get('message') or error.get('message') or 'no reason given'}"
    if code in TIMED_OUT or response.status_code == 408:
        return Unavailable(message, retry_after(response))
    described = f"{message} ({detail.get('faultCode') or 'no fault code'}: {detail.get('description') or ''})"
    field = detail.get("refersTo") or error.get("target")
    return Declined(described, code=code, field=str(field) if field else None)


def _about_tax_code(error: ConnectorError, document: dict[str, Any], codes: Mapping[str, str]) -> ConnectorError:
    """A refusal of one line's `taxCode` names our code; any other stays as it is."""
    line = _TAX_CODE_OF_LINE.fullmatch(error.field or "") if isinstance(error, Declined) else None
    if line is None or int(line[1]) >= len(document["lines"]):
        return error
    refused = document["lines"][int(line[1])]["taxCode"]
    skus = ", ".join(sorted(sku for sku, code in codes.items() if code == refused)) or "goods without a code"
    message = f"{error}: tax code {refused!r} of {skus}; give the item a code that AvaTax knows (`tax-codes set`)"
    return Declined(message, code=INVALID_TAX_CODE, field=f"tax_code:{refused}")


def _error(response: httpx.Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """AvaTax's error and its first detail; empty where the body is something else (a proxy's page)."""
    try:
        error = json_object(response, "avatax").get("error")
    except SchemaDrift:
        return {}, {}
    if not isinstance(error, dict):
        return {}, {}
    details = error.get("details")
    first = details[0] if isinstance(details, list) and details else {}
    return error, first if isinstance(first, dict) else {}
