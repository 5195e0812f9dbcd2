"""The contract's kinds of values: ids, texts, exact amounts, instants, each with words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, LiteralString

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from models.money import Money

LARGEST_COUNT = 1_000_000
"""Above this a quantity is a mistake."""
MOST_ROWS = 1000
"""Of one list in a document."""
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~:@#+-]{0,99}$"
"""Goes into a path of the callback API as it is, so no slash and no blank."""
AMOUNT_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,4})?$"
SIGNED_PATTERN = r"^-?[0-9]{1,12}(\.[0-9]{1,4})?$"
RATE_PATTERN = r"^[0-9](\.[0-9]{1,6})?$"


def clean(text: str) -> str:
    """Safe for any database and any screen: no NUL, no half of a character."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()


def _written(pattern: str, reason: LiteralString, remedy: str, kept_as: Callable[[str], Any] = str) -> BeforeValidator:
    """Text of that shape. Another kind of value is refused: a JSON number has been rounded by somebody, or soon is."""
    shape = re.compile(pattern, re.ASCII)

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise PydanticCustomError("wrong_type", "{remedy}", {"remedy": remedy})
        if not shape.fullmatch(value):
            raise PydanticCustomError(reason, "{remedy}", {"remedy": remedy})
        return kept_as(value)

    return BeforeValidator(check)


def _amount(pattern: str, example: str) -> BeforeValidator:
    remedy = f'Write the amount as decimal text without a currency sign, such as "{example}".'
    return _written(pattern, "wrong_amount", remedy, Decimal)


def _text_schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


def _instant(value: Any) -> datetime:
    remedy = "Write the time as RFC 3339 with its zone, such as 2026-11-23T10:00:00Z."
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "{remedy}", {"remedy": remedy})
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("wrong_time", "{remedy}", {"remedy": remedy}) from None
    if found.tzinfo is None:
        raise PydanticCustomError("no_time_zone", "{remedy}", {"remedy": remedy})
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("wrong_time", "{remedy}", {"remedy": remedy}) from None


def _currency(code: str) -> str:
    try:
        Money.zero(code)
    except ValueError:
        remedy = "Write the currency as its ISO 4217 code, such as EUR."
        raise PydanticCustomError("unknown_currency", "{remedy}", {"remedy": remedy}) from None
    return code


Text = Annotated[str, Field(max_length=2000), AfterValidator(clean)]
Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(clean), Field(min_length=1)]
Id = Annotated[
    str,
    _written(
        ID_PATTERN, "wrong_id", "An id has 1 to 100 letters, digits or ._~:@#+- and begins with a letter or digit."
    ),
    WithJsonSchema({"type": "string", "pattern": ID_PATTERN}),
]
Amount = Annotated[
    Decimal,
    _amount(AMOUNT_PATTERN, "12.50"),
    PlainSerializer(str, return_type=str),
    _text_schema(AMOUNT_PATTERN, "12.50"),
]
SignedAmount = Annotated[
    Decimal,
    _amount(SIGNED_PATTERN, "-0.01"),
    PlainSerializer(str, return_type=str),
    _text_schema(SIGNED_PATTERN, "-0.01"),
]
Rate = Annotated[
    str,
    _written(RATE_PATTERN, "wrong_rate", 'Write the rate as a decimal fraction, such as "0.19" for 19 %.'),
    _text_schema(RATE_PATTERN, "0.19"),
]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
CurrencyCode = Annotated[str, AfterValidator(_currency), _text_schema("^[A-Z]{3}$", "EUR")]
Country = Annotated[str, Field(pattern="^([A-Z]{2})?$")]
Units = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]


class Document(BaseModel):
    """Strict about kinds of values, tolerant of fields that a newer version has; null is as if left out."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: inner for name, inner in value.items() if inner is not None}
        return value
