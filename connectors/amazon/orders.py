"""Orders as they stand now, to look before something is written."""

from __future__ import annotations

from connectors.amazon.parse import parse
from connectors.amazon.polling import OrderWalk
from connectors.errors import Unavailable
from models.order import Order


class Orders:
    def __init__(self, walk: OrderWalk, account: str) -> None:
        self._walk = walk
        self._account = account

    async def now(self, external_id: str) -> Order:
        """Raises `Declined` when Amazon does not know it, `Unavailable` while it cannot be understood."""
        parsed = parse(await self._walk.one(external_id), self._account)
        if not parsed.orders:
            raise Unavailable(f"amazon order {external_id}: {'; '.join(str(refusal) for refusal in parsed.refusals)}")
        return parsed.orders[0]
