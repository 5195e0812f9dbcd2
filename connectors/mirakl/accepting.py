"""Taking an order, or refusing it as a whole (OR21): every line is decided in one call."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi
from connectors.mirakl.polling import Walks
from connectors.mirakl.standing import INVALID_STATE, Standing


class Acceptance:
    def __init__(self, api: MiraklApi, walks: Walks) -> None:
        self._api = api
        self._walks = walks

    async def decide(self, order_id: str, lines: Sequence[str], *, accepted: bool, correlation_id: str) -> None:
        """A repeated decision is refused by Mirakl, and a success where the order shows it. Raises `Declined`."""
        body = {"order_lines": [{"id": line_id, "accepted": accepted} for line_id in lines]}
        path = f"/api/orders/{quote(order_id, safe='')}/accept"
        try:
            await self._api.write(quotas.ACCEPT, "PUT", path, body, correlation_id)
        except Declined as refusal:
            if refusal.code not in INVALID_STATE:
                raise
            order = Standing.read(await self._walks.order(order_id))
            if not (order.accepted if accepted else order.ended):
                raise
