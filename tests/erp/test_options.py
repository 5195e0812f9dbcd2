"""A connection that cannot work is refused at the start, by the name of the option."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.erp.odoo.provider import OdooErp
from connectors.erp.tryton.provider import TrytonErp
from connectors.registry import ConnectionsError, SystemConnection
from models.ledger import AccountRole

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


@pytest.mark.parametrize(
    ("accounts", "role"),
    [({}, AccountRole.BANK), ({"transit": "1360"}, AccountRole.TRANSIT)],
    ids=["without transit", "with transit"],
)
async def test_payouts_are_under_way_where_the_connection_names_an_account_for_it(
    accounts: dict[str, str], role: AccountRole
) -> None:
    tryton = TrytonErp(connection("tryton", {**TRYTON, "accounts": accounts}, **{"key:de": "secret"}))
    odoo = OdooErp(connection("odoo", {**ODOO, "accounts": accounts}, key="secret"))
    assert (tryton.payouts_on, odoo.payouts_on) == (role, role)
    for erp in (tryton, odoo):
        await erp.aclose()


def test_an_odoo_without_a_key_is_named() -> None:
    with pytest.raises(ConnectionsError, match="'key'"):
        OdooErp(connection("odoo", ODOO))
