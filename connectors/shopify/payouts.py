"""Shopify Payments: the payouts that are ready, and each with its balance transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, BinaryIO

from connectors.patience import patiently
from connectors.ports import SettlementRef
from connectors.raw import write_pages
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
        pages = self._pages("payouts", queries.PAYOUTS, variables)
        return [
            SettlementRef(settlement_id=Node(node).at("legacyResourceId", "id").identity(), document_id=node["id"])
            async for page in pages
            for node in _nodes(page, "payouts")
            if node["status"] == "PAID"
        ]

    async def document(self, ref: SettlementRef, into: BinaryIO) -> None:
        """`{"payout": …, "transactions": […]}` with the transactions of all pages, written as they come."""
        variables = {"id": ref.document_id, "query": f"payments_transfer_id:{ref.settlement_id}"}
        pages = self._pages("balanceTransactions", queries.PAYOUT_TRANSACTIONS, variables)
        first = await anext(pages)
        opening = f'{{"payout":{encoded(first.get("node")).decode()},"transactions":['
        await write_pages(into, opening, _transactions(first, pages))

    async def _pages(self, connection: str, query: str, variables: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """All pages of a connection of the payments account; one without it when the shop has no Shopify Payments."""
        after: str | None = None
        while True:
            data = await patiently(partial(self._graphql.run, connection, query, {**variables, "after": after}))
            yield data
            account = data.get("shopifyPaymentsAccount")
            if account is None or not account[connection]["pageInfo"]["hasNextPage"]:
                return
            after = account[connection]["pageInfo"]["endCursor"]


async def _transactions(first: dict[str, Any], further: AsyncIterator[dict[str, Any]]) -> AsyncIterator[list[str]]:
    yield _written(first)
    async for page in further:
        yield _written(page)


def _written(page: dict[str, Any]) -> list[str]:
    return [encoded(node).decode() for node in _nodes(page, "balanceTransactions")]


def _nodes(page: dict[str, Any], connection: str) -> list[dict[str, Any]]:
    account = page.get("shopifyPaymentsAccount")
    return account[connection]["nodes"] if account else []
