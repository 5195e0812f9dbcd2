"""What is under way at Amazon, as a text that `follow` understands in any process."""

from __future__ import annotations

from enum import StrEnum

from models.base import Model, Moment


class Purpose(StrEnum):
    CANCEL = "cancel"
    REFUND = "refund"
    STOCK = "stock"
    """Many listings by one feed."""
    LISTING = "listing"
    """One listing by a patch, which has no process of its own to ask for."""


class Operation(Model):
    purpose: Purpose
    feed_id: str = ""
    order_id: str = ""
    sku: str = ""
    quantity: int = 0
    marketplace: str = ""
    until: Moment | None = None
    """When a listing that still shows another quantity counts as not applied."""
    messages: tuple[str, ...] = ()
    """SKU of each message of a stock feed, in order."""

    def text(self) -> str:
        return self.model_dump_json(exclude_defaults=True)

    @classmethod
    def read(cls, text: str) -> Operation:
        return cls.model_validate_json(text)
