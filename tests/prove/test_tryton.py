"""The product on a real Tryton: the worker and Tryton are killed, and no document is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prove.postman import Postman
from tests.prove.product import Product, Size
from tests.prove.tryton import local_tryton, survives_kills_of_both, tryton_is_the_erp


async def _survives(directory: Path, size: Size, kills: int) -> None:
    async with (
        local_tryton(directory / "erp") as tryton,
        Postman() as postman,
        Product(directory, size, postman, fast=True, change=tryton_is_the_erp(tryton)) as product,
    ):
        await survives_kills_of_both(product, tryton, kills)


@pytest.mark.erp
@pytest.mark.timeout(600)
async def test_20_orders_survive_four_kills_of_worker_and_tryton(own_directory: Path) -> None:
    await _survives(own_directory, Size(orders=20, per_second=20.0, patience=240.0), kills=4)


@pytest.mark.prove
@pytest.mark.timeout(3600)
async def test_200_orders_survive_twenty_kills_of_worker_and_tryton(own_directory: Path) -> None:
    await _survives(own_directory, Size(orders=200, per_second=20.0, patience=1500.0), kills=20)
