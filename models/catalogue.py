"""What a channel's SKU is made of: one item, or a bundle of several."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, field_validator

from models.base import Model, Moment
from models.money import Amount, Money
from models.order import OrderLine


class Component(Model):
    """So many of an item in one unit of a listing, and the share of the listing's price that they carry."""

    item: str = Field(min_length=1)
    quantity: int = Field(default=1, ge=1)
    share: Amount = Field(default=Decimal(1), ge=0, max_digits=28)
    """Weight, not a fraction: shares 2 and 1 split the price 2/3 to 1/3."""


class ListingMap(Model):
    """A channel SKU and its components, in force from `valid_from` until the next version of the same SKU."""

    channel: str
    account: str
    sku: str
    version: int = Field(default=1, ge=1)
    valid_from: Moment
    components: tuple[Component, ...] = Field(min_length=1)
    """One an item: components that name the same item are put together."""
    floor: Money | None = None
    """Lowest price of a unit that is sold without asking; an order below it is held."""
    available_from: Moment | None = None
    """Of a pre-order: the day before which it is not shipped."""

    @field_validator("components")
    @classmethod
    def _one_an_item(cls, components: tuple[Component, ...]) -> tuple[Component, ...]:
        found: dict[str, Component] = {}
        for part in components:
            same = found.get(part.item)
            both = {"quantity": same.quantity + part.quantity, "share": same.share + part.share} if same else {}
            found[part.item] = part.model_copy(update=both)
        if not any(part.share for part in found.values()):
            raise ValueError("no component carries a share of the price: give at least one a share above 0")
        return tuple(found.values())


class ComponentLine(Model):
    """An item to be shipped for an order line."""

    line_id: str
    item: str
    per_unit: int = Field(ge=1)
    """Units of the item in one unit of the order line."""
    quantity: int = Field(ge=1)
    """Units of the item for the whole ordered quantity of the line."""
    amount: Money
    """Share of the line's price; the components of a line add up to it exactly."""
    mapping_version: int = 1


def explode(line: OrderLine, listing: ListingMap) -> tuple[ComponentLine, ...]:
    """The components of an ordered line; their prices add up to the line's price to the minor unit."""
    amounts = line.goods.allocate([component.share for component in listing.components])
    return tuple(
        ComponentLine(
            line_id=line.line_id,
            item=component.item,
            per_unit=component.quantity,
            quantity=component.quantity * line.quantity,
            amount=amount,
            mapping_version=listing.version,
        )
        for component, amount in zip(listing.components, amounts, strict=True)
    )
