"""The relay beside the gateway: a process of its own that begins and ends with it, and is started again when it dies.

Parsing and delivering are work for a processor. In the process that answers webhooks they would keep them waiting.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ("-m", "gateway", "relay", "--attached")
PAUSE = 1.0
"""Seconds before a relay that died is started again."""
PATIENCE = 4.0
"""Seconds in which it ends by itself when it is asked to."""


class Relaying:
    def __init__(self, database_url: str, temporal_address: str, temporal_namespace: str) -> None:
        self._settings = {
            "ORDERYARD_DATABASE_URL": database_url,
            "ORDERYARD_TEMPORAL_ADDRESS": temporal_address,
            "ORDERYARD_TEMPORAL_NAMESPACE": temporal_namespace,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._supervision: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        begun = self._supervision is not None and not self._supervision.done()
        return begun and (self._process is None or self._process.returncode is None)

    def start(self) -> None:
        self._supervision = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Let the deliveries under way end; what is cut off is delivered by the next relay."""
        if self._supervision is None:
            return
        self._supervision.cancel()
        await asyncio.gather(self._supervision, return_exceptions=True)
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), PATIENCE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _supervise(self) -> None:
        while True:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *COMMAND,
                cwd=ROOT,
                env={**os.environ, **self._settings},
                stdin=asyncio.subprocess.PIPE,  # It closes with this process, however that ends.
            )
            code = await self._process.wait()
            log.error("the relay ended: captured events wait in the inbox", code=code)
            await asyncio.sleep(PAUSE)
