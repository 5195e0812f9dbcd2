"""A wire to a server that can be cut and mended, so that a test sees the server go away and come back."""

from __future__ import annotations

import asyncio
from typing import Self


class Wire:
    """`async with Wire("127.0.0.1:7233") as wire:` forwards `wire.address` to the server."""

    def __init__(self, target: str) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._own_port = 0
        self._server: asyncio.Server | None = None
        self._flows: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._own_port}"

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self._own_port)
        self._own_port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close the port and break every connection."""
        if self._server is None:
            return
        self._server.close()
        for flow in list(self._flows):
            flow.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flow = asyncio.current_task()
        assert flow is not None
        self._flows.add(flow)
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
            try:
                await _pump_both((reader, far_writer), (far_reader, writer))
            finally:
                far_writer.transport.abort()
        except OSError:
            pass  # The server behind is away: so is this connection.
        finally:
            writer.transport.abort()
            self._flows.discard(flow)


async def _pump_both(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Until one way ends, or is cancelled: then both are over."""
    pumps = [asyncio.create_task(_pump(*way)) for way in ways]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
