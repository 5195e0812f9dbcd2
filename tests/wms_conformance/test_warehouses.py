"""Every warehouse, every point. What a warehouse cannot be asked is skipped with the reason, and not counted."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.conformance.conftest import ABSENT
from tests.wms_conformance.conftest import POINT, Warehouses
from tests.wms_conformance.point import POINTS, Point
from tests.wms_conformance.stage import Stage
from tests.wms_conformance.subject import Subject

HERE = Path(__file__).parent
REAL_SERVERS = frozenset({"tryton"})


def names_in(folder: str) -> list[str]:
    return sorted(file.stem for file in (HERE / folder).glob("*.py"))


for name in names_in("points"):
    import_module(f"tests.wms_conformance.points.{name}")

WAREHOUSES = [
    pytest.param(name, marks=[pytest.mark.erp] if name in REAL_SERVERS else []) for name in names_in("subjects")
]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
@pytest.mark.parametrize("wms", WAREHOUSES)
async def test_wms_conformance(
    wms: str, point: Point, warehouses: Warehouses, record_property: Callable[[str, object], None]
) -> None:
    record_property(POINT, (wms, point.name))
    subject: Subject = import_module(f"tests.wms_conformance.subjects.{wms}").SUBJECT
    if why := point.absent(subject):
        record_property(ABSENT, why)
        pytest.skip(f"n/a because {why}")
    stage = Stage(await warehouses.of(wms))
    try:
        await point.check(stage)
    finally:
        await stage.aclose()
