"""What the twin of a channel offers to the sandbox, whatever protocol it speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from starlette.routing import Route

from sandbox.traits import Traits


class ChannelTwin(Protocol):
    def routes(self) -> list[Route]: ...

    def connection(self) -> dict[str, Any]:
        """The account's entry in the connections file."""
        ...

    def credentials(self) -> dict[str, str]:
        """For a person or an independent client: base URLs and secrets."""
        ...

    def sell(self, traits: Traits) -> str:
        """A buyer orders; returns the vendor's order id."""
        ...

    def load(self, path: Path) -> list[str]:
        """Serve the orders of a file; returns their ids, none when there is no order in it."""
        ...

    def close_period(self) -> list[str]:
        """Pay out what was shipped; returns the ids of the settlements."""
        ...

    def resume(self) -> None:
        """Go on with what was under way when the sandbox stopped. Needs a running event loop."""
        ...
