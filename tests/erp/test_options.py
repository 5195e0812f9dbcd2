"""A connection that cannot work is refused at the start, by the name of the option."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.erp.odoo.provider import OdooErp
from connectors.erp.tryton.provider import TrytonErp
from connectors.registry import ConnectionsError, SystemConnection

TRYTON: dict[str, Any] = {
    "database": "erp",
    "company": "de",
    "companies": {"de": {"id": 1, "shop": "Orderyard"}},
    "accounts": {},
    "taxes": {},
}
ODOO: dict[str, Any] = {"company": "de", "companies": {"de": 1}, "accounts": {}, "taxes": {}}


def connection(provider: str, options: dict[str, Any], **credentials: str) -> SystemConnection:
    return SystemConnection(provider=provider, base_url="http://erp", credentials=credentials, options=options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({**TRYTON, "company": "us"}, "options.company: 'us'"),
        ({**TRYTON, "companies": {}}, "companies"),
        ({**TRYTON, "colour": "blue"}, "colour"),
        ({name: value for name, value in TRYTON.items() if name != "database"}, "database"),
    ],
)
def test_an_option_of_tryton_that_cannot_be_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConnectionsError, match=named):
        TrytonErp(connection("tryton", options, **{"key:de": "secret"}))


def test_a_company_of_tryton_without_a_key_is_named() -> None:
    with pytest.raises(ConnectionsError, match="key:de"):
        TrytonErp(connection("tryton", TRYTON))


@pytest.mark.parametrize(
    ("options", "named"), [({**ODOO, "company": "us"}, "options.company: 'us'"), ({**ODOO, "colour": "blue"}, "colour")]
)
def test_an_option_of_odoo_that_cannot_be_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConnectionsError, match=named):
        OdooErp(connection("odoo", options, key="secret"))


def test_an_odoo_without_a_key_is_named() -> None:
    with pytest.raises(ConnectionsError, match="'key'"):
        OdooErp(connection("odoo", ODOO))
