"""Every ERP, every point. What an ERP cannot be asked is skipped with the reason, and not counted."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.conformance.conftest import ABSENT
from tests.erp_conformance.conftest import POINT, Servers
from tests.erp_conformance.point import POINTS, Point
from tests.erp_conformance.stage import Stage
from tests.erp_conformance.subject import Subject

HERE = Path(__file__).parent
REAL_SERVERS = frozenset({"tryton"})


def names_in(folder: str) -> list[str]:
    return sorted(file.stem for file in (HERE / folder).glob("*.py"))


for name in names_in("points"):
    import_module(f"tests.erp_conformance.points.{name}")

ERPS = [pytest.param(name, marks=[pytest.mark.erp] if name in REAL_SERVERS else []) for name in names_in("subjects")]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
@pytest.mark.parametrize("erp", ERPS)
async def test_erp_conformance(
    erp: str, point: Point, servers: Servers, record_property: Callable[[str, object], None]
) -> None:
    record_property(POINT, (erp, point.name))
    subject: Subject = import_module(f"tests.erp_conformance.subjects.{erp}").SUBJECT
    if why := point.absent(subject):
        record_property(ABSENT, why)
        pytest.skip(f"n/a because {why}")
    stage = Stage(await servers.of(erp))
    try:
        await point.check(stage)
    finally:
        await stage.aclose()
