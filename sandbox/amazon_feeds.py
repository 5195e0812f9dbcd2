"""Feeds API 2021-06-30: documents are uploaded, feeds made of them, worked on in a while, and answered by a report."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.amazon_answers import Payload, error, invalid, json_body, not_found, now, read_moment, written
from sandbox.amazon_envelopes import Problem, Unreadable, report
from sandbox.amazon_storage import AmazonStorage, denied
from sandbox.core import Sandbox

FINAL = ("DONE", "CANCELLED", "FATAL")
FIRST_FEED = 90_000_000_000
KEPT = timedelta(days=90)
Worked = tuple[int, list[Problem]]
Work = Callable[[bytes], Worked | bytes]
"""Does what a document says; returns how many messages there were and what was wrong, or the whole report."""


def declined(_: Request) -> Response:
    """The refusal that a fault asks for."""
    return error(400, "InvalidInput", "The feed cannot be created.", "feedType")


class AmazonFeeds:
    def __init__(self, sandbox: Sandbox, storage: AmazonStorage, work: dict[str, Work]) -> None:
        self._sandbox = sandbox
        self._storage = storage
        self._work = work
        self._feeds = sandbox.shelf.collection("amazon_feeds")
        self._documents = sandbox.shelf.collection("amazon_feed_documents")

    def resume(self) -> None:
        """Go on with the feeds that were not at their end when the sandbox stopped."""
        for feed_id in self._feeds:
            if self._feed(feed_id)["processingStatus"] not in FINAL:
                self._sandbox.spawn(self._process(feed_id))

    async def create_document(self, request: Request) -> Response:
        """`POST /feeds/2021-06-30/documents`."""
        content_type = (await json_body(request)).get("contentType")
        if not isinstance(content_type, str) or "/" not in content_type:
            raise invalid("contentType is required.")
        document_id = f"amzn1.tortuga.4.na.{uuid.uuid4()}"
        self._documents.put(document_id, {"contentType": content_type, "content": None})
        url = self._storage.address(f"/amazon-uploads/{document_id}")
        return JSONResponse({"feedDocumentId": document_id, "url": url}, status_code=201)

    async def upload(self, request: Request) -> Response:
        """`PUT` to the signed address; the content type is part of what was signed."""
        if refusal := self._storage.refusal(request):
            return refusal
        document_id = request.path_params["document_id"]
        document = self._documents.get(document_id)
        if document is None or request.headers.get("content-type") != document["contentType"]:
            return denied("SignatureDoesNotMatch")
        # Latin-1 maps every byte to one character and back.
        self._documents.put(document_id, {**document, "content": (await request.body()).decode("latin-1")})
        return Response(status_code=200)

    async def create(self, request: Request) -> Response:
        """`POST /feeds/2021-06-30/feeds`: there is no idempotency token, the same request again is another feed."""
        body = await json_body(request)
        feed_type, marketplaces = body.get("feedType"), body.get("marketplaceIds")
        if feed_type not in self._work:
            raise invalid(f"Invalid feedType {feed_type!r}.")
        if not isinstance(marketplaces, list) or not 1 <= len(marketplaces) <= 25:
            raise invalid("marketplaceIds must have between 1 and 25 values.")
        document = self._documents.get(str(body.get("inputFeedDocumentId")))
        if document is None or document["content"] is None:
            raise invalid("Invalid inputFeedDocumentId: the document does not exist or was not uploaded.")
        feed_id = str(FIRST_FEED + len(self._feeds) + 1)
        feed = {
            "feedId": feed_id,
            "feedType": feed_type,
            "marketplaceIds": [str(each) for each in marketplaces],
            "createdTime": written(now()),
            "processingStatus": "IN_QUEUE",
        }
        self._feeds.put(feed_id, {"feed": feed, "input": document["content"]})
        self._sandbox.spawn(self._process(feed_id))
        return JSONResponse({"feedId": feed_id}, status_code=202)

    async def feeds(self, request: Request) -> Response:
        """`GET /feeds/2021-06-30/feeds`. `nextToken` has to be the only parameter of its request."""
        query = dict(request.query_params)
        if token := query.pop("nextToken", None):
            if query:
                raise invalid("nextToken must be the only parameter.")
            query = _opened(token)
        elif not query.get("feedTypes"):
            raise invalid("Either feedTypes or nextToken is required.")
        size = query.get("pageSize", "10")
        if not (size.isascii() and size.isdigit() and 1 <= int(size) <= 100):
            raise invalid("pageSize must be between 1 and 100.")
        start = int(query.get("start", "0"))
        found = [entry["feed"] for entry in reversed(self._feeds.values()) if _wanted(entry["feed"], query)]
        body: Payload = {"feeds": found[start : start + int(size)]}
        if len(found) > start + int(size):
            body["nextToken"] = _sealed({**query, "start": str(start + int(size))})
        return JSONResponse(body)

    async def feed(self, request: Request) -> Response:
        """`GET /feeds/2021-06-30/feeds/{feedId}`: it does not say what the feed was made of."""
        return JSONResponse(self._feed(request.path_params["feed_id"]))

    async def document(self, request: Request) -> Response:
        """`GET /feeds/2021-06-30/documents/{id}`, of results only."""
        document_id = request.path_params["document_id"]
        if self._result(document_id) is None:
            raise invalid("Invalid feedDocumentId")
        url = self._storage.address(f"/amazon-feed-results/{document_id}")
        return JSONResponse({"feedDocumentId": document_id, "url": url, "compressionAlgorithm": "GZIP"})

    async def download(self, request: Request) -> Response:
        content = self._result(request.path_params["document_id"])
        if refusal := self._storage.refusal(request):
            return refusal
        if content is None:
            return denied()
        return Response(gzip.compress(content.encode("latin-1")), media_type="application/octet-stream")

    async def _process(self, feed_id: str) -> None:
        """IN_QUEUE for half the time that jobs take, IN_PROGRESS for the other half."""
        pause = self._sandbox.options.job_delay / 2
        await asyncio.sleep(pause)
        self._put(feed_id, processingStatus="IN_PROGRESS", processingStartTime=written(now()))
        await asyncio.sleep(pause)
        entry = self._feeds.get(feed_id)
        assert entry is not None
        content = entry["input"].encode("latin-1")
        try:
            status, worked = "DONE", self._work[entry["feed"]["feedType"]](content)
        except Unreadable as problem:
            status, worked = "FATAL", (0, [Problem("0", "5000", str(problem))])
        text = worked if isinstance(worked, bytes) else report(feed_id, *worked)
        result_id = f"amzn1.tortuga.result.4.na.{uuid.uuid4()}"
        self._feeds.put(feed_id, {**entry, "result": text.decode("latin-1")})
        self._put(feed_id, processingStatus=status, processingEndTime=written(now()), resultFeedDocumentId=result_id)

    def _put(self, feed_id: str, **changes: str) -> None:
        entry = self._feeds.get(feed_id)
        assert entry is not None
        self._feeds.put(feed_id, {**entry, "feed": {**entry["feed"], **changes}})

    def _feed(self, feed_id: str) -> Payload:
        entry = self._feeds.get(feed_id)
        if entry is None:
            raise not_found("The feed")
        feed: Payload = entry["feed"]
        return feed

    def _result(self, document_id: str) -> str | None:
        entries = (e for e in self._feeds.values() if e["feed"].get("resultFeedDocumentId") == document_id)
        return next((str(entry["result"]) for entry in entries), None)


def _wanted(feed: Payload, query: dict[str, str]) -> bool:
    created = datetime.fromisoformat(feed["createdTime"])
    since = read_moment(query.get("createdSince") or written(now() - KEPT), "createdSince")
    until = read_moment(query.get("createdUntil") or now().isoformat(), "createdUntil")
    statuses = query.get("processingStatuses")
    return (
        feed["feedType"] in query["feedTypes"].split(",")
        and (not statuses or feed["processingStatus"] in statuses.split(","))
        and since <= created <= until
    )


def _sealed(query: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(query).encode()).decode()


def _opened(token: str) -> dict[str, str]:
    try:
        query: Any = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise invalid("Invalid nextToken.") from None
    if not isinstance(query, dict) or not {"feedTypes", "start"} <= set(query):
        raise invalid("Invalid nextToken.")
    return {str(name): str(value) for name, value in query.items()}
