"""Every warehouse, every point. What a warehouse cannot be asked is skipped with the reason, and not counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.provider_suite import Point, Servers, load_points, providers, skip_if_absent, subject_of
from tests.wms_conformance.conftest import POINT
from tests.wms_conformance.point import POINTS
from tests.wms_conformance.stage import Stage
from tests.wms_conformance.subject import Capability, Running

PACKAGE, HERE = "tests.wms_conformance", Path(__file__).parent

load_points(PACKAGE, HERE)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS.all, ids=lambda point: point.name)
@pytest.mark.parametrize("wms", providers(HERE))
async def test_wms_conformance(
    wms: str,
    point: Point[Stage, Capability],
    warehouses: Servers[Running],
    record_property: Callable[[str, object], None],
) -> None:
    record_property(POINT, (wms, point.name))
    skip_if_absent(point.absent(subject_of(PACKAGE, wms).without), record_property)
    stage = Stage(await warehouses.of(wms))
    try:
        await point.check(stage)
    finally:
        await stage.aclose()
