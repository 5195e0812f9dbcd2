"""What was released, as it is kept beside the shipment in the warehouse; and for which order line a piece left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import structlog

from connectors.errors import SchemaDrift
from models.base import Model
from models.fulfilment import PickLine, Release

log = structlog.get_logger(__name__)


class Moved(NamedTuple):
    """Pieces of an item that leave, or are to leave, in one move."""

    move: int
    item: str
    pieces: int


class PlannedPick(Model):
    move: int
    """That was made for it."""
    pick: PickLine


class Plan(Model):
    """The lines of a release: the warehouse itself knows items alone."""

    fulfilment_id: str
    correlation_id: str
    reply_to: str = ""
    """Workflow that waits for the parcels; not in notes from before the warehouse was watched."""
    picks: tuple[PlannedPick, ...]

    @classmethod
    def of(cls, release: Release, moves: Iterable[Moved]) -> Plan:
        """Raises `SchemaDrift` when the moves are not those of the release."""
        waiting = sorted(moves)
        picks: list[PlannedPick] = []
        for pick in release.picks:
            fitting = next((each for each in waiting if (each.item, each.pieces) == (pick.item, pick.quantity)), None)
            if fitting is None:
                remedy = "Cancel the draft in the warehouse: it is made anew"
                raise SchemaDrift("wrong_type", f"moves of {release.fulfilment_id}", waiting, remedy)
            waiting.remove(fitting)
            picks.append(PlannedPick(move=fitting.move, pick=pick))
        return cls(
            fulfilment_id=release.fulfilment_id,
            correlation_id=release.correlation_id,
            reply_to=release.reply_to,
            picks=tuple(picks),
        )

    @classmethod
    def read(cls, text: object, path: str) -> Plan:
        """Raises `SchemaDrift` when somebody has edited what was kept."""
        try:
            return cls.model_validate_json(str(text or ""))
        except ValueError as error:
            raise SchemaDrift("wrong_type", path, text, "Restore the note that was there") from error


class Sharing:
    """Which pieces belong to which picks, whatever people did with the moves.

    A move that was made for a pick belongs to it. One that somebody made in the warehouse (a part of another, for a
    second parcel) takes what is left of its item, in the order of the release.
    """

    def __init__(self, plan: Plan | None, moves: Sequence[Moved]) -> None:
        self._open = {planned.move: planned.pick for planned in plan.picks} if plan else {}
        self._picks: dict[int, list[PickLine]] = {}
        ours = [each for each in sorted(moves) if each.move in self._open]
        for each in ours:
            self._give(each, self._take(each.move, each.item, each.pieces))
        for each in sorted(set(moves) - set(ours)):
            self._share(each)

    def of(self, moves: Iterable[Moved]) -> tuple[PickLine, ...]:
        """The picks that these moves stand for; one for each line and item."""
        merged: dict[tuple[str, str], PickLine] = {}
        for pick in (pick for each in moves for pick in self._picks.get(each.move, [])):
            known = merged.get((pick.line_id, pick.item))
            quantity = pick.quantity + (known.quantity if known else 0)
            merged[pick.line_id, pick.item] = pick.model_copy(update={"quantity": quantity})
        return tuple(merged.values())

    @property
    def left(self) -> tuple[PickLine, ...]:
        """What no move stands for."""
        return tuple(self._open.values())

    def _share(self, moved: Moved) -> None:
        """What nobody asked for belongs to no order line: it is logged."""
        pieces = moved.pieces
        for planned in list(self._open):
            taken = self._take(planned, moved.item, pieces)
            self._give(moved, taken)
            pieces -= taken.quantity if taken else 0
        if pieces > 0:
            log.warning("warehouse ships what was not released", item=moved.item, pieces=pieces)

    def _give(self, moved: Moved, pick: PickLine | None) -> None:
        if pick is not None:
            self._picks.setdefault(moved.move, []).append(pick)

    def _take(self, planned: int, item: str, pieces: int) -> PickLine | None:
        pick = self._open[planned]
        share = min(pick.quantity, pieces) if pick.item == item else 0
        if share == 0:
            return None
        if share == pick.quantity:
            del self._open[planned]
        else:
            self._open[planned] = pick.model_copy(update={"quantity": pick.quantity - share})
        return pick.model_copy(update={"quantity": share})
