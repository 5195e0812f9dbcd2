"""The demo's stories: what becomes of orders that do not take the plain way, each told from beginning to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from cli.stage import Stage, StoryFailed
from cli.told import Told

Telling = Callable[["Stage", "Told"], Awaitable[str]]
"""Acts a story out; returns what happened, in words."""


class Stories:
    """Acted out side by side; `told` are they all, in the order in which they are listed."""

    def __init__(self, stage: Stage, tellings: Sequence[tuple[str, Telling]]) -> None:
        self._stage = stage
        self.told = [Told(name) for name, _ in tellings]
        self._tasks = [
            asyncio.create_task(self._tell(told, telling))
            for told, (_, telling) in zip(self.told, tellings, strict=True)
        ]

    @property
    def over(self) -> bool:
        return all(task.done() for task in self._tasks)

    async def _tell(self, told: Told, telling: Telling) -> None:
        try:
            told.what = await telling(self._stage, told)
        except StoryFailed as failed:
            told.what, told.failed = str(failed), True
        finally:
            for key in told.keys:
                self._stage.let_go(key)

    async def end(self) -> list[Told]:
        """The stories, when all are over."""
        await asyncio.gather(*self._tasks)
        return self.told


async def say_how_they_ended(stories: Sequence[Told], stage: Stage) -> None:
    """Note with each story in which state its orders are now."""
    for told in stories:
        found = [await stage.row(key) for key in told.keys]
        told.state = ", ".join(dict.fromkeys(row.state for row in found if row))
