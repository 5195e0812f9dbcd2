"""The fraud service's twin: the same order always gets the same score, and only an e-mail `…review…@` is reviewed."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.money import Amount, Currency
from sandbox.contract import read, refusal, throttled, with_api_key
from sandbox.core import Sandbox

API_KEY = "sandbox-fraud-key"
HIGHEST_HARMLESS = 40


class Line(BaseModel):
    sku: str
    quantity: int = Field(ge=1)
    amount: Amount


class Facts(BaseModel):
    order_reference: str = Field(min_length=1)
    correlation_id: str = Field(min_length=1)
    amount: Amount
    currency: Currency
    country: str | None = None
    email: str | None = None
    lines: list[Line] = Field(min_length=1)


class FraudTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def connection(self) -> dict[str, Any]:
        base = self._sandbox.options.base_url
        return {"provider": "rest", "base_url": base, "credentials": {"api_key": API_KEY}}

    def credentials(self) -> dict[str, str]:
        return {"base_url": f"{self._sandbox.options.base_url}/fraud/v1", "api_key": API_KEY}

    def routes(self) -> list[Route]:
        assess = self._sandbox.operation(
            "fraud.assess",
            with_api_key(API_KEY, self._assess),
            throttled=throttled,
            declined=lambda _: refusal(422, "unsupported_country", "No model for this country.", "country"),
        )
        return [Route("/fraud/v1/assessments", assess, methods=["POST"])]

    async def _assess(self, request: Request) -> Response:
        facts = await read(request, Facts)
        suspect = "review" in (facts.email or "").partition("@")[0].lower()
        digest = hashlib.sha256(facts.order_reference.encode()).digest()
        score = 90 if suspect else digest[0] % (HIGHEST_HARMLESS + 1)
        reasons = ["email: on the watch list"] if suspect else []
        decision = "review" if suspect else "approve"
        return JSONResponse({"score": score, "decision": decision, "reasons": reasons}, 201)
