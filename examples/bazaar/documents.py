"""What Bazaar says, field by field: strict about goods and money, tolerant of fields that are new."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")]
Cents = Annotated[int, Field(ge=-(10**12), le=10**12)]
"""Minor units: 1299 is 12.99 USD, and 1299 JPY."""
Count = Annotated[int, Field(ge=0, le=10**6)]
Millis = Annotated[int, Field(ge=0, le=4_102_444_800_000)]
"""Milliseconds since 1970, UTC; those after the year 2100 are a mistake."""


class Document(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Units(Document):
    item: Id
    count: Count


class Item(Units):
    sku: Text
    price: Cents
    """Of one unit, without tax."""
    tax: Cents
    """Of all units."""
    tax_kept: bool
    """Bazaar pays the tax to the authority itself."""
    sent: Count
    void: Count


class Package(Document):
    ref: Text
    courier: Text
    tracking: Text
    at: Millis
    units: list[Units]


class Payback(Document):
    ref: Text
    amount: Cents


class Destination(Document):
    name: Text
    street: Text
    city: Text
    zip: Text
    country: Text


class Purchase(Document):
    purchase: Id
    status: Text
    placed: Millis
    changed: Millis
    accept_until: Millis | None = None
    currency: Text
    items: Annotated[list[Item], Field(min_length=1)]
    postage: Cents
    total: Cents
    to: Destination
    packages: list[Package]
    paybacks: list[Payback]


class Claim(Document):
    """A buyer wants to send units of one item back."""

    claim: Id
    purchase: Id
    status: Text
    placed: Millis
    changed: Millis
    item: Id
    count: Annotated[Count, Field(ge=1)]
    why: Text


class StatementLine(Document):
    kind: Text
    amount: Cents
    purchase: Id


class Statement(Document):
    statement: Id
    currency: Text
    paid: Cents
    paid_at: Millis
    lines: list[StatementLine]
