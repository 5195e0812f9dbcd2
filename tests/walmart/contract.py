"""Walmart's own contract, where it is at hand: samples, and OpenAPI files to validate what goes over the wire."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

CONTRACTS = Path(__file__).parents[3] / "shared" / "contracts"
SAMPLES = CONTRACTS / "samples" / "walmart"
SPECS = CONTRACTS / "specs" / "walmart"
FILES = sorted(SAMPLES.iterdir()) if SAMPLES.is_dir() else []
needs_samples = pytest.mark.skipif(not FILES, reason=f"the vendor's samples are not at {SAMPLES}")
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason=f"the vendor's OpenAPI files are not at {SPECS}")


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


@cache
def documents() -> tuple[dict[str, Any], ...]:
    def read(path: Path) -> dict[str, Any]:
        raw = path.read_bytes()
        found: dict[str, Any] = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
        return found

    return tuple(read(path) for path in sorted(SPECS.iterdir()))


def operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The operation of a call, and the document it is in. Fails when no document knows it."""
    for document in documents():
        for template, methods in document["paths"].items():
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template.partition("?")[0]))
            if method.lower() in methods and re.fullmatch(pattern, path):
                return methods[method.lower()], document
    raise AssertionError(f"Walmart has no operation {method} {path}")


def _validate(value: Any, content: dict[str, Any], document: dict[str, Any]) -> None:
    schema = content["application/json"].get("schema") if "application/json" in content else None
    if schema:
        jsonschema.validate(value, {**schema, "components": document.get("components", {})})


def check_exchange(request: httpx.Request, response: httpx.Response) -> None:
    """What was asked and what was answered are what Walmart's OpenAPI files say."""
    found, document = operation(request.method, request.url.path)
    for parameter in found.get("parameters", []):
        if parameter.get("in") == "header" and parameter.get("required"):
            assert request.headers.get(parameter["name"]), f"{request.url.path} without {parameter['name']}"
    known = {parameter["name"] for parameter in found.get("parameters", []) if parameter.get("in") == "query"}
    cursor = {"hasMoreElements", "soIndex", "poIndex", "partnerId", "sellerId", "offset"}
    version = {"reportVersion"}
    assert set(request.url.params) <= known | cursor | version, f"{request.url} asks for what Walmart does not know"
    if request.method != "GET" and "json" in request.headers.get("content-type", ""):
        _validate(json.loads(request.content), found["requestBody"]["content"], document)
    if response.status_code == 200 and request.method == "GET" and request.url.path.startswith("/v3/orders/"):
        # Of one order the file has the XML's times, and no wrapper; Walmart's examples have the list's, and `order`.
        listed, document = operation("GET", "/v3/orders")
        answer = {"list": {"meta": {}, "elements": {"order": [response.json()["order"]]}}}
        _validate(answer, listed["responses"]["200"]["content"], document)
    elif response.status_code == 200:
        answer = response.json()
        if request.url.path.endswith("/reconFileJson"):
            # The file says that each cell of a row is an object; in Walmart's example it is a text.
            answer["reportData"] = []
        _validate(answer, found["responses"]["200"]["content"], document)


class Recorded(httpx.AsyncHTTPTransport):
    """Real HTTP, with every exchange kept."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[tuple[httpx.Request, httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        response = await super().handle_async_request(request)
        await response.aread()
        self.exchanges.append((request, response))
        return response
