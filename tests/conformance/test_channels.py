"""Every channel, every point. What a channel does not have is skipped with the reason, and not counted."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.conformance.conftest import ABSENT, POINT
from tests.conformance.point import POINTS, Point
from tests.conformance.stage import Stage, Stand
from tests.conformance.subject import Subject

HERE = Path(__file__).parent


def names_in(folder: str) -> list[str]:
    return sorted(file.stem for file in (HERE / folder).glob("*.py"))


for name in names_in("points"):
    import_module(f"tests.conformance.points.{name}")


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
@pytest.mark.parametrize("channel", names_in("subjects"))
async def test_conformance(
    channel: str, point: Point, stand: Stand, record_property: Callable[[str, object], None]
) -> None:
    record_property(POINT, (channel, point.name))
    # Here, not above: a channel that cannot even be imported fails its own points, and nobody else's.
    subject: Subject = import_module(f"tests.conformance.subjects.{channel}").SUBJECT
    if why := point.absent(subject):
        record_property(ABSENT, why)
        pytest.skip(f"n/a because {why}")
    stage = Stage(subject, stand, point.scale(subject)) if point.scale else Stage(subject, stand)
    try:
        await point.check(stage)
    finally:
        await stage.aclose()
