"""Faults on demand, per operation: what goes wrong in real systems, switched on by a test or a scenario."""

import random
from enum import StrEnum
from itertools import count

from pydantic import BaseModel, Field


class FaultKind(StrEnum):
    LATENCY = "latency"
    """The reply comes `seconds` late."""
    ERROR = "error"
    """HTTP `status` instead of the effect."""
    LOST_REPLY = "lost_reply"
    """The effect happens, then the connection breaks."""
    EXPIRE_TOKEN = "expire_token"
    """The caller's access token is refused as expired."""
    THROTTLE = "throttle"
    """HTTP 429 (or the vendor's own way to say it) as if the quota were used up."""
    DECLINE = "decline"
    """The vendor's business refusal, where the operation knows one."""


class Fault(BaseModel):
    operation: str
    """As listed by `GET /_sandbox/operations`, e.g. `erp.create_order`; `*` matches all, `erp.*` all of a system."""
    kind: FaultKind
    times: int | None = Field(default=None, ge=1)
    """How often it strikes; None: until it is removed."""
    probability: float = Field(default=1.0, gt=0, le=1)
    status: int = 500
    seconds: float = 0.0
    key: str = ""
    """Strike only requests that mention this text in their path or body."""

    def covers(self, operation: str) -> bool:
        pattern = self.operation
        return pattern in ("*", operation) or (pattern.endswith(".*") and operation.startswith(pattern[:-1]))


class Faults:
    """Which faults strike which call. The same seed and the same calls give the same faults."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._numbers = count(1)
        self._active: dict[int, Fault] = {}
        self._struck: dict[int, int] = {}

    def add(self, fault: Fault) -> int:
        number = next(self._numbers)
        self._active[number] = fault
        self._struck[number] = 0
        return number

    def remove(self, number: int | None = None) -> None:
        """Remove one fault, or all."""
        for each in [number] if number is not None else list(self._active):
            self._active.pop(each, None)

    def striking(self, operation: str, text: str) -> list[Fault]:
        """The faults that strike this call; each counts as one of its `times`."""
        return [self._active_fault(number) for number in list(self._active) if self._strikes(number, operation, text)]

    def _active_fault(self, number: int) -> Fault:
        fault = self._active[number]
        self._struck[number] += 1
        if fault.times is not None and self._struck[number] >= fault.times:
            del self._active[number]
        return fault

    def _strikes(self, number: int, operation: str, text: str) -> bool:
        fault = self._active[number]
        return fault.covers(operation) and fault.key in text and self._random.random() < fault.probability
