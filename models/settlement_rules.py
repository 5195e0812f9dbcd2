"""What a channel's settlement labels mean, and how far a line may be off: versioned data, not code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from models.base import Model
from models.money import Amount
from models.settlement import LineType

MOST_KNOWN = 10_000
"""Labels whose type is remembered, so that a repeated one is not looked up again."""


class RulesError(ValueError):
    """A set of rules that cannot be used; says which rule and why."""


class LabelRule(Model):
    """A pattern for each of a line's labels, for its whole text in lower case, and what such a line is."""

    patterns: tuple[str, ...] = Field(min_length=1)
    type: LineType

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return self

    @cached_property
    def compiled(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for pattern in self.patterns)


class Contract(Model):
    """What the channel may charge by contract."""

    commission_rate: Amount | None = None
    """Share of `commission_base`, `0.15` for 15 %. None where no contract is known: any is taken as charged."""
    commission_base: tuple[LineType, ...] = (LineType.GOODS, LineType.SHIPPING, LineType.GIFT_WRAP, LineType.PROMOTION)


class RuleSet(Model):
    """One version of a channel's rules. The first rule that fits a line's labels counts."""

    channel: str
    version: int = Field(ge=1)
    labels: tuple[str, ...] = ()
    """What the places of a rule's patterns are called."""
    rules: tuple[LabelRule, ...]
    tolerance: dict[LineType, Amount] = Field(default_factory=dict)
    """By how much, in units of the currency, what an order gets of a type may differ from what is expected."""
    window_days: int = Field(default=35, ge=1)
    """Money that is booked later than so many days after the goods left is late, or missing."""
    contract: Contract = Contract()
    _known: dict[tuple[str, ...], LineType] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Of a rules file, where a rule is a list: its patterns, then the type. Raises `RulesError`."""
        listed = document.get("rules")
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            raise RulesError("rules: a list of rules is needed, each a list of patterns and a type")
        rules = []
        for number, rule in enumerate(listed, start=1):
            if not isinstance(rule, list) or len(rule) < 2 or not all(isinstance(each, str) for each in rule):
                raise RulesError(f"rule {number}: {rule!r} is not a list of patterns and a type")
            rules.append({"patterns": rule[:-1], "type": rule[-1]})
        try:
            return cls.model_validate({**document, "rules": rules})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(step + 1 if isinstance(step, int) else step) for step in first["loc"])
            raise RulesError(f"{place}: {first['msg']}; {first['input']!r} was given") from None

    def type_of(self, labels: Sequence[str]) -> LineType:
        """`UNKNOWN` where no rule knows the labels: never a guess."""
        given = tuple(labels)
        found = self._known.get(given)
        if found is None:
            if len(self._known) >= MOST_KNOWN:  # free text in the labels: no end of them
                self._known.clear()
            found = self._known[given] = self._find(tuple(label.strip().lower() for label in given))
        return found

    def tolerated(self, line_type: LineType) -> Decimal:
        return Decimal(self.tolerance.get(line_type, Decimal(0)))

    def _find(self, words: tuple[str, ...]) -> LineType:
        for rule in self.rules:
            patterns = rule.compiled
            padded = (*words, *[""] * (len(patterns) - len(words)))
            if len(words) <= len(patterns) and all(p.fullmatch(w) for p, w in zip(patterns, padded, strict=True)):
                return rule.type
        return LineType.UNKNOWN
