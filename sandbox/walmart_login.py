"""Client-credentials tokens of fifteen minutes, kept over a restart, and the headers that every request must carry."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler, Sandbox
from sandbox.walmart_answers import Refused, expired

LIFETIME = 900
"""Seconds that a token lives."""
CREDENTIALS = {"client_id": "walmart-sandbox-client", "client_secret": "walmart-sandbox-secret-2b9d"}
NEEDED = ("WM_SVC.NAME", "WM_QOS.CORRELATION_ID")


class WalmartLogin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._tokens = sandbox.shelf.collection("walmart_tokens")

    async def token(self, request: Request) -> Response:
        """`POST /v3/token`, form-encoded, with the credentials as Basic authentication."""
        _require_headers(request)
        pair = base64.b64encode(f"{CREDENTIALS['client_id']}:{CREDENTIALS['client_secret']}".encode()).decode()
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Basic {pair}".encode()):
            raise Refused(401, "UNAUTHORIZED.GMP_GATEWAY_API", "Client id and secret are not known.")
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        if form.get("grant_type") != "client_credentials":
            raise Refused(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "grant_type is not supported.", "grant_type")
        token = secrets.token_urlsafe(48)
        self._tokens.put(token, time.time() + LIFETIME)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})

    def guarded(self, handler: Handler) -> Handler:
        """Let a request through only with its headers and a token that lives."""

        async def admitted(request: Request) -> Response:
            _require_headers(request)
            until = self._tokens.get(request.headers.get("WM_SEC.ACCESS_TOKEN", ""))
            if until is None or float(until) <= time.time():
                return expired()
            return await handler(request)

        return admitted


def _require_headers(request: Request) -> None:
    for name in NEEDED:
        if not request.headers.get(name):
            raise Refused(400, "MISSING_REQUEST_HEADER.GMP_GATEWAY_API", f"{name} is missing.", name)
    accepted = request.headers.get("Accept", "*/*")
    if not any(kind in accepted for kind in ("application/json", "*/*", "application/*")):
        raise Refused(406, "INVALID_ACCEPT_TYPE.GMP_GATEWAY_API", "This server answers in JSON.", "Accept")
