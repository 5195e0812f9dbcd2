"""State that outlives the process: dictionaries in memory, written through to one SQLite file.

(The product itself knows only PostgreSQL; this is the vendors' memory, not ours.)
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Collection:
    """A dictionary of JSON documents by key, in order of insertion. Change a document, then `put` it back."""

    def __init__(self, name: str, db: sqlite3.Connection) -> None:
        self._name = name
        self._db = db
        rows = db.execute("SELECT key, body FROM document WHERE collection = ? ORDER BY rowid", (name,))
        self._items: dict[str, Any] = {key: json.loads(body) for key, body in rows}

    def put(self, key: str, document: Any) -> None:
        self._items[key] = document
        self._db.execute(
            "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET body = excluded.body",
            (self._name, key, json.dumps(document)),
        )

    def get(self, key: str) -> Any | None:
        return self._items.get(key)

    def remove(self, key: str) -> None:
        self._items.pop(key, None)
        self._db.execute("DELETE FROM document WHERE collection = ? AND key = ?", (self._name, key))

    def values(self) -> list[Any]:
        return list(self._items.values())

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class Shelf:
    """All collections of a sandbox. Without a directory it lives in memory only."""

    def __init__(self, directory: Path | None = None) -> None:
        if directory:
            directory.mkdir(parents=True, exist_ok=True)
        path = directory / "sandbox.sqlite" if directory else ":memory:"
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS document (collection TEXT, key TEXT, body TEXT, PRIMARY KEY (collection, key))"
        )
        self._collections: dict[str, Collection] = {}

    def collection(self, name: str) -> Collection:
        if name not in self._collections:
            self._collections[name] = Collection(name, self._db)
        return self._collections[name]

    def close(self) -> None:
        self._db.close()
