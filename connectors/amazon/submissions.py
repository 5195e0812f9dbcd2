"""Feeds that are sent once. Amazon gives a feed no token of ours, and does not show what a feed was made of.

So a lost reply is settled by what can be known, in this order: what this process was answered itself; that there is no
feed at all that nobody has explained; that there are exactly as many as this process is in doubt about; and then by
the effect, where that can be seen. What cannot be settled stays in doubt: nothing is paid twice on a guess.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.amazon.feeds import FINAL, Draft, Feeds
from connectors.amazon.node import Node
from connectors.errors import Declined, InDoubt, Unauthorized, Unavailable

REMEMBERED = 10_000
"""Requests whose feeds are remembered; later ones are settled by their effect."""
LOOK_BACK = timedelta(days=3)
"""How old an attempt may be that this process did not make itself: the engine gives a request up before."""
SKEW = timedelta(minutes=5)
"""By which Amazon's clock and ours may differ."""


@dataclass(eq=False)
class Attempt:
    feed_type: str
    at: datetime
    feed_id: str | None = None
    """None while it is not known whether there is a feed."""


@dataclass(frozen=True)
class Effect:
    """How to see whether a request has had its effect."""

    happened: Callable[[], Awaitable[bool]]
    shown_within: timedelta
    """How long after its feed the effect may still be invisible."""


class Submissions:
    def __init__(self, feeds: Feeds, clock: Callable[[], datetime]) -> None:
        self._feeds = feeds
        self._clock = clock
        self._attempts: OrderedDict[str, Attempt] = OrderedDict()

    async def submit(self, request_id: str, draft: Draft, effect: Effect, *, retry: bool) -> str | None:
        """The id of the feed to follow; None when the effect is there already. Raises `InDoubt`."""
        if retry:
            known = self._attempts.get(request_id)
            if known and known.feed_id:
                return known.feed_id
            if feeds := await self._unexplained(draft.feed_type, known):
                return await self._settled(request_id, draft, effect, feeds)
        return await self._send(request_id, draft)

    async def _send(self, request_id: str, draft: Draft) -> str:
        document_id = await self._feeds.upload(draft)
        attempt = self._remember(request_id, Attempt(draft.feed_type, self._clock()))
        try:
            attempt.feed_id = await self._feeds.create(draft, document_id)
        except (Declined, Unauthorized, Unavailable):
            # Amazon has refused, or never got it: there is no feed.
            self._attempts.pop(request_id, None)
            raise
        return attempt.feed_id

    async def _unexplained(self, feed_type: str, known: Attempt | None) -> list[Node]:
        """Feeds that may be of an attempt whose answer never came: all but those known as another's."""
        explained = {attempt.feed_id for attempt in self._attempts.values()}
        doubtful = self._doubtful(feed_type)
        since = doubtful[0].at if known in doubtful else self._clock() - LOOK_BACK
        return [feed for feed in await self._feeds.since(feed_type, since - SKEW) if _id(feed) not in explained]

    async def _settled(self, request_id: str, draft: Draft, effect: Effect, feeds: list[Node]) -> str | None:
        doubtful = self._doubtful(draft.feed_type)
        known = self._attempts.get(request_id)
        if known in doubtful and len(feeds) == len(doubtful):
            for attempt, feed in zip(doubtful, feeds, strict=True):
                attempt.feed_id = _id(feed)
            return known.feed_id
        if await effect.happened():
            return None
        if all(self._tells_nothing(feed, effect) for feed in feeds):
            return await self._send(request_id, draft)
        names = ", ".join(_id(feed) for feed in feeds[:5])
        raise InDoubt(f"amazon: {request_id} may be in feed {names}, and its effect cannot be seen yet")

    def _tells_nothing(self, feed: Node, effect: Effect) -> bool:
        """True for a feed whose effect would be seen by now."""
        ended = feed["processingEndTime"].moment_if_readable() or feed["createdTime"].moment()
        return feed["processingStatus"].text() in FINAL and ended + effect.shown_within <= self._clock()

    def _doubtful(self, feed_type: str) -> list[Attempt]:
        """Oldest first; one that nobody has come back for is forgotten in time."""
        oldest = self._clock() - LOOK_BACK
        own = [each for each in self._attempts.values() if each.feed_type == feed_type and each.feed_id is None]
        return sorted((each for each in own if each.at > oldest), key=lambda attempt: attempt.at)

    def _remember(self, request_id: str, attempt: Attempt) -> Attempt:
        self._attempts[request_id] = attempt
        while len(self._attempts) > REMEMBERED:
            self._attempts.popitem(last=False)
        return attempt


def _id(feed: Node) -> str:
    return feed["feedId"].identifier()
