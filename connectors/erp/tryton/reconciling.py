"""Lines of accounting entries that come to nothing together: Tryton keeps them as one reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record

LINE, RECONCILIATION = "account.move.line", "account.move.reconciliation"


async def settle(client: TrytonClient, lines: Sequence[int], on: date) -> None:
    """Once: after a lost reply, the lines lead to the reconciliation that is there."""

    async def find() -> Record | None:
        return await client.first(RECONCILIATION, [["lines", "in", list(lines)]])

    values = {"company": client.company, "date": on, "lines": [["add", list(lines)]]}
    await client.create(RECONCILIATION, values, find)
