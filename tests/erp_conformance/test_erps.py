"""Every ERP, every point. What an ERP cannot be asked is skipped with the reason, and not counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.erp_conformance.conftest import POINT
from tests.erp_conformance.point import POINTS
from tests.erp_conformance.stage import Stage
from tests.erp_conformance.subject import Capability, Running
from tests.provider_suite import Point, Servers, load_points, providers, skip_if_absent, subject_of

PACKAGE, HERE = "tests.erp_conformance", Path(__file__).parent

load_points(PACKAGE, HERE)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS.all, ids=lambda point: point.name)
@pytest.mark.parametrize("erp", providers(HERE))
async def test_erp_conformance(
    erp: str,
    point: Point[Stage, Capability],
    servers: Servers[Running],
    record_property: Callable[[str, object], None],
) -> None:
    record_property(POINT, (erp, point.name))
    skip_if_absent(point.absent(subject_of(PACKAGE, erp).without), record_property)
    stage = Stage(await servers.of(erp))
    try:
        await point.check(stage)
    finally:
        await stage.aclose()
