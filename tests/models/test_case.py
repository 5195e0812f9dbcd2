"""Cases: an amendment changes what it names."""

import pytest

from models.case import Amendment
from models.order import Address


def test_an_amendment_that_names_nothing_is_empty() -> None:
    assert Amendment().empty


@pytest.mark.parametrize(
    "amendment", [Amendment(ship_to=Address()), Amendment(service_level=""), Amendment(sku={"L1": "TENT"})]
)
def test_an_amendment_that_names_something_is_not_empty(amendment: Amendment) -> None:
    assert not amendment.empty
