"""The books behind our REST contract: journals and payments, each under its own reference, so none is posted twice.

Answers are understood as in `connectors.erp.rest`: a duplicate is the document that is there, a lock is waited for.
"""

from __future__ import annotations

from typing import Any

import httpx

from connectors.contract import declined, error_code, json_object, text_at
from connectors.erp.rest import ClientCredentials
from connectors.errors import InDoubt, SchemaDrift, Unavailable
from connectors.http import VendorClient, retry_after
from connectors.registry import SystemConnection
from models.ledger import Journal, Payment

JOURNALS, PAYMENTS = "journals", "payments"
REVERSAL = "#reversal"
Document = dict[str, Any]


class RestLedger:
    """`ports.Journals` over HTTP. A retried write looks for its document before it posts another."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._company = str(connection.options.get("company", "MAIN"))
        self._client = VendorClient("erp", connection.base_url, auth=ClientCredentials(connection), transport=transport)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def post_journal(self, journal: Journal, *, retry: bool) -> str:
        return await self._post_once(JOURNALS, self._journal(journal), retry)

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str:
        document = self._journal(journal) | {
            "external_reference": f"{journal.journal_id}{REVERSAL}",
            "reverses": journal.journal_id,
        }
        for line, stated in zip(document["lines"], journal.lines, strict=True):
            line["amount"] = str((-stated.amount).amount)
        return await self._post_once(JOURNALS, document, retry)

    async def post_payment(self, payment: Payment, *, retry: bool) -> str:
        document = {
            "external_reference": payment.payment_id,
            "correlation_id": payment.correlation_id,
            "company": payment.entity or self._company,
            "order_reference": str(payment.order_key),
            "channel_account": payment.channel_account,
            "settlement": payment.settlement_id,
            "currency": payment.amount.currency,
            "amount": str(payment.amount.amount),
            "paid_on": payment.on.isoformat(),
        }
        return await self._post_once(PAYMENTS, document, retry)

    def _journal(self, journal: Journal) -> Document:
        return {
            "external_reference": journal.journal_id,
            "correlation_id": journal.correlation_id,
            "company": journal.entity or self._company,
            "posted_on": journal.on.isoformat(),
            "description": journal.description,
            "lines": [
                {
                    "account": line.account.value,
                    "amount": str(line.amount.amount),
                    "currency": line.amount.currency,
                    "channel_account": line.channel_account,
                    "order_reference": str(line.order_key) if line.order_key else None,
                    "label": line.label,
                    "source": line.source,
                }
                for line in journal.lines
            ],
        }

    async def _post_once(self, kind: str, document: Document, retry: bool) -> str:
        """Post a document under its external reference; returns the number of the one there is then."""
        reference, correlation_id = document["external_reference"], document["correlation_id"]
        if retry and (found := await self._find(kind, reference, correlation_id)):
            return text_at(found, "number", f"{kind}[0]", f"erp find {kind}")
        response = await self._client.send(
            f"post_{kind}",
            "POST",
            f"/erp/v1/{kind}",
            json=document,
            correlation_id=correlation_id,
            idempotency_key=reference,
            writes=True,
        )
        return _number(f"erp post {kind}", response)

    async def _find(self, kind: str, reference: str, correlation_id: str) -> dict[str, Any] | None:
        operation = f"erp find {kind}"
        response = await self._client.send(
            f"find_{kind}",
            "GET",
            f"/erp/v1/{kind}",
            params={"external_reference": reference},
            correlation_id=correlation_id,
        )
        _require_success(operation, response)
        found = json_object(response, operation).get(kind)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise SchemaDrift("wrong_type", kind, found, f"{operation} must answer a list of objects here")
        return found[0] if found else None


def _number(operation: str, response: httpx.Response) -> str:
    if response.status_code != 409 or error_code(response) != "duplicate_reference":
        _require_success(operation, response)
    try:
        return text_at(json_object(response, operation), "number", "$", operation)
    except SchemaDrift as drift:
        # It is probably there, and its reference finds it.
        raise InDoubt(f"{operation}: HTTP {response.status_code}, but {drift}") from drift


def _require_success(operation: str, response: httpx.Response) -> None:
    if response.is_success:
        return
    if response.status_code == 423:
        raise Unavailable(f"{operation}: locked ({error_code(response)})", retry_after(response))
    raise declined(operation, response)
