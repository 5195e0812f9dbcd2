"""A shop for each test that asks for one."""

from collections.abc import AsyncIterator

import pytest

from tests.storefront.shop import Shop


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    yield shop
    await shop.aclose()
