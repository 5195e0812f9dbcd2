"""A health call says whether a system is there and knows us, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.erp.rest import RestErp
from connectors.errors import Unauthorized, Unavailable
from connectors.fraud.rest import RestFraud
from connectors.tax.avatax import AvaTax
from connectors.wms.rest import RestWms
from sandbox.faults import Fault, FaultKind
from tests.systems.orders import connection
from tests.systems.running import Systems

PROVIDERS: dict[str, Callable[..., Any]] = {"erp": RestErp, "wms": RestWms, "tax": AvaTax, "fraud": RestFraud}
SECRETS = {"erp": "client_secret", "wms": "api_key", "tax": "license_key"}


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_system_that_is_there_is_well(systems: Systems, name: str) -> None:
    provider = PROVIDERS[name](connection(getattr(systems, name).connection()))
    await provider.ping()
    await provider.aclose()
    assert systems.sandbox.ledger.entries() == []


@pytest.mark.parametrize("name", ["erp", "wms", "tax"])
async def test_a_system_that_is_down_is_unavailable(systems: Systems, name: str) -> None:
    systems.sandbox.faults.add(Fault(operation=f"{name}.*", kind=FaultKind.ERROR, status=503))
    provider = PROVIDERS[name](connection(getattr(systems, name).connection()))
    with pytest.raises(Unavailable):
        await provider.ping()
    await provider.aclose()


async def test_a_system_at_whose_address_nobody_answers_is_unavailable(systems: Systems) -> None:
    entry = {**systems.fraud.connection(), "base_url": "http://127.0.0.1:1"}
    provider = RestFraud(connection(entry))
    with pytest.raises(Unavailable):
        await provider.ping()
    await provider.aclose()


@pytest.mark.parametrize(("name", "secret"), SECRETS.items())
async def test_a_credential_that_is_refused_is_not_well(systems: Systems, name: str, secret: str) -> None:
    provider = PROVIDERS[name](connection(getattr(systems, name).connection(), **{secret: "old"}))
    with pytest.raises(Unauthorized):
        await provider.ping()
    await provider.aclose()
