"""Line quantities: the truth from which an order's status is derived."""

from __future__ import annotations

from typing import Self

from pydantic import Field, ValidationError, model_validator

from models.base import Model


class QuantityError(ValueError):
    """Counts that would break the ledger's invariant."""


class LineQuantities(Model):
    """`ordered = open + reserved + released + shipped + cancelled`; `delivered` and `returned` never exceed `shipped`;
    `refunded` never exceeds `cancelled + returned + goodwill`; none is ever negative."""

    ordered: int = Field(ge=1)
    open: int = Field(ge=0)
    reserved: int = Field(default=0, ge=0)
    released: int = Field(default=0, ge=0)
    shipped: int = Field(default=0, ge=0)
    cancelled: int = Field(default=0, ge=0)
    delivered: int = Field(default=0, ge=0)
    returned: int = Field(default=0, ge=0)
    goodwill: int = Field(default=0, ge=0)
    refunded: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _invariant(self) -> Self:
        if self.ordered != self.open + self.reserved + self.released + self.shipped + self.cancelled:
            raise QuantityError(f"quantities do not add up to the ordered {self.ordered}: {self!r}")
        if max(self.delivered, self.returned) > self.shipped:
            raise QuantityError(f"delivered or returned exceeds shipped: {self!r}")
        if self.refunded > self.cancelled + self.returned + self.goodwill:
            raise QuantityError(f"refunded exceeds cancelled, returned and goodwill: {self!r}")
        return self

    @classmethod
    def counted(cls, **counts: int) -> Self:
        """Raises `QuantityError` when the counts cannot be."""
        try:
            return cls(**counts)
        except ValidationError as error:
            raise QuantityError("; ".join(problem["msg"] for problem in error.errors())) from None

    @classmethod
    def ordered_as(cls, quantity: int, *, cancelled: int = 0, shipped: int = 0) -> Self:
        return cls(ordered=quantity, open=quantity - cancelled - shipped, cancelled=cancelled, shipped=shipped)

    def add(self, *, delivered: int = 0, returned: int = 0, goodwill: int = 0, refunded: int = 0) -> Self:
        """Count units delivered, returned or refunded. Raises `QuantityError` beyond what was shipped or given back."""
        counted = {"delivered": delivered, "returned": returned, "goodwill": goodwill, "refunded": refunded}
        if min(counted.values()) < 0:
            raise QuantityError(f"cannot take back what was counted: {counted}")
        return self._changed({name: getattr(self, name) + units for name, units in counted.items()})

    def _changed(self, counts: dict[str, int]) -> Self:
        return self.counted(**{**self.model_dump(), **counts})

    @property
    def unfinished(self) -> int:
        """Units that are neither shipped nor cancelled."""
        return self.open + self.reserved + self.released


class QuantityLedger(Model):
    """The quantities of all lines of one order, by channel line id."""

    lines: dict[str, LineQuantities]

    def __getitem__(self, line_id: str) -> LineQuantities:
        try:
            return self.lines[line_id]
        except KeyError:
            raise QuantityError(f"no line {line_id!r} in this order: it has {sorted(self.lines)}") from None

    @property
    def finished(self) -> bool:
        """True when every unit is shipped or cancelled."""
        return all(line.unfinished == 0 for line in self.lines.values())
