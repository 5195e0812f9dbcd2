"""What the account's connection says about the seller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from connectors.errors import Declined
from connectors.registry import ChannelConnection

LOOK_AGAIN_SECONDS = 30.0
"""Feeds take minutes; asking twice a minute stays far below getFeed's quota."""


Reason = TypeVar("Reason", bound=StrEnum)


class Seller:
    def __init__(self, connection: ChannelConnection) -> None:
        self._options = connection.options
        self._credentials = connection.credentials
        self._secret = connection.secret
        self._merchant()

    @property
    def seller_id(self) -> str:
        """Amazon's merchant id, from the credentials or the options."""
        return self._merchant()

    def _merchant(self) -> str:
        """Raises `ConnectionsError` when it is nowhere: at the start too, for no feed or listing goes without it."""
        found = str(self._options.get("seller_id", ""))
        return found if found and "seller_id" not in self._credentials else self._secret("seller_id")

    def marketplace(self, region: str = "") -> str:
        """The order's marketplace, or the account's own. Raises `Declined` when neither is known."""
        if found := region or str(self._options.get("default_marketplace", "")):
            return found
        raise Declined("amazon: the order's marketplace id is not known", code="missing", field="region")

    @property
    def look_again(self) -> timedelta:
        return timedelta(seconds=float(self._options.get("look_again_seconds", LOOK_AGAIN_SECONDS)))

    @property
    def product_type(self) -> str:
        """`PRODUCT` stands for any type where only the offer changes."""
        return str(self._options.get("product_type", "PRODUCT"))

    def reason(self, table: Mapping[Reason, str], reason: Reason, option: str) -> str:
        """Amazon's word for a reason; the account's own option has the last word (`{"goodwill": "Other"}`)."""
        own = self._options.get(option) or {}
        return str(own.get(reason.value, table[reason]))
