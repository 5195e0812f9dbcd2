"""The points of the suite: each is one promise of the ERP's port."""

from __future__ import annotations

from tests.erp_conformance.stage import Stage
from tests.erp_conformance.subject import Capability
from tests.provider_suite import Points

POINTS: Points[Stage, Capability] = Points()
point = POINTS.point
