"""AvaTax REST v2: the seller's tax of an order as a transaction, recorded, then committed or voided.

| answer | becomes |
|---|---|
| 200, 201 | done |
| 404 to a void | done: there is nothing to void |
| 400 to a commit or void of a transaction that is committed or voided already | done |
| 400 `TimeoutRequested`, 408, 429, 503 | `Unavailable` |
| 401, 403 | `Unauthorized` |
| no answer, other 5xx | `InDoubt` for a write, `Unavailable` for a read |
| anything else | `Declined` with AvaTax's code and message, and the field its `refersTo` names |

Creating again under the same code replaces a transaction that is not committed, so a repeated quote is one document.
"""

from __future__ import annotations

from typing import Any

import httpx

from connectors.contract import correlation_of, json_object
from connectors.errors import ConnectorError, Declined, SchemaDrift, Unavailable
from connectors.http import VendorClient, retry_after
from connectors.ports import TaxQuote
from connectors.registry import SystemConnection
from connectors.tax.avatax_documents import code_of, in_path, transaction
from models.money import Money
from models.order import Address, Order

CLIENT_HEADER = {"X-Avalara-Client": "Orderyard; 0.1; REST; v2; orderyard"}
TIMED_OUT = frozenset({"TimeoutRequested", "TimeoutError"})
"""AvaTax reports its own time-outs as HTTP 400 (recorded: `transactions/create` with `ForceTimeout`)."""


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

    async def quote(self, order: Order, *, retry: bool) -> TaxQuote:
        correlation_id = correlation_of(order)
        code = code_of(str(order.key))
        if retry and (known := await self._find(code, correlation_id)) and known.get("status") == "Committed":
            return _quote(known, order, code)
        response = await self._client.send(
            "create",
            "POST",
            "/api/v2/transactions/create",
            json=transaction(order, self._company, self._ship_from),
            correlation_id=correlation_id,
            idempotency_key=f"{order.key}:tax",
            writes=True,
        )
        _require_success("avatax create", response)
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
