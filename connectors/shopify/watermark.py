"""How far the orders of a shop have been read: a watermark on `updated_at`, and a place within the current walk."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import SchemaDrift
from connectors.shopify.node import Node


@dataclass(frozen=True)
class Watermark:
    since: datetime
    """Changes up to here have been read in earlier walks."""
    newest: datetime
    """The newest change that this walk has seen so far; the next walk's `since`."""
    after: str | None = None
    """Shopify's cursor within this walk."""

    @classmethod
    def starting(cls, start: datetime) -> Watermark:
        return cls(since=start, newest=start)

    @classmethod
    def load(cls, cursor: str) -> Watermark:
        try:
            fields = json.loads(cursor)
            return cls(Node(fields["since"]).moment(), Node(fields["newest"]).moment(), fields["after"])
        except (ValueError, TypeError, KeyError):
            raise SchemaDrift("wrong_cursor", "cursor", cursor, "Poll again from the start (no cursor).") from None

    def dump(self) -> str:
        fields = {"since": self.since.isoformat(), "newest": self.newest.isoformat(), "after": self.after}
        return json.dumps(fields)

    def query(self, overlap: timedelta) -> str:
        """Shopify's search index lags behind, so each walk reads a little again of what the last one read."""
        return f"updated_at:>='{(self.since - overlap).strftime('%Y-%m-%dT%H:%M:%SZ')}' status:any"

    def after_page(self, newest: datetime, page_info: dict[str, Any]) -> Watermark:
        newest = max(newest, self.newest)
        if page_info["hasNextPage"]:
            return replace(self, newest=newest, after=page_info["endCursor"])
        return Watermark(since=newest, newest=newest)
