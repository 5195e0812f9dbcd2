"""What all GraphQL answers share: global ids, times in UTC, connections with cursors."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from sandbox.shopify_book import moment_of

Document = dict[str, Any]
Page = Callable[..., Document]


def gid(kind: str, number: Any) -> str:
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str) -> str:
    return global_id.rsplit("/", 1)[-1]


def utc(text: Any) -> str | None:
    moment = moment_of(text)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def connection(nodes: Sequence[Document]) -> Page:
    """A connection over a list that does not change; cursors are positions."""

    def page(_info: Any, first: int | None = None, after: str | None = None, **_: Any) -> Document:
        start = int(base64.b64decode(after)) if after else 0
        end = len(nodes) if first is None else start + first
        chosen = nodes[start:end]
        cursors = [base64.b64encode(str(start + index + 1).encode()).decode() for index in range(len(chosen))]
        return shown(chosen, cursors, more=end < len(nodes), back=start > 0)

    return page


def shown(nodes: Sequence[Document], cursors: list[str], *, more: bool, back: bool) -> Document:
    return {
        "nodes": list(nodes),
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": back,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def first_of(nodes: Sequence[Document]) -> Callable[..., list[Document]]:
    return lambda _info, first=None, **_: list(nodes[:first])


def snake(name: str) -> str:
    """`refundCreate` -> `refund_create`."""
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)
