"""Exact money: a `Decimal` and an ISO 4217 currency, in whole minor units, never a float."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from fractions import Fraction
from functools import cache
from typing import Annotated, Any

from babel.numbers import list_currencies
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, model_validator

from models.base import Model

# ISO 4217 minor units where they are not 2. (CLDR differs for some, so Babel's digits are not used.)
_CURRENCIES_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DECIMALS = {code: decimals for decimals, codes in _CURRENCIES_BY_DECIMALS.items() for code in codes.split()}
_KNOWN = frozenset(list_currencies())


class MoneyError(ValueError):
    """An amount or a currency that cannot be exact money."""


@cache
def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: `0.01` for EUR, `1` for JPY, `0.001` for KWD."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))


def _exact(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise MoneyError(f"{value!r} is not exact: give the amount as a decimal string")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise MoneyError(f"{value!r} is not a decimal number") from None
    if not amount.is_finite():
        raise MoneyError(f"{value!r} is not a finite number")
    return amount


def _known(currency: str) -> str:
    if currency not in _KNOWN:
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code")
    return currency


def _quantised(amount: Decimal, currency: str) -> Decimal:
    """Rounded half to even to the minor unit; zero has no sign."""
    try:
        return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_EVEN) + 0
    except InvalidOperation:
        raise MoneyError(f"{amount} {currency} is too large to be exact") from None


Amount = Annotated[Decimal, BeforeValidator(_exact), PlainSerializer(str, when_used="json")]
Currency = Annotated[str, AfterValidator(_known)]


class Money(Model):
    """An amount in whole minor units of its currency. `Money(amount="12.5", currency="EUR")` is 12.50 EUR."""

    amount: Amount
    currency: Currency

    @model_validator(mode="after")
    def _in_minor_units(self) -> Money:
        quantised = _quantised(self.amount, self.currency)
        if quantised != self.amount:
            raise MoneyError(f"{self.amount} has more decimals than {self.currency} has")
        object.__setattr__(self, "amount", quantised)
        return self

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Money:
        return cls(amount=_exact(amount), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(amount=Decimal(0), currency=currency)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Money:
        """Round to the minor unit, half to even: for computed figures (a rate times a base), never for stated ones."""
        return cls(amount=_quantised(_exact(amount), currency), currency=currency)

    @classmethod
    def total(cls, parts: Iterable[Money], currency: str) -> Money:
        """The sum of the parts; the currency is needed because there may be none."""
        return sum(parts, start=cls.zero(currency))

    def __add__(self, other: Money) -> Money:
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __neg__(self) -> Money:
        return Money(amount=-self.amount, currency=self.currency)

    def __mul__(self, factor: int) -> Money:
        return Money(amount=self.amount * factor, currency=self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise MoneyError(f"{self} and {other} are not in the same currency")
        return other.amount

    def allocate(self, weights: Sequence[Decimal | int]) -> list[Money]:
        """Split by weight so that the parts add up exactly (largest remainder; ties go to the earlier part)."""
        whole = sum(Fraction(weight) for weight in weights)
        if whole <= 0 or any(weight < 0 for weight in weights):
            raise MoneyError(f"cannot split {self} by the weights {list(weights)}")
        unit = minor_unit(self.currency)
        units = int(abs(self.amount) / unit)
        # Fractions, because a division of decimals is rounded, and a rounded share may claim a unit too many.
        exact = [units * Fraction(weight) / whole for weight in weights]
        shares = [int(share) for share in exact]
        by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
        for i in by_remainder[: units - sum(shares)]:
            shares[i] += 1
        sign = -1 if self.amount < 0 else 1
        return [Money(amount=sign * share * unit, currency=self.currency) for share in shares]
