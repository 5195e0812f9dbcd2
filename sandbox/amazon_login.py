"""Login with Amazon: access tokens for an hour, restricted data tokens for one path, both kept over a restart."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.amazon_answers import DENIED, Refused, expired, invalid, json_body, now
from sandbox.core import Handler, Sandbox

LIFETIME = 3600
"""Seconds that a token lives."""
CREDENTIALS = {
    "client_id": "amzn1.application-oa2-client.sandbox",
    "client_secret": "amzn1.oa2-cs.v1.sandbox",
    "refresh_token": "Atzr|sandbox",
}


class AmazonLogin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._tokens = sandbox.shelf.collection("amazon_tokens")

    async def token(self, request: Request) -> Response:
        """`POST /auth/o2/token`, form-encoded: refresh-token grant, or client credentials for grantless operations."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        if any(form.get(name) != CREDENTIALS[name] for name in ("client_id", "client_secret")):
            body = {"error": "invalid_client", "error_description": "Client authentication failed"}
            return JSONResponse(body, status_code=401)
        if form.get("grant_type") == "client_credentials" and form.get("scope"):
            return JSONResponse({"access_token": self._issue("Atza|"), "token_type": "bearer", "expires_in": LIFETIME})
        if form.get("grant_type") != "refresh_token":
            body = {"error": "unsupported_grant_type", "error_description": "The grant type is not supported"}
            return JSONResponse(body, status_code=400)
        if form.get("refresh_token") != CREDENTIALS["refresh_token"]:
            words = "The request has an invalid grant parameter : refresh_token"
            return JSONResponse({"error": "invalid_grant", "error_description": words}, status_code=400)
        return JSONResponse(
            {
                "access_token": self._issue("Atza|"),
                "refresh_token": CREDENTIALS["refresh_token"],
                "token_type": "bearer",
                "expires_in": LIFETIME,
            }
        )

    async def restricted_token(self, request: Request) -> Response:
        """`POST /tokens/2021-03-01/restrictedDataToken`."""
        body = await json_body(request)
        resources = body.get("restrictedResources")
        if not isinstance(resources, list) or not 1 <= len(resources) <= 50:
            raise invalid("restrictedResources must have between 1 and 50 resources.")
        if not all(isinstance(each, dict) and each.get("method") and each.get("path") for each in resources):
            raise invalid("A restricted resource has a method and a path.")
        paths = [str(each["path"]) for each in resources]
        return JSONResponse({"restrictedDataToken": self._issue("Atz.sprdt|", paths), "expiresIn": LIFETIME})

    def guarded(self, handler: Handler, *, restricted: bool = False) -> Handler:
        """Let a request through only with a token that lives; `restricted` also wants it to name this very path."""

        async def admitted(request: Request) -> Response:
            token = self._tokens.get(request.headers.get("x-amz-access-token", ""))
            if token is None:
                details = "The access token you provided is revoked, malformed or invalid."
                raise Refused(403, "Unauthorized", DENIED, details)
            if datetime.fromisoformat(token["until"]) <= now():
                return expired()
            if restricted and not _names(token["paths"], request.url.path):
                raise Refused(403, "Unauthorized", DENIED, "A restricted data token for this path is required.")
            return await handler(request)

        return admitted

    def _issue(self, prefix: str, paths: list[str] | None = None) -> str:
        token = prefix + secrets.token_urlsafe(32)
        until = (now() + timedelta(seconds=LIFETIME)).isoformat()
        self._tokens.put(token, {"until": until, "paths": paths or []})
        return token


def _names(paths: list[str], path: str) -> bool:
    """A path may be written out or with `{orderId}` for any order."""
    parts = path.split("/")
    patterns = (each.split("/") for each in paths)
    return any(
        len(pattern) == len(parts)
        and all(wanted == part or wanted.startswith("{") for wanted, part in zip(pattern, parts, strict=True))
        for pattern in patterns
    )
