"""The twins of ERP, WMS, tax, fraud and notification, running."""

from collections.abc import AsyncIterator

import pytest

from sandbox.core import Sandbox, SandboxOptions
from tests.systems.running import Systems, free_socket, served


@pytest.fixture
async def systems() -> AsyncIterator[Systems]:
    listener = free_socket()
    options = SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", ship_delay=0.01)
    running = Systems(Sandbox(options))
    async with served(running.routes, listener):
        yield running
    await running.aclose()
