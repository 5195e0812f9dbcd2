"""The tax engine's twin: AvaTax REST v2 as its recordings show it, with exact numbers."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.contract import field_path
from sandbox.core import Handler, Sandbox
from sandbox.tax_documents import TAX_CODES, Transaction, calculated, exact_json

ACCOUNT_ID = "2000000001"
LICENSE_KEY = "SANDBOX0LICENSE0"
COMPANY_CODE = "DEFAULT"
UNKNOWN_POSTAL_CODE = "00000"
SHIP_FROM = {"lines": ["Lagerstr. 1"], "city": "Berlin", "postal_code": "10115", "country": "DE"}
STORED_TYPES = ("SalesInvoice", "ReturnInvoice")
SAVED, COMMITTED, CANCELLED = "Saved", "Committed", "Cancelled"
# How Avalara's SDKs write these characters of a code in a path.
UNESCAPED = {"_-ava2f-_": "/", "_-ava2b-_": "+", "_-ava3f-_": "?", "_-ava23-_": "#", "_-ava25-_": "%"}


class AvaTaxError(Exception):
    def __init__(
        self, status: int, code: str, number: int, message: str, refers_to: str | None = None, description: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.number = status, code, number
        self.refers_to, self.description = refers_to, description

    @property
    def response(self) -> Response:
        detail = {
            "code": self.code,
            "number": self.number,
            "message": str(self),
            "description": self.description or str(self),
            "faultCode": "Client",
            "helpLink": f"http://developer.avalara.com/avatax/errors/{self.code}",
            "severity": "Error",
            **({"refersTo": self.refers_to} if self.refers_to else {}),
        }
        error = {"code": self.code, "message": str(self), "target": "HttpRequest", "details": [detail]}
        return _answer({"error": error}, self.status)


class TaxTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._transactions = sandbox.shelf.collection("tax_transactions")

    def connection(self) -> dict[str, Any]:
        return {
            "provider": "avatax",
            "base_url": self._sandbox.options.base_url,
            "credentials": {"account_id": ACCOUNT_ID, "license_key": LICENSE_KEY},
            "options": {"company_code": COMPANY_CODE, "ship_from": SHIP_FROM},
        }

    def credentials(self) -> dict[str, str]:
        base = self._sandbox.options.base_url
        return {
            "base_url": base,
            "account_id": ACCOUNT_ID,
            "license_key": LICENSE_KEY,
            "company_code": COMPANY_CODE,
        }

    def routes(self) -> list[Route]:
        stored = "/api/v2/companies/{company}/transactions/{code:path}"
        ping = self._sandbox.operation("tax.ping", self._ping, throttled=_throttled)
        return [
            Route("/api/v2/utilities/ping", ping, methods=["GET"]),
            Route("/api/v2/transactions/create", self._operation("create", self._create), methods=["POST"]),
            Route(f"{stored}/commit", self._operation("commit", self._commit), methods=["POST"]),
            Route(f"{stored}/void", self._operation("void", self._void), methods=["POST"]),
            Route(stored, self._operation("find", self._find), methods=["GET"]),
        ]

    def _operation(self, name: str, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            if not _authenticated(request):
                return _unauthenticated()
            try:
                return await handler(request)
            except AvaTaxError as error:
                return error.response

        return self._sandbox.operation(
            f"tax.{name}",
            answer,
            throttled=_throttled,
            expired=_unauthenticated,
            declined=lambda _: _invalid_address().response,
        )

    async def _ping(self, request: Request) -> Response:
        """AvaTax answers 200 also to a caller it does not know."""
        known = _authenticated(request)
        kind = "AccountIdLicenseKey" if known else "None"
        return _answer({"version": "26.11.0", "authenticated": known, "authenticationType": kind})

    async def _create(self, request: Request) -> Response:
        if "ForceTimeout" in request.query_params.get("$include", ""):
            raise AvaTaxError(400, "TimeoutRequested", 316, "You requested a timeout error for this API call.")
        transaction = _read(await request.body())
        if transaction.type not in STORED_TYPES:
            return _answer(calculated(transaction, 0, "Temporary"), 201)
        transaction.code = transaction.code or str(uuid.uuid4())
        key = f"{transaction.companyCode}:{transaction.code}"
        stored = self._record(key, transaction, self._transactions.get(key))
        return _answer(_content(stored), 201, Location=f"/api/v2/companies/848107/transactions/{stored['id']}")

    def _record(self, key: str, transaction: Transaction, known: dict[str, Any] | None) -> dict[str, Any]:
        """Store under company and code: replaces a transaction that is not committed, and is then no second effect."""
        if known and known["status"] == COMMITTED:
            message = "DocStatus is invalid for this operation."
            raise AvaTaxError(400, "GetTaxError", 300, message, "DocStatus", "Expected Saved|Posted")
        number = known["id"] if known else 6_880_000_001 + len(self._transactions)
        status = COMMITTED if transaction.commit else SAVED
        stored = {"id": number, "status": status, "request": transaction.model_dump(mode="json")}
        self._transactions.put(key, stored)
        if not known or known["status"] == CANCELLED:
            self._effect("transaction_recorded", transaction.code)
        if transaction.commit:
            effect = "transaction_refunded" if transaction.type == "ReturnInvoice" else "transaction_committed"
            self._effect(effect, transaction.code)
        return stored

    async def _find(self, request: Request) -> Response:
        return _answer(_content(self._stored(request)[1]))

    async def _commit(self, request: Request) -> Response:
        return self._move(request, COMMITTED, refused=CANCELLED, effect="transaction_committed")

    async def _void(self, request: Request) -> Response:
        return self._move(request, CANCELLED, refused=None, effect="transaction_voided")

    def _move(self, request: Request, status: str, *, refused: str | None, effect: str) -> Response:
        key, stored = self._stored(request)
        if stored["status"] == refused:
            message = "DocStatus is invalid for this operation."
            raise AvaTaxError(400, "GetTaxError", 300, message, "DocStatus", "Expected Saved|Posted")
        if stored["status"] != status:
            stored = {**stored, "status": status}
            self._transactions.put(key, stored)
            self._effect(effect, stored["request"]["code"])
        return _answer(_content(stored))

    def _stored(self, request: Request) -> tuple[str, dict[str, Any]]:
        code = request.path_params["code"]
        for escape, character in UNESCAPED.items():
            code = code.replace(escape, character)
        key = f"{request.path_params['company']}:{code}"
        stored: dict[str, Any] | None = self._transactions.get(key)
        if stored is None:
            described = f"The Transaction with code '{key}' was not found."
            raise AvaTaxError(404, "EntityNotFoundError", 4, "Transaction not found.", description=described)
        return key, stored

    def _effect(self, effect: str, code: str) -> None:
        self._sandbox.ledger.record("tax", effect, code)


def _content(stored: dict[str, Any]) -> dict[str, Any]:
    return calculated(Transaction.model_validate(stored["request"]), stored["id"], stored["status"])


def _read(body: bytes) -> Transaction:
    try:
        transaction = Transaction.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        path = field_path(first["loc"])
        raise AvaTaxError(400, "ModelStateInvalid", 47, f"{path}: {first['msg']}", path) from error
    if transaction.type == "ReturnInvoice" and any(line.amount > 0 for line in transaction.lines):
        raise AvaTaxError(400, "InvalidLineAmount", 305, "A return's amounts are negative.", "lines")
    if not transaction.lines:
        raise AvaTaxError(400, "MissingLine", 311, "Transactions must have at least one line.", "lines")
    for number, line in enumerate(transaction.lines):
        if line.taxCode and line.taxCode not in TAX_CODES:
            message = f"The tax code '{line.taxCode}' does not exist."
            raise AvaTaxError(400, "InvalidTaxCode", 320, message, f"lines[{number}].taxCode")
    if transaction.destination is None:
        raise AvaTaxError(400, "MissingAddress", 310, "Transactions must have an address.", "addresses")
    if transaction.destination.postalCode == UNKNOWN_POSTAL_CODE:
        raise _invalid_address()
    return transaction


def _invalid_address() -> AvaTaxError:
    message = "The address is not deliverable: the postal code does not exist."
    return AvaTaxError(400, "InvalidAddress", 309, message, "addresses.ShipTo.postalCode")


def _authenticated(request: Request) -> bool:
    expected = base64.b64encode(f"{ACCOUNT_ID}:{LICENSE_KEY}".encode()).decode()
    return request.headers.get("Authorization") == f"Basic {expected}"


def _unauthenticated() -> Response:
    return AvaTaxError(401, "AuthenticationException", 30, "Authentication failed.").response


def _throttled() -> Response:
    response = AvaTaxError(429, "RequestLimitExceeded", 1715, "The request limit is exceeded.").response
    response.headers["Retry-After"] = "1"
    return response


def _answer(document: dict[str, Any], status: int = 200, **headers: str) -> Response:
    """Every answer carries `x-correlation-id`: Avalara's Python SDK cannot do without."""
    marked = {"x-correlation-id": str(uuid.uuid4()), **headers}
    return Response(exact_json(document), status, marked, "application/json")
