"""`python -m tests.storefront.write_contract` writes the schemas of the published contract anew from the models."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import indent

import yaml

from connectors.storefront.schema import components, order_schema

CONTRACTS = Path(__file__).parents[2] / "docs" / "contracts"
OPENAPI = CONTRACTS / "storefront.openapi.yaml"
ORDER_SCHEMA = CONTRACTS / "storefront.order.schema.json"
GENERATED = "  schemas:\n"
"""All that follows this line is generated."""


def openapi_text() -> str:
    head, _, _ = OPENAPI.read_text(encoding="utf-8").partition(GENERATED)
    dumped = yaml.safe_dump(components(), sort_keys=False, allow_unicode=True, width=110)
    return f"{head}{GENERATED}{indent(dumped, '    ')}"


def order_schema_text() -> str:
    return json.dumps(order_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    OPENAPI.write_text(openapi_text(), encoding="utf-8")
    ORDER_SCHEMA.write_text(order_schema_text(), encoding="utf-8")
