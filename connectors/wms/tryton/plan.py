"""What was released, as it is kept beside the shipment in the warehouse; and whose units those are that left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog

from connectors.errors import SchemaDrift
from models.base import Model
from models.fulfilment import PickLine, Release

log = structlog.get_logger(__name__)

Units = Sequence[tuple[str, int]]
"""Item and pieces, in the order in which the warehouse has them."""


class Plan(Model):
    """The lines of a release: the warehouse itself knows items alone."""

    fulfilment_id: str
    correlation_id: str
    picks: tuple[PickLine, ...]

    @classmethod
    def of(cls, release: Release) -> Plan:
        return cls(fulfilment_id=release.fulfilment_id, correlation_id=release.correlation_id, picks=release.picks)

    @classmethod
    def read(cls, text: object, path: str) -> Plan:
        """Raises `SchemaDrift` when somebody has edited what was kept."""
        try:
            return cls.model_validate_json(str(text or ""))
        except ValueError as error:
            raise SchemaDrift("wrong_type", path, text, "Restore the note that was there") from error

    @property
    def quantity(self) -> int:
        return sum(pick.quantity for pick in self.picks)


class Sharing:
    """Gives the pieces of one shipment after the other to the picks that they were released for, in their order."""

    def __init__(self, picks: Iterable[PickLine]) -> None:
        self._open = list(picks)

    def take(self, units: Units) -> tuple[PickLine, ...]:
        """The picks of a shipment with these pieces. What nobody asked for belongs to no order line: it is logged."""
        taken: list[PickLine] = []
        for item, pieces in units:
            given = self._give(item, pieces)
            taken += given
            if (extra := pieces - sum(pick.quantity for pick in given)) > 0:
                log.warning("warehouse ships what was not released", item=item, pieces=extra)
        return _merged(taken)

    @property
    def left(self) -> tuple[PickLine, ...]:
        """What no shipment has taken."""
        return tuple(pick for pick in self._open)

    def _give(self, item: str, pieces: int) -> list[PickLine]:
        given: list[PickLine] = []
        remaining: list[PickLine] = []
        for pick in self._open:
            share = min(pick.quantity, pieces) if pick.item == item else 0
            pieces -= share
            if share:
                given.append(pick.model_copy(update={"quantity": share}))
            if share < pick.quantity:
                remaining.append(pick.model_copy(update={"quantity": pick.quantity - share}))
        self._open = remaining
        return given


def _merged(picks: list[PickLine]) -> tuple[PickLine, ...]:
    """One pick for a line and item, however many moves it took."""
    merged: dict[tuple[str, str], PickLine] = {}
    for pick in picks:
        known = merged.get((pick.line_id, pick.item))
        quantity = pick.quantity + (known.quantity if known else 0)
        merged[pick.line_id, pick.item] = pick.model_copy(update={"quantity": quantity})
    return tuple(merged.values())
