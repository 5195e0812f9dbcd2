"""Business refusals of mutations: HTTP 200, `userErrors`, and no effect."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


class UserError(Exception):
    """`code` is shown where the mutation's errors have one."""

    def __init__(self, message: str, *field: str, code: str | None = None) -> None:
        super().__init__(message)
        self.field = list(field) or None
        self.code = code

    def shown(self) -> Document:
        return {"field": self.field, "message": str(self), "code": self.code}


def refused(error: UserError, *, errors: str = "userErrors") -> Document:
    """A payload that holds nothing but the refusal."""
    return {"userErrors": [error.shown()], errors: [error.shown()]}
