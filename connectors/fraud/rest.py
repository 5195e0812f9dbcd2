"""A fraud service over REST: one assessment an order, approve or review.

`POST /fraud/v1/assessments` with the order's facts answers `{"score": 0-100, "decision": "approve" | "review",
"reasons": [...]}`. An assessment changes nothing, so it may be asked for again.

| answer | becomes |
|---|---|
| 200, 201 | the verdict |
| 423, 429, 5xx, no answer | `Unavailable` |
| 401, 403 | `Unauthorized` |
| a verdict that cannot be read | `SchemaDrift` |
| anything else | `Declined` with the service's code and field |
"""

from __future__ import annotations

from typing import Any, Literal

import httpx
from pydantic import BaseModel, Field, ValidationError

from connectors.contract import correlation_of, declined, error_code
from connectors.errors import SchemaDrift, Unavailable
from connectors.http import VendorClient, retry_after
from connectors.ports import FraudVerdict
from connectors.registry import SystemConnection
from models.order import Order


class Assessment(BaseModel):
    score: int = Field(ge=0, le=100)
    decision: Literal["approve", "review"]
    reasons: tuple[str, ...] = ()


class RestFraud:
    """`ports.Fraud` over HTTP."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {"X-Api-Key": connection.secret("api_key")}
        self._client = VendorClient("fraud", connection.base_url, headers=headers, transport=transport)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ping(self) -> None:
        """The contract has no read: any answer below 500 to a path under the assessments says that it is there."""
        await self._client.send("ping", "GET", "/fraud/v1/assessments/orderyard-ping")

    async def assess(self, order: Order) -> FraudVerdict:
        response = await self._client.send(
            "assess",
            "POST",
            "/fraud/v1/assessments",
            json=_facts(order),
            correlation_id=correlation_of(order),
            idempotency_key=f"{order.key}:assess",
        )
        if response.status_code == 423:
            raise Unavailable(f"fraud assess: locked ({error_code(response)})", retry_after(response))
        if not response.is_success:
            raise declined("fraud assess", response)
        found = _assessment(response)
        return FraudVerdict(decision=found.decision, score=found.score, source="fraud_service", reasons=found.reasons)


def _assessment(response: httpx.Response) -> Assessment:
    try:
        return Assessment.model_validate_json(response.content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"]) or "$"
        raise SchemaDrift("wrong_type", path, first["input"], f"the fraud service answered: {first['msg']}") from error


def _facts(order: Order) -> dict[str, Any]:
    address = order.ship_to or order.bill_to
    return {
        "order_reference": str(order.key),
        "correlation_id": correlation_of(order),
        "ordered_at": order.purchased_at.isoformat(),
        "amount": str(order.total.amount),
        "currency": order.currency,
        "country": address.country if address else None,
        "postal_code": address.postal_code if address else None,
        "email": order.buyer.email or None,
        "lines": [
            {"sku": line.sku, "quantity": line.quantity, "amount": str(line.goods.amount)} for line in order.lines
        ],
    }
