"""Walks what has changed since a watermark, page by page: purchase orders and return orders alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from pydantic import ValidationError

from connectors.errors import SchemaDrift
from connectors.http import VendorClient
from connectors.ports import PolledOrder
from connectors.raw import elements
from connectors.walmart.answers import document, nothing_there
from connectors.walmart.node import Node, decode_json
from models.base import Model, Moment

OVERLAP_SECONDS = 300
"""How far a new walk goes back behind the last: changes become visible a little out of order."""
FIRST_WALK = timedelta(days=30)
PAGE_SIZE = 200
MOST = 20_000
"""What a search gives at most: a walk that would find more is cut into windows of time, the oldest first."""
SHORTEST_WINDOW = timedelta(minutes=1)
HISTORY = timedelta(days=179)
"""Walmart keeps 180 days, and shows those created in the last 7 unless `createdStartDate` says otherwise."""
NO_VERSION = datetime(1970, 1, 1, tzinfo=UTC)


class Cursor(Model):
    """Where a walk stands."""

    after: Moment
    until: Moment | None = None
    """End of this walk's window, when it was cut: another follows."""
    part: int = 0
    """Which of the walk's parts (a kind of ship node each) is being read."""
    following: str = ""
    """Walmart's `nextCursor`, verbatim: a query string with its question mark."""
    reached: Moment | None = None
    """Walmart's clock when the walk began: the next watermark."""


@dataclass(frozen=True)
class Source:
    """What is walked."""

    operation: str
    path: str
    parts: tuple[Mapping[str, str], ...]
    """Parameters of each part of the walk; the parts together are everything."""
    since: str
    """Names of the parameters of the window's two ends."""
    to: str
    history: Callable[[datetime], Mapping[str, str]]
    """Parameters that are needed to see old things that changed lately."""
    members: tuple[str, ...]
    """Where in the answer the list is."""
    polled: Callable[[str], PolledOrder]


@dataclass(frozen=True)
class Page:
    items: tuple[PolledOrder, ...]
    cursor: str
    more: bool


class Walk:
    def __init__(
        self, client: VendorClient, source: Source, options: Mapping[str, Any], clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._source = source
        self._clock = clock
        self._since = options.get("since")
        self._overlap = timedelta(seconds=float(options.get("overlap_seconds", OVERLAP_SECONDS)))
        self._page_size = min(PAGE_SIZE, int(options.get("page_size", PAGE_SIZE)))

    def cursor_from(self, moment: datetime) -> str:
        return Cursor(after=moment).model_dump_json()

    async def page(self, cursor: str | None) -> Page:
        """The next page that has something on it, or the end of the walk."""
        at = self._load(cursor)
        while True:
            at, items, ended = await self._step(at)
            if items or ended:
                return Page(items, at.model_dump_json(), more=not ended)

    def _load(self, cursor: str | None) -> Cursor:
        if not cursor:
            start = datetime.fromisoformat(self._since) if self._since else self._clock() - FIRST_WALK
            return Cursor(after=max(start, self._clock() - HISTORY))
        try:
            return Cursor.model_validate_json(cursor)
        except ValidationError:
            raise SchemaDrift("wrong_cursor", "cursor", cursor, "Poll again from the start (no cursor).") from None

    async def _step(self, at: Cursor) -> tuple[Cursor, tuple[PolledOrder, ...], bool]:
        """One answer. A `nextCursor` that is taken no more restarts its part of the walk."""
        response = await self._read(at)
        if response.status_code == 400 and at.following:
            at = at.model_copy(update={"following": ""})
            response = await self._read(at)
        at = at.model_copy(update={"reached": at.reached or self._asked_at(response)})
        if nothing_there(response):
            return self._turned(at, (), "")
        answer = document(response, self._source.operation)
        for name in self._source.members[:-2]:
            answer = answer[name]
        if not at.following and (cut := self._cut(at, answer["meta"]["totalCount"])):
            return cut, (), False
        items = tuple(self._source.polled(text) for text in elements(response.text, *self._source.members))
        return self._turned(at, items, answer["meta"]["nextCursor"].text() if items else "")

    def _turned(
        self, at: Cursor, items: tuple[PolledOrder, ...], following: str
    ) -> tuple[Cursor, tuple[PolledOrder, ...], bool]:
        if following:
            return at.model_copy(update={"following": following}), items, False
        if at.part + 1 < len(self._source.parts):
            return at.model_copy(update={"following": "", "part": at.part + 1}), items, False
        if at.until:
            return Cursor(after=at.until), items, False
        return Cursor(after=max(at.after, (at.reached or at.after) - self._overlap)), items, True

    def _cut(self, at: Cursor, found: Node) -> Cursor | None:
        """The first half of the window, when there is more in it than a search gives."""
        half = ((at.until or self._clock()) - at.after) / 2
        if not found or found.decimal() <= MOST or half < SHORTEST_WINDOW:
            return None
        return Cursor(after=at.after, until=at.after + half)

    def _asked_at(self, response: httpx.Response) -> datetime:
        """By Walmart's clock, which its changes are dated by; ours may be wrong."""
        try:
            date = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return self._clock()
        return date if date.tzinfo else date.replace(tzinfo=UTC)

    async def _read(self, at: Cursor) -> httpx.Response:
        """`nextCursor` is a whole query: it is appended as it came, and nothing is added to it."""
        source = self._source
        if at.following:
            return await self._client.send(source.operation, "GET", f"{source.path}?{at.following.removeprefix('?')}")
        params = {
            **source.history(self._clock() - HISTORY),
            **source.parts[at.part],
            source.since: written(at.after),
            "limit": str(self._page_size),
        }
        if at.until:
            params[source.to] = written(at.until)
        return await self._client.send(source.operation, "GET", source.path, params=params)


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def polled(text: str, name: str, version: Callable[[Node], datetime], wrapped: str) -> PolledOrder:
    """One element, verbatim. One without a readable id or version is kept too, to be refused where it is read."""
    node = Node(decode_json(text))
    try:
        external_id = node[name].identifier()
    except SchemaDrift:
        external_id = "unreadable-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    try:
        at = version(node)
    except SchemaDrift:
        at = NO_VERSION
    return PolledOrder(external_id=external_id, version=at, body=wrapped.replace("@", text, 1).encode())
