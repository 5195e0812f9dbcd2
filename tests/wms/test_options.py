"""A connection to a warehouse's Tryton that is wrong is refused before anything is called."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.registry import ConnectionsError, SystemConnection
from connectors.wms.tryton.provider import TrytonWms

GOOD: dict[str, Any] = {"database": "warehouse", "company": 1}


def connect(options: dict[str, Any], **credentials: str) -> TrytonWms:
    entry = {"provider": "tryton", "base_url": "http://wms", "credentials": credentials, "options": options}
    return TrytonWms(SystemConnection.model_validate(entry))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"company": 1}, "database"),
        ({"database": "warehouse", "company": "the first"}, "company"),
        ({**GOOD, "concurrency": 0}, "concurrency"),
        ({**GOOD, "warehouse": "BER-1"}, "warehouse"),
    ],
)
def test_an_option_that_is_wrong_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConnectionsError, match=named):
        connect(options, key="k")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConnectionsError, match="credential 'key'"):
        connect(GOOD)
