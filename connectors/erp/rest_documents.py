"""A REST ERP as one sees it over HTTP: documents with unique external references (`docs/contracts/erp.md`).

| answer | becomes |
|---|---|
| 200, 201 | the document's number |
| 409 `duplicate_reference` | the number of the document that is there already |
| 423 (record or period locked), 429, 503 | `Unavailable` |
| 401, 403 after one token refresh | `Unauthorized` |
| no answer, other 5xx, or a success without a number | `InDoubt` for a write, `Unavailable` for a read |
| anything else | `Declined` with the ERP's code and field |
"""

from __future__ import annotations

import httpx

from connectors.contract import declined, error_code, json_object, text_at
from connectors.erp.documents import Document
from connectors.errors import InDoubt, SchemaDrift, Unavailable
from connectors.http import VendorClient, retry_after
from connectors.levels import LEVELS, stock_levels
from connectors.registry import SystemConnection
from connectors.tokens import TokenAuth
from models.ledger import StockLevel


class ClientCredentials(TokenAuth):
    """OAuth 2 client-credentials grant (RFC 6749, 4.4)."""

    def __init__(self, connection: SystemConnection) -> None:
        super().__init__()
        self._url = f"{connection.base_url}/erp/v1/token"
        self._form = {
            "grant_type": "client_credentials",
            "client_id": connection.secret("client_id"),
            "client_secret": connection.secret("client_secret"),
        }

    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, data=self._form)

    def apply(self, request: httpx.Request, token: str) -> None:
        request.headers["Authorization"] = f"Bearer {token}"


class RestDocuments:
    """A retried write looks for its document before it posts another."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None) -> None:
        self._client = VendorClient("erp", connection.base_url, auth=ClientCredentials(connection), transport=transport)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def post_once(self, kind: str, document: Document, idempotency_key: str, *, retry: bool) -> str:
        """Post a document under its external reference; returns the number of the one there is then."""
        reference, correlation_id = str(document["external_reference"]), str(document["correlation_id"])
        if retry and (found := await self.find(kind, reference, correlation_id)):
            return number_of(found, kind)
        response = await self._client.send(
            f"post_{kind}",
            "POST",
            f"/erp/v1/{kind}",
            json=document,
            correlation_id=correlation_id,
            idempotency_key=idempotency_key,
            writes=True,
        )
        return _posted(f"erp post {kind}", response)

    async def find(self, kind: str, reference: str, correlation_id: str) -> Document | None:
        operation, name = f"erp find {kind}", kind.replace("-", "_")
        response = await self._client.send(
            f"find_{kind}",
            "GET",
            f"/erp/v1/{kind}",
            params={"external_reference": reference},
            correlation_id=correlation_id,
        )
        _require_success(operation, response)
        found = json_object(response, operation).get(name)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise SchemaDrift("wrong_type", name, found, f"{operation} must answer a list of objects here")
        return found[0] if found else None

    async def stock_levels(self) -> tuple[StockLevel, ...] | None:
        """What the books have on hand; None when the layer in front of the ERP does not have this call."""
        response = await self._client.send("stock", "GET", "/erp/v1/stock", correlation_id=LEVELS)
        if response.status_code == 404:
            return None
        _require_success("erp stock", response)
        return stock_levels(response, "ERP")

    async def write(self, operation: str, path: str, document: Document, idempotency_key: str) -> None:
        """A write that makes no document of its own."""
        response = await self._client.send(
            operation,
            "POST",
            path,
            json=document,
            correlation_id=str(document["correlation_id"]),
            idempotency_key=idempotency_key,
            writes=True,
        )
        _require_success(f"erp {operation}", response)


def number_of(found: Document, kind: str) -> str:
    """Of a document that `find` found."""
    return text_at(found, "number", f"{kind}[0]", f"erp find {kind}")


def _posted(operation: str, response: httpx.Response) -> str:
    if response.status_code != 409 or error_code(response) != "duplicate_reference":
        _require_success(operation, response)
    try:
        return text_at(json_object(response, operation), "number", "$", operation)
    except SchemaDrift as drift:
        # The document is probably there, and its reference finds it: better than refusing one that was posted.
        raise InDoubt(f"{operation}: HTTP {response.status_code}, but {drift}") from drift


def _require_success(operation: str, response: httpx.Response) -> None:
    if response.is_success:
        return
    if response.status_code == 423:
        raise Unavailable(f"{operation}: locked ({error_code(response)})", retry_after(response))
    raise declined(operation, response)
