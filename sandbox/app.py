"""All twins behind one port, and the controls of the sandbox under `/_sandbox`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from sandbox.controls import Controls
from sandbox.core import SandboxOptions
from sandbox.twins import Twins


def create_app(options: SandboxOptions) -> Starlette:
    """Raises `ScenarioError` for a scenario of channels or operations that are not there."""
    twins = Twins(options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        twins.resume()
        if options.orders_dir:
            twins.load(options.orders_dir)
        yield
        for task in list(twins.sandbox.tasks):
            task.cancel()
        await asyncio.gather(*twins.sandbox.tasks, return_exceptions=True)
        await twins.webhooks.aclose()
        twins.sandbox.shelf.close()

    app = Starlette(routes=[*Controls(twins).routes(), *twins.routes()], lifespan=lifespan)
    app.state.twins = twins
    # Only now: a twin makes its operations known when it is asked for its routes.
    options.scenario.check(twins.channels, twins.sandbox.operations)
    return app
