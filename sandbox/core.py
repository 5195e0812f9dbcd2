"""What all twins share: memory, ledger, faults, quotas, clock, and the wrapper around each operation."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.faults import Fault, FaultKind, Faults
from sandbox.ledger import Ledger
from sandbox.scenario import Scenario, everyday, load_scenario
from sandbox.shelf import Shelf

Handler = Callable[[Request], Awaitable[Response]]


class SandboxOptions(BaseModel):
    base_url: str = "http://127.0.0.1:8090"
    webhooks_to: str | None = None
    """Base URL of the gateway that receives webhooks; None: no webhook is sent."""
    state_dir: Path | None = None
    orders_dir: Path | None = None
    """Serve the order payloads of these files as the accounts' orders."""
    seed: int = 7
    quota_scale: float = 1.0
    """1 = the vendor's published quota; 10 = an account that was granted ten times as much."""
    ship_delay: float = 0.2
    """Seconds between a release and its first parcel."""
    job_delay: float = 0.2
    """Seconds that a channel takes for what it does later (feeds, imports, jobs)."""
    scenario: Scenario = Field(default_factory=everyday)
    """How buyers behave and what goes wrong."""

    @classmethod
    def in_scenario(cls, name: str | Path, **options: Any) -> Self:
        """The options of a scenario (a name or a file); an option that is given, and not None, comes before its own.

        Raises `ScenarioError`.
        """
        scenario = load_scenario(name)
        told = {
            "scenario": scenario,
            "seed": scenario.seed,
            "quota_scale": scenario.quota_scale,
            "ship_delay": scenario.delays.ship,
            "job_delay": scenario.delays.job,
        }
        return cls(**{**told, **{name: value for name, value in options.items() if value is not None}})


class LostReply(Response):
    """The effect has happened, the answer never arrives: the connection breaks in the middle of the reply."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})


@dataclass(frozen=True)
class Refusals:
    """The vendor's own ways to say no."""

    throttled: Callable[[], Response]
    expired: Callable[[], Response] | None
    declined: Callable[[Request], Response] | None

    def instead(self, request: Request, faults: Mapping[FaultKind, Fault]) -> Response | None:
        """The answer that a fault gives in place of the effect, if one does."""
        if FaultKind.THROTTLE in faults:
            return self.throttled()
        if FaultKind.EXPIRE_TOKEN in faults and self.expired:
            return self.expired()
        if FaultKind.ERROR in faults:
            return Response(status_code=faults[FaultKind.ERROR].status)
        if FaultKind.DECLINE in faults and self.declined:
            return self.declined(request)
        return None


class QuotaBucket:
    """The vendor's own token bucket: `rate` a second, `burst` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(float(self._burst), self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass
class Sandbox:
    """One sandbox: all twins, one memory."""

    options: SandboxOptions
    shelf: Shelf = field(init=False)
    ledger: Ledger = field(init=False)
    faults: Faults = field(init=False)
    calls: Counter[str] = field(default_factory=Counter)
    """`operation status` -> number of calls answered so."""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.options.state_dir)
        self.ledger = Ledger(self.shelf)
        self.faults = Faults(self.options.seed)
        for fault in self.options.scenario.faults:
            self.faults.add(fault)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background (a parcel being packed, a webhook being sent) until the sandbox ends."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def operation(
        self,
        name: str,
        handler: Handler,
        *,
        throttled: Callable[[], Response],
        quota: tuple[float, int] | None = None,
        quota_headers: Callable[[float], dict[str, str]] | None = None,
        expired: Callable[[], Response] | None = None,
        declined: Callable[[Request], Response] | None = None,
    ) -> Handler:
        """Wrap an operation with its quota, its faults and its count.

        `throttled`, `expired` and `declined` build the vendor's own way to say 429, an expired token, a business no.
        """
        self.operations.add(name)
        scaled = (
            QuotaBucket(quota[0] * self.options.quota_scale, max(1, round(quota[1] * self.options.quota_scale)))
            if quota
            else None
        )

        refusals = Refusals(throttled, expired, declined)

        async def answer(request: Request) -> Response:
            if scaled and not scaled.take():
                return throttled()
            struck = self.faults.striking(name, f"{request.url} {(await request.body()).decode(errors='replace')}")
            faults = {fault.kind: fault for fault in struck}
            if FaultKind.LATENCY in faults:
                await asyncio.sleep(faults[FaultKind.LATENCY].seconds)
            if refusal := refusals.instead(request, faults):
                return refusal
            response = await handler(request)
            return LostReply() if FaultKind.LOST_REPLY in faults else response

        async def counted(request: Request) -> Response:
            response = await answer(request)
            self.calls[f"{name} {'lost' if isinstance(response, LostReply) else response.status_code}"] += 1
            if scaled and quota_headers:
                response.headers.update(quota_headers(scaled.rate))
            return response

        return counted
