"""Columns that many tables have, spelled once."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Dialect, Numeric, Text, TypeDecorator, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlmodel import Field


class AnyText(TypeDecorator[str]):
    """Text from outside. PostgreSQL knows no U+0000, so what a payload has of them becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\x00", "\ufffd") if value else value


def key() -> Any:
    """A text column of the primary key."""
    return Field(primary_key=True, sa_type=AnyText())


def serial() -> Any:
    """A number that the database gives, rising with the order of arrival."""
    return Field(default=None, primary_key=True, sa_type=BigInteger(), sa_column_kwargs={"autoincrement": True})


def text(*, nullable: bool = False) -> Any:
    return Field(**_nullable(nullable), sa_type=AnyText())


def word(default: str) -> Any:
    """A text column with a default."""
    return Field(default=default, nullable=False, sa_type=AnyText(), sa_column_kwargs={"server_default": default})


def count() -> Any:
    """A whole number that starts at zero."""
    return Field(default=0, nullable=False, sa_column_kwargs={"server_default": sql("0")})


def amount() -> Any:
    """An exact amount of money, in units of the row's currency."""
    return Field(nullable=False, sa_type=Numeric())


def sum_so_far() -> Any:
    """An exact amount of money that starts at zero."""
    zero = {"server_default": sql("0")}
    return Field(default=Decimal(0), nullable=False, sa_type=Numeric(), sa_column_kwargs=zero)


def moment(*, nullable: bool = False) -> Any:
    """A point in time. Python sees it in UTC, because every session's time zone is UTC."""
    return Field(**_nullable(nullable), sa_type=DateTime(timezone=True))


def now() -> Any:
    """A point in time that is the database's unless given: several machines, one clock."""
    return Field(
        default=None, nullable=False, sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.now()}
    )


def document(*, nullable: bool = False) -> Any:
    """A JSON document; money in it is written as decimal strings."""
    return Field(**_nullable(nullable), sa_type=JSONB(none_as_null=True))


def ordered_document() -> Any:
    """A JSON document whose names keep their order, which `jsonb` would change."""
    return Field(nullable=False, sa_type=JSON())


def documents() -> Any:
    """A list of JSON documents, empty unless given."""
    return Field(
        default_factory=list, nullable=False, sa_type=JSONB(), sa_column_kwargs={"server_default": sql("'[]'::jsonb")}
    )


def one_of(column: str, values: Iterable[str], name: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


def _nullable(nullable: bool) -> dict[str, Any]:
    return {"default": None, "nullable": True} if nullable else {"nullable": False}
