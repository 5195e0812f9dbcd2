"""The ledger: every effect that an outside system has really had, so that a test can count them."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sandbox.shelf import Shelf


class Ledger:
    """Append-only. An effect is a change in a vendor's system (`erp` / `order_created`), not a request."""

    def __init__(self, shelf: Shelf) -> None:
        self._entries = shelf.collection("ledger")

    def record(self, system: str, effect: str, key: str, **detail: Any) -> None:
        """`key` is the business key the effect belongs to, normally the order key `channel/account/external-id`."""
        number = len(self._entries) + 1
        at = datetime.now(UTC).isoformat()
        entry = {"number": number, "at": at, "system": system, "effect": effect, "key": key, "detail": detail}
        self._entries.put(str(number), entry)

    def entries(self, system: str = "", effect: str = "", key: str = "") -> list[dict[str, Any]]:
        """Entries that match all the given words; an empty word matches anything."""
        wanted = {"system": system, "effect": effect, "key": key}
        return [
            entry
            for entry in self._entries.values()
            if all(not value or entry[name] == value for name, value in wanted.items())
        ]

    def counts(self) -> dict[str, int]:
        """`system/effect` -> number of effects."""
        return dict(Counter(f"{entry['system']}/{entry['effect']}" for entry in self._entries.values()))
