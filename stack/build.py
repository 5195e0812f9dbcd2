"""Which build of the product this is, and the deployment that all its builds belong to."""

VERSION = "0.1.0"
"""As in pyproject.toml. A build that is rolled out names itself by `ORDERYARD_BUILD_ID` instead."""

DEPLOYMENT = "orderyard"
"""Temporal's name for all our workers together; it may hold no full stop."""
