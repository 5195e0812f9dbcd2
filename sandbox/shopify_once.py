"""`@idempotent(key:)`: the same key and input give the first outcome again. Without a key there is no effect at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, get_directive_values

from sandbox.core import Sandbox
from sandbox.shopify_errors import UserError

NEEDED = "The @idempotent directive is required for this mutation but was not provided."
MISMATCH = "The same idempotency key cannot be used with different operation parameters."
FAILED = "A previous request with this idempotency key failed. Retry with a new idempotency key."


class Once:
    def __init__(self, sandbox: Sandbox) -> None:
        self._outcomes = sandbox.shelf.collection("shopify.idempotency")

    def do(self, info: GraphQLResolveInfo[Any], wanted: Any, act: Callable[[], str], *, coded: bool = False) -> str:
        """The id that `act` gave when it was done first. `coded`: problems with the key are user errors with a code.

        Raises `UserError`, `GraphQLError`.
        """
        key = f"{info.field_name}:{_key(info)}"
        print_ = hashlib.sha256(json.dumps(wanted, sort_keys=True, default=str).encode()).hexdigest()
        before = self._outcomes.get(key)
        if before is None:
            return self._first(key, print_, act, coded=coded)
        if before["print"] != print_:
            raise _problem(MISMATCH, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", coded=coded)
        if before["id"] is None:
            raise _problem(FAILED, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", coded=coded)
        return str(before["id"])

    def _first(self, key: str, print_: str, act: Callable[[], str], *, coded: bool) -> str:
        try:
            done = act()
        except UserError:
            if coded:
                self._outcomes.put(key, {"print": print_, "id": None})
            raise
        self._outcomes.put(key, {"print": print_, "id": done})
        return done


def _key(info: GraphQLResolveInfo[Any]) -> str:
    directive = info.schema.get_directive("idempotent")
    assert directive is not None
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if not values or not values.get("key"):
        raise GraphQLError(NEEDED, extensions={"code": "BAD_REQUEST"})
    return str(values["key"])


def _problem(message: str, code: str, *, coded: bool) -> Exception:
    return UserError(message, "input", code=code) if coded else GraphQLError(message, extensions={"code": code})
