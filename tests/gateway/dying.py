"""The gateway, which is killed with its relay when it comes to a named point: `python -m tests.gateway.dying`.

The point and how often it is passed before are in the environment; the product knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

from capture import temporal
from capture.deliveries import Deliveries
from capture.relay import Relay
from gateway import __main__ as gateway
from gateway import app, relaying
from gateway.keeper import Keeper
from store import inbox

P = ParamSpec("P")
T = TypeVar("T")

POINT, PASSES = "TEST_DIES_AT", "TEST_DIES_AFTER"
IN_GATEWAY = ("before the keeping", "after the keeping", "before the answer", "after the answer")
IN_RELAY = ("after the claim", "after the start", "before the end is committed", "after the end is committed")
POINTS = (*IN_GATEWAY, *IN_RELAY)

_passed = 0


def _pass(point: str, deliveries: int = 1) -> None:
    global _passed
    if os.environ.get(POINT) != point:
        return
    _passed += deliveries
    if _passed > int(os.environ[PASSES]):
        _die()


def _die() -> NoReturn:
    """`kill -9` of gateway and relay: they are one process group."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
    raise AssertionError("killed")


def _around(
    function: Callable[P, Awaitable[T]], before: str | None = None, after: str | None = None
) -> Callable[P, Awaitable[T]]:
    @wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        deliveries = next((len(each) for each in args if isinstance(each, list)), 1)
        if before:
            _pass(before, deliveries)
        result = await function(*args, **kwargs)
        if after:
            _pass(after, deliveries)
        return result

    return wrapped


class _Application:
    """Comes to a point when an answer to a webhook has been sent."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._inner(scope, receive, send)
        if scope["type"] == "http" and scope["path"].startswith("/webhooks/"):
            _pass("after the answer")


STEPS: tuple[tuple[Any, str, str | None, str | None], ...] = (
    (inbox, "keep_each", "before the keeping", "after the keeping"),
    (Keeper, "keep", None, "before the answer"),
    (Relay, "_event", "after the claim", "after the end is committed"),
    (temporal, "start_order", None, "after the start"),
    (Deliveries, "deliver", None, "before the end is committed"),
)
"""Whose step, its name, and the points before and after it."""


def arm() -> None:
    for owner, name, before, after in STEPS:
        setattr(owner, name, _around(getattr(owner, name), before, after))
    made = app.create_app
    app.__dict__["create_app"] = lambda *args: _Application(made(*args))
    relaying.COMMAND = ("-m", "tests.gateway.dying", "relay", "--attached")


if __name__ == "__main__":
    arm()
    sys.exit(gateway.main())
