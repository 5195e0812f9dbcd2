"""The notification service's twin: sends one message for each idempotency key, and refuses a key with other content."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.contract import Refused, read, refusal, throttled, with_api_key
from sandbox.core import Sandbox

API_KEY = "sandbox-notify-key"


class Message(BaseModel):
    order_reference: str = Field(min_length=1)
    correlation_id: str = Field(min_length=1)
    template: str = Field(min_length=1)
    values: dict[str, str] = {}
    at: AwareDatetime


class NotifyTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._messages = sandbox.shelf.collection("notify_messages")

    def connection(self) -> dict[str, Any]:
        base = self._sandbox.options.base_url
        return {"provider": "rest", "base_url": base, "credentials": {"api_key": API_KEY}}

    def credentials(self) -> dict[str, str]:
        return {"base_url": f"{self._sandbox.options.base_url}/notify/v1", "api_key": API_KEY}

    def routes(self) -> list[Route]:
        send = self._sandbox.operation(
            "notify.send_message",
            with_api_key(API_KEY, self._send),
            throttled=throttled,
            declined=lambda _: refusal(422, "opted_out", "The buyer wants no messages.", "order_reference"),
        )
        return [Route("/notify/v1/messages", send, methods=["POST"])]

    async def _send(self, request: Request) -> Response:
        message = await read(request, Message)
        key = request.headers.get("Idempotency-Key")
        if not key:
            raise Refused("missing", "Idempotency-Key", "Each message needs an idempotency key.", 400)
        fingerprint = hashlib.sha256(await request.body()).hexdigest()
        known = self._messages.get(key)
        if known and known["fingerprint"] != fingerprint:
            raise Refused("idempotency_key_reused", "Idempotency-Key", "This key has sent another message.")
        if known:
            return JSONResponse({"message_id": known["message_id"]})
        message_id = f"M-{len(self._messages) + 1:06}"
        self._messages.put(key, {"message_id": message_id, "fingerprint": fingerprint})
        self._sandbox.ledger.record(
            "notify", "message_sent", message.order_reference, template=message.template, message_key=key
        )
        return JSONResponse({"message_id": message_id}, 201)
