"""Avalara's own SDK for AvaTax."""

from __future__ import annotations

import avalara  # type: ignore[import-untyped]

from tests.clients.conftest import RunningSandbox

SEATTLE = {"line1": "2201 Westlake Ave", "city": "Seattle", "region": "WA", "country": "US", "postalCode": "98121"}


def test_it_records_and_voids_a_transaction(sandbox: RunningSandbox) -> None:
    told = sandbox.credentials("tax")
    client = avalara.AvataxClient("tests", "1.0", "machine", told["base_url"])
    client.add_credentials(told["account_id"], told["license_key"])
    document = {
        "type": "SalesInvoice",
        "code": "INDEPENDENT-1",
        "companyCode": told["company_code"],
        "date": "2026-11-23",
        "customerCode": "C-1",
        "currencyCode": "USD",
        "addresses": {"ShipFrom": SEATTLE, "ShipTo": SEATTLE},
        "lines": [{"number": "1", "quantity": 2, "amount": 100.0, "itemCode": "MUG", "taxCode": "P0000000"}],
    }
    created = client.create_transaction(document)
    assert created.status_code == 201, created.text
    assert created.json()["code"] == "INDEPENDENT-1"
    voided = client.void_transaction(told["company_code"], "INDEPENDENT-1", {"code": "DocVoided"})
    assert voided.status_code == 200, voided.text
    assert voided.json()["status"] == "Cancelled"


def test_a_wrong_key_is_refused(sandbox: RunningSandbox) -> None:
    told = sandbox.credentials("tax")
    client = avalara.AvataxClient("tests", "1.0", "machine", told["base_url"])
    client.add_credentials(told["account_id"], "wrong")
    assert client.create_transaction({"lines": []}).status_code == 401
