"""Parcels: whose order they are of, and their numbers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.models.examples import CONFIRMED, KEY, SHIPMENT


def test_a_shipment_names_the_order_of_its_fulfilment_even_when_the_order_id_holds_a_hash() -> None:
    for key in (KEY, KEY.model_copy(update={"external_id": "#1001"})):
        assert SHIPMENT.model_copy(update={"fulfilment_id": f"{key}#BER-1"}).order_key == str(key)


def test_a_package_is_numbered_from_one() -> None:
    with pytest.raises(ValidationError, match="package_number"):
        type(CONFIRMED).model_validate({**dict(CONFIRMED), "package_number": 0})
