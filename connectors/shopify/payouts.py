"""Shopify Payments: the payouts that are ready, and each with its balance transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from connectors.ports import SettlementRef
from connectors.shopify import queries
from connectors.shopify.graphql import ShopifyGraphql
from connectors.shopify.node import Node
from connectors.shopify.reading import HISTORY_DAYS, encoded


class Payouts:
    def __init__(self, graphql: ShopifyGraphql) -> None:
        self._graphql = graphql

    async def ready(self, now: datetime) -> list[SettlementRef]:
        since = (now - timedelta(days=HISTORY_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
        variables = {"query": f"status:paid issued_at:>='{since}'"}
        return [
            SettlementRef(settlement_id=Node(node).at("legacyResourceId", "id").identity(), document_id=node["id"])
            async for node in self._payments("payouts", queries.PAYOUTS, variables)
            if node["status"] == "PAID"
        ]

    async def document(self, ref: SettlementRef) -> bytes:
        """`{"payout": …, "transactions": […]}` with the transactions of all pages."""
        variables = {"id": ref.document_id, "query": f"payments_transfer_id:{ref.settlement_id}"}
        document: dict[str, Any] = {"payout": None, "transactions": []}
        async for node in self._payments("balanceTransactions", queries.PAYOUT_TRANSACTIONS, variables, document):
            document["transactions"].append(node)
        return encoded(document)

    async def _payments(
        self, connection: str, query: str, variables: dict[str, Any], document: dict[str, Any] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Nodes of all pages of a connection of the payments account; none when the shop has no Shopify Payments."""
        after: str | None = None
        while True:
            data = await self._graphql.run(connection, query, {**variables, "after": after})
            if document is not None:
                document["payout"] = data.get("node")
            account = data.get("shopifyPaymentsAccount")
            if account is None:
                return
            page = account[connection]
            for node in page["nodes"]:
                yield node
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]
