"""The points of the suite: each is one promise of the warehouse's port."""

from __future__ import annotations

from tests.provider_suite import Points
from tests.wms_conformance.stage import Stage
from tests.wms_conformance.subject import Capability

POINTS: Points[Stage, Capability] = Points()
point = POINTS.point
