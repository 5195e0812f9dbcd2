"""Feeds API 2021-06-30: a document is uploaded, a feed made of it, and what became of it is in another document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from connectors.amazon import quotas
from connectors.amazon.answers import document
from connectors.amazon.node import Node
from connectors.amazon.polling import written
from connectors.amazon.storage import Storage
from connectors.errors import Unavailable
from connectors.http import VendorClient

CANCELLATIONS = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
ADJUSTMENTS = "POST_PAYMENT_ADJUSTMENT_DATA"
LISTINGS = "JSON_LISTINGS_FEED"
FINAL = frozenset({"DONE", "CANCELLED", "FATAL"})
PAGE_SIZE = 100


@dataclass(frozen=True)
class Draft:
    """A feed that is to be sent."""

    feed_type: str
    content_type: str
    body: bytes
    marketplace: str
    correlation_id: str


class Feeds:
    path = "/feeds/2021-06-30"

    def __init__(self, client: VendorClient, storage: Storage) -> None:
        self._client = client
        self._storage = storage

    async def upload(self, draft: Draft) -> str:
        """Put the document where Amazon will read it; returns its id. Nothing happens by that alone."""
        response = await self._client.send(
            quotas.CREATE_FEED_DOCUMENT,
            "POST",
            f"{self.path}/documents",
            json={"contentType": draft.content_type},
            correlation_id=draft.correlation_id,
        )
        answer = document(response, "create feed document")
        document_id = answer["feedDocumentId"].identifier()
        await self._storage.upload(answer["url"].identifier(), draft.body, draft.content_type)
        return document_id

    async def create(self, draft: Draft, document_id: str) -> str:
        """From here on Amazon will do it; returns the feed's id. Raises `InDoubt` when the reply is lost."""
        body = {
            "feedType": draft.feed_type,
            "marketplaceIds": [draft.marketplace],
            "inputFeedDocumentId": document_id,
        }
        response = await self._client.send(
            quotas.CREATE_FEED,
            "POST",
            f"{self.path}/feeds",
            json=body,
            correlation_id=draft.correlation_id,
            writes=True,
        )
        return document(response, f"create feed {draft.feed_type}")["feedId"].identifier()

    async def since(self, feed_type: str, moment: datetime) -> list[Node]:
        """The account's feeds of a type, whoever made them, oldest first."""
        found: list[Node] = []
        params = {"feedTypes": feed_type, "createdSince": written(moment), "pageSize": str(PAGE_SIZE)}
        while True:
            response = await self._client.send(quotas.GET_FEEDS, "GET", f"{self.path}/feeds", params=params)
            answer = document(response, "get feeds")
            found += answer["feeds"].each()
            if not answer["nextToken"]:
                break
            # The next token must be the only parameter of its request, so the filter is applied again here.
            params = {"nextToken": answer["nextToken"].text()}
        own = [feed for feed in found if feed["feedType"].text() == feed_type]
        return sorted(own, key=lambda feed: (feed["createdTime"].moment(), feed["feedId"].text()))

    async def one(self, feed_id: str) -> Node:
        response = await self._client.send(quotas.GET_FEED, "GET", f"{self.path}/feeds/{quote(feed_id, safe='')}")
        return document(response, f"get feed {feed_id}")

    async def report(self, feed: Node) -> bytes:
        """The processing report of a feed that is done."""
        feed_id, document_id = feed["feedId"].text(), feed["resultFeedDocumentId"]
        if not document_id:
            raise Unavailable(f"amazon feed {feed_id} is done and has no processing report yet")
        path = f"{self.path}/documents/{quote(document_id.identifier(), safe='')}"
        answer = document(await self._client.send(quotas.GET_FEED_DOCUMENT, "GET", path), "get feed document")
        what = f"processing report of feed {feed_id}"
        return await self._storage.read(answer["url"].identifier(), what, answer["compressionAlgorithm"].text())
