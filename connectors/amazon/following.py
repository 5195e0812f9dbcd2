"""What became of what Amazon took: DONE says that a feed was read, its report says what was done."""

from __future__ import annotations

from connectors.amazon.feeds import FINAL, Feeds
from connectors.amazon.listings import Listings
from connectors.amazon.node import Node
from connectors.amazon.operations import Operation, Purpose
from connectors.amazon.orders import Orders
from connectors.amazon.processing import Complaint, complaints
from connectors.amazon.seller import Seller
from connectors.errors import Declined
from models.channel import Progress, Rejected
from models.order import ChannelState


class Following:
    def __init__(self, feeds: Feeds, listings: Listings, orders: Orders, seller: Seller) -> None:
        self._feeds = feeds
        self._listings = listings
        self._orders = orders
        self._seller = seller

    async def follow(self, text: str) -> Progress:
        """Raises `Declined` in Amazon's words for a request that failed as a whole."""
        operation = Operation.read(text)
        if operation.purpose is Purpose.LISTING:
            return await self._listings.applied(operation)
        feed = await self._feeds.one(operation.feed_id)
        status = feed["processingStatus"].text()
        if status not in FINAL:
            return Progress(operation=text, look_again=self._seller.look_again)
        if status != "DONE":
            raise _ended(feed, status)
        found = complaints(await self._feeds.report(feed))
        if operation.purpose is Purpose.STOCK:
            return Progress(rejected=tuple(_rejected(each, operation.messages) for each in found))
        if found and not await self._done_anyway(operation):
            raise _declined(operation, found)
        return Progress()

    async def _done_anyway(self, operation: Operation) -> bool:
        """A cancellation is refused of an order that is cancelled: by the buyer, in the meantime."""
        if operation.purpose is not Purpose.CANCEL:
            return False
        return (await self._orders.now(operation.order_id)).state is ChannelState.CANCELLED


def _ended(feed: Node, status: str) -> Declined:
    what = {
        "CANCELLED": "was cancelled before Amazon began with it: nothing of it is done",
        "FATAL": "was broken off: some of it may be done, so look at the order before you ask again",
    }
    words = f"amazon feed {feed['feedId'].text()} ({feed['feedType'].text()}) {what[status]}"
    return Declined(words, code=f"feed_{status.lower()}")


def _declined(operation: Operation, found: list[Complaint]) -> Declined:
    words = "; ".join(f"{each.code}: {each.words}" for each in found)
    return Declined(f"amazon {operation.purpose} of {operation.order_id}: {words}", code=found[0].code)


def _rejected(complaint: Complaint, skus: tuple[str, ...]) -> Rejected:
    """By its SKU, or by the number of its message."""
    number = int(complaint.message_id) if complaint.message_id.isdecimal() else 0
    by_number = skus[number - 1] if 0 < number <= len(skus) else "?"
    return Rejected(key=complaint.sku or by_number, code=complaint.code, message=complaint.words)
