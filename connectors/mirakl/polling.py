"""Walks what changed since a watermark, page by page: orders by offset (OR11), returns by page token (RT11).

Mirakl sorts by creation alone. A walk filters by the start of the update time and never by its end: nothing can leave
its list, so that what is added or updated in mid-walk moves others further back, never forward, and a page may repeat
an order but not skip one. What moved to a place already passed is read by the next walk, which begins where this one
began, by Mirakl's clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from connectors.errors import Declined, SchemaDrift
from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi, document
from connectors.mirakl.node import Node, decode
from connectors.ports import OrderPage, PolledOrder, ReturnPage
from connectors.raw import elements
from models.base import Model, Moment

OVERLAP_SECONDS = 300
"""How far a walk goes back behind the start of the last one."""
FIRST_WALK = timedelta(days=30)
NO_VERSION = datetime(1970, 1, 1, tzinfo=UTC)
MOST_A_PAGE = 100


class Cursor(Model):
    """Where a walk stands: `offset` or `token` continue it; without them a new walk begins at `after`."""

    after: Moment
    offset: int = 0
    token: str | None = None
    began: Moment | None = None
    """When the walk's first page was read, by Mirakl's clock: the next watermark."""


class Walks:
    """Options: `since` (ISO time of the first walk), `overlap_seconds`, `page_size` (100 at most)."""

    def __init__(self, api: MiraklApi, options: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._since = options.get("since")
        self._overlap = timedelta(seconds=float(options.get("overlap_seconds", OVERLAP_SECONDS)))
        self._page_size = min(int(options.get("page_size", MOST_A_PAGE)), MOST_A_PAGE)

    async def orders(self, cursor: str | None) -> OrderPage:
        at = self._at(cursor)
        params = {"start_update_date": written(at.after), "max": str(self._page_size), "offset": str(at.offset)}
        response = await self._api.get(quotas.LIST_ORDERS, "/api/orders", params)
        total = document(response, "list orders")["total_count"].quantity_or_none()
        found = tuple(polled(text, "order_id", "last_updated_date") for text in elements(response.text, "orders"))
        read = at.offset + len(found)
        more = bool(found) and read < total
        following = self._turned(at, response, found, Cursor(after=at.after, offset=read) if more else None)
        return OrderPage(orders=found, cursor=following.model_dump_json(), more=more)

    async def returns(self, cursor: str | None) -> ReturnPage:
        """A page token that Mirakl takes no more (400) restarts the walk at its watermark."""
        at = self._at(cursor)
        try:
            response = await self._api.get(quotas.LIST_RETURNS, "/api/returns", self._return_params(at))
        except Declined:
            if not at.token:
                raise
            at = Cursor(after=at.after)
            response = await self._api.get(quotas.LIST_RETURNS, "/api/returns", self._return_params(at))
        token = document(response, "list returns")["next_page_token"].text()
        found = tuple(polled(text, "id", "last_updated") for text in elements(response.text, "data"))
        following = self._turned(at, response, found, Cursor(after=at.after, token=token) if token else None)
        return ReturnPage(returns=found, cursor=following.model_dump_json(), more=bool(token))

    async def order(self, external_id: str) -> bytes:
        """One order as it stands (OR11 by its id; OR12 is deprecated). Raises `Declined` (`not_found`)."""
        response = await self._api.get(quotas.GET_ORDER, "/api/orders", {"order_ids": external_id})
        found = [text for text in elements(response.text, "orders") if _id(text, "order_id") == external_id]
        if not found:
            raise Declined(f"get order: the marketplace has no order {external_id}", code="not_found")
        return found[0].encode()

    def starting(self, moment: datetime) -> str:
        return Cursor(after=moment).model_dump_json()

    def _at(self, cursor: str | None) -> Cursor:
        if cursor:
            return Cursor.model_validate_json(cursor)
        return Cursor(after=datetime.fromisoformat(self._since) if self._since else self._clock() - FIRST_WALK)

    def _return_params(self, at: Cursor) -> dict[str, str]:
        params = {"return_last_updated_from": written(at.after), "limit": str(self._page_size)}
        return {**params, "page_token": at.token} if at.token else params

    def _turned(
        self, at: Cursor, response: httpx.Response, found: tuple[PolledOrder, ...], more: Cursor | None
    ) -> Cursor:
        began = at.began or _date(response) or max((each.version for each in found), default=at.after)
        if more:
            return more.model_copy(update={"began": began})
        return Cursor(after=max(at.after, began - self._overlap))


def polled(text: str, id_field: str, version_field: str) -> PolledOrder:
    """One order or return, verbatim. One without a readable id is kept as well, to be refused where it is read."""
    external_id = _id(text, id_field) or "unreadable-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    version = Node(decode(text))[version_field].moment_if_readable() or NO_VERSION
    return PolledOrder(external_id=external_id, version=version, body=text.encode())


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id(text: str, field: str) -> str:
    try:
        return Node(decode(text))[field].identifier()
    except SchemaDrift:
        return ""


def _date(response: httpx.Response) -> datetime | None:
    """When Mirakl answered, by its own clock: ours may be wrong."""
    try:
        date = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
