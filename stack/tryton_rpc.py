"""Tryton's JSON-RPC as its own clients speak it: what an administrator sets a company up with."""

import base64
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Self

import httpx

from stack.errors import StackError

Record = dict[str, Any]


class TrytonRpc:
    """A session of one user. Every call runs in the user's context, as in Tryton's desktop client."""

    def __init__(self, base_url: str, database: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=120, trust_env=False)
        self._path = f"/{database}/rpc/"
        self._headers = {"Content-Type": "application/json"}
        self._context: Record = {}
        self.user = 0

    def login(self, name: str, password: str) -> Self:
        self.user, token, *_ = self.call("common.db.login", name, {"password": password}, "en")
        session = base64.b64encode(f"{name}:{self.user}:{token}".encode()).decode()
        self._headers["Authorization"] = f"Session {session}"
        self.reload()
        return self

    def close(self) -> None:
        self._http.close()

    def reload(self) -> None:
        """Read the user's preferences again: the company that its calls are about is one of them."""
        self._context = dict(self.call("model.res.user.get_preferences", True, {}))

    def call(self, method: str, *params: Any) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": params}, default=_encoded)
        answer = self._http.post(self._path, content=body, headers=self._headers)
        if answer.status_code != httpx.codes.OK:
            raise StackError(f"Tryton answers {method} with HTTP {answer.status_code}: {answer.text[:300]}")
        document = json.loads(answer.content, object_hook=_decoded)
        if document.get("error") is not None:
            raise StackError(f"Tryton refuses {method}: {json.dumps(document['error'], default=str)[:600]}")
        return document["result"]

    def model(self, model: str, method: str, *params: Any, **context: Any) -> Any:
        return self.call(f"model.{model}.{method}", *params, {**self._context, **context})

    def create(self, model: str, *records: Record, **context: Any) -> list[int]:
        made: list[int] = self.model(model, "create", list(records), **context)
        return made

    def search(self, model: str, domain: list[Any], fields: Sequence[str] = ("id",), **context: Any) -> list[Record]:
        found: list[Record] = self.model(model, "search_read", domain, 0, None, None, list(fields), **context)
        return found

    def first(self, model: str, domain: list[Any], fields: Sequence[str] = ("id",), **context: Any) -> Record:
        """The first record. Raises `StackError` when there is none."""
        found = self.search(model, domain, fields, **context)
        if not found:
            raise StackError(f"Tryton has no {model} with {domain}")
        return found[0]

    def wizard(self, name: str, *steps: tuple[str, Record]) -> None:
        """Go through a wizard: each step names the state to go to, and the answers of all forms until there."""
        session, _, _ = self.call(f"wizard.{name}.create", self._context)
        for state, answers in steps:
            self.call(f"wizard.{name}.execute", session, answers, state, self._context)
        self.call(f"wizard.{name}.delete", session, self._context)


def _encoded(value: Any) -> Record:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"cannot send a {type(value).__name__} to Tryton")


def _decoded(value: Record) -> Any:
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return date(value["year"], value["month"], value["day"])
        case _:
            return value
