"""A sender with a fixed rhythm: it sends when it is time, whether or not earlier requests were answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

KEPT = 2.0
"""Seconds that an idle connection is used again; servers close them after five."""
Request = tuple[str, bytes, Mapping[str, str]]
"""Path, body and headers."""


@dataclass
class Measured:
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """From the moment at which a request was due to the end of its answer."""

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
        told = ", ".join(f"{name} {self.percentile(share):.1f} ms" for name, share in shares.items())
        return f"{self.statuses.total()} requests, {told}, answers {dict(self.statuses)}"


class Sender:
    """Connections are kept and reused, as vendors do; each carries one request at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._address = parts.hostname, parts.port
        self._idle: deque[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = deque()

    async def send(self, request: Request) -> int:
        """The status of the answer."""
        path, body, headers = request
        reader, writer = await self._connection()
        lines = [f"POST {path} HTTP/1.1", "Host: gateway", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length"))
        await reader.readexactly(length)
        self._idle.append((time.monotonic(), reader, writer))
        return int(head.split(" ", 2)[1])

    async def close(self) -> None:
        for _, _, writer in self._idle:
            writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle and self._idle[0][0] < time.monotonic() - KEPT:
            self._idle.popleft()[2].close()
        if not self._idle:
            return await asyncio.open_connection(*self._address)
        return self._idle.pop()[1:]


async def load(url: str, next_request: Callable[[], Request], per_second: float, seconds: float) -> Measured:
    """Send for so long at that rate. Requests are made beforehand: their making is not the receiver's time."""
    requests = [next_request() for _ in range(int(per_second * seconds))]
    sender, measured = Sender(url), Measured()
    began = time.perf_counter() + 1.0  # Not before all senders are ready.

    async def one(number: int, request: Request) -> None:
        due = began + number / per_second
        await asyncio.sleep(due - time.perf_counter())
        measured.statuses[await sender.send(request)] += 1
        measured.seconds.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as tasks:
        for number, request in enumerate(requests):
            tasks.create_task(one(number, request))
    await sender.close()
    return measured
