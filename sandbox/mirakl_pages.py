"""Mirakl's two ways of paging: by offset (orders) and by page token (everything newer)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.mirakl_answers import Payload, invalid, whole

DEFAULT = "10"


def by_offset(request: Request, name: str, found: Sequence[Payload]) -> Response:
    """`max` (100 at most) and `offset`; where the neighbouring pages are is said by the `Link` header."""
    query = request.query_params
    size = whole(query.get("max", DEFAULT), "max", 1, 100)
    offset = whole(query.get("offset", "0"), "offset", 0, 10**6)
    response = JSONResponse({name: found[offset : offset + size], "total_count": len(found)})
    links = []
    if offset + size < len(found):
        links.append(f'<{_moved(request.url, offset + size)}>; rel="next"')
    if offset:
        links.append(f'<{_moved(request.url, max(0, offset - size))}>; rel="previous"')
    if links:
        response.headers["Link"] = ", ".join(links)
    return response


def _moved(url: URL, offset: int) -> URL:
    return url.include_query_params(offset=offset)


def by_token(request: Request, found: Sequence[Payload], key: Callable[[Payload], str], most: int) -> Response:
    """`limit` and `page_token`. `key` sorts, and tells where a page ended however much was added meanwhile."""
    query = request.query_params
    size = whole(query.get("limit", DEFAULT), "limit", 1, most)
    after = _opened(query.get("page_token", ""))
    rest = sorted((each for each in found if key(each) > after), key=key)
    body: Payload = {"data": rest[:size]}
    if len(rest) > size:
        body["next_page_token"] = base64.urlsafe_b64encode(json.dumps(key(rest[size - 1])).encode()).decode()
    return JSONResponse(body)


def _opened(token: str) -> str:
    if not token:
        return ""
    try:
        return str(json.loads(base64.urlsafe_b64decode(token)))
    except ValueError:
        raise invalid("page_token: invalid value") from None
