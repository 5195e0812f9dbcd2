"""Reading what changed at the shop, page by page, oldest change first."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from connectors.errors import Declined, SchemaDrift
from connectors.ports import PolledOrder
from connectors.storefront.answers import document
from connectors.storefront.api import StorefrontApi
from connectors.storefront.messages import OrdersPage, ReturnsPage
from connectors.storefront.wire import Id, Instant

FIRST_DAYS = 30
"""How far back the first walk begins without a configured start."""
OVERLAP_SECONDS = 60
"""How much each walk reads again: a shop's changes may become visible a little after their time."""
PAGE_SIZE = 100
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
_ID: TypeAdapter[str] = TypeAdapter(Id)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Page = TypeVar("Page", OrdersPage, ReturnsPage)


@dataclass(frozen=True)
class Mark:
    """How far has been read: changes up to `since` in earlier walks, and in this one up to the shop's `after`."""

    since: datetime
    newest: datetime
    after: str = ""

    @classmethod
    def at(cls, moment: datetime) -> Mark:
        return cls(since=moment, newest=moment)

    @classmethod
    def load(cls, cursor: str) -> Mark:
        try:
            fields = json.loads(cursor)
            since, newest = (_INSTANT.validate_python(fields[name]) for name in ("since", "newest"))
            return cls(since, newest, str(fields["after"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise SchemaDrift("wrong_cursor", "cursor", cursor, "Poll again from the start (no cursor).") from None

    def dump(self) -> str:
        return json.dumps({"since": self.since.isoformat(), "newest": self.newest.isoformat(), "after": self.after})

    def following(self, newest: datetime, after: str) -> Mark:
        newest = max(newest, self.newest)
        return replace(self, newest=newest, after=after) if after else Mark.at(newest)


@dataclass(frozen=True)
class WalkPage:
    documents: tuple[PolledOrder, ...]
    cursor: str
    more: bool


class Walk:
    """Options of the connection: `start` (RFC 3339), `overlap_seconds`, `page_size`."""

    def __init__(self, api: StorefrontApi, options: dict[str, Any], clock: Callable[[], datetime]) -> None:
        self._api = api
        self._options = options
        self._clock = clock

    async def page(self, operation: str, path: str, kind: type[Page], cursor: str | None) -> WalkPage:
        """An endpoint that the shop does not offer has nothing to read."""
        mark = Mark.load(cursor) if cursor else Mark.at(self._start())
        try:
            page = await self._read(operation, path, kind, mark)
        except Declined as declined:
            if declined.code != "unsupported":
                raise
            return WalkPage((), mark.dump(), more=False)
        documents = tuple(map(_polled, page.rows))
        newest = max((document.version for document in documents), default=mark.newest)
        return WalkPage(documents, mark.following(newest, page.next_cursor).dump(), bool(page.next_cursor))

    async def _read(self, operation: str, path: str, kind: type[Page], mark: Mark) -> Page:
        try:
            return document(await self._api.read(operation, path, self._wanted(mark)), kind, operation)
        except Declined as declined:
            if declined.code != "invalid_cursor" or not mark.after:
                raise
        # The shop has forgotten where we were: the walk begins again, and what is read twice is known.
        wanted = self._wanted(replace(mark, after=""))
        return document(await self._api.read(operation, path, wanted), kind, operation)

    def _wanted(self, mark: Mark) -> dict[str, str]:
        overlap = timedelta(seconds=float(self._options.get("overlap_seconds", OVERLAP_SECONDS)))
        since = max(_LONG_AGO + overlap, mark.since) - overlap
        wanted = {"updated_since": since.isoformat(), "limit": str(self._options.get("page_size", PAGE_SIZE))}
        return {**wanted, "cursor": mark.after} if mark.after else wanted

    def _start(self) -> datetime:
        configured = self._options.get("start")
        if configured is None:
            return self._clock() - timedelta(days=FIRST_DAYS)
        try:
            return _INSTANT.validate_python(configured)
        except ValidationError:
            raise SchemaDrift("wrong_time", "options.start", configured, "Write it as 2026-11-23T10:00:00Z.") from None


def _polled(value: dict[str, Any]) -> PolledOrder:
    """Kept as it is. The contract's numbers are integers, and its amounts text: writing them again changes nothing.

    One without a readable id or version is kept under its content's hash, so that parsing can name what is wrong.
    """
    body = json.dumps(value, separators=(",", ":")).encode()
    try:
        external_id = _ID.validate_python(value.get("id"))
        version = _INSTANT.validate_python(value.get("updated_at"))
    except ValidationError:
        return PolledOrder(external_id=f"sha256:{sha256(body).hexdigest()}", version=_LONG_AGO, body=body)
    return PolledOrder(external_id=external_id, version=version, body=body)
