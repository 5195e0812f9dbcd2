"""What the suite has to know of a warehouse besides its port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from connectors.registry import SystemConnection
from tests.erp_conformance.transport import Line

Capability = Literal["goods_check", "second_parcel", "short_pick", "watched"]
Place = Literal["shelf", "waste", "rejected"]
"""Where people put a piece that came back."""
Pieces = tuple[str, int, Place]


class Warehouse(Protocol):
    """The warehouse itself, as the people see it who work there."""

    def connection(self) -> dict[str, Any]: ...

    async def releases(self, fulfilment_id: str) -> int:
        """How many releases it has under this reference that somebody may pick, or has shipped."""
        ...

    async def ship(self, fulfilment_id: str) -> None:
        """Pick, pack and ship all of it."""
        ...

    async def ship_first(self, fulfilment_id: str, item: str, pieces: int) -> None:
        """Ship these in a parcel of their own; the rest is for a second one, later."""
        ...

    async def find_missing(self, fulfilment_id: str, item: str, pieces: int) -> None:
        """Fewer are on the shelf than the books say: ship the rest, and leave these out."""
        ...

    async def give_up(self, fulfilment_id: str) -> None:
        """The warehouse itself cancels what it was told to ship."""
        ...

    async def take_back(self, reference: str, *pieces: Pieces, put_away: bool = True) -> str:
        """A buyer's parcel comes back, with something written on it; the number it gets. Put away, it is inspected."""
        ...


@dataclass(frozen=True)
class Subject:
    name: str
    connect: Any
    """`(SystemConnection, transport) -> the provider`."""
    server: Any
    """`() -> an async context of a Warehouse`."""
    credential: str
    without: Mapping[Capability, str] = field(default_factory=dict)
    """What it cannot be asked, and why."""


@dataclass
class Running:
    """A warehouse that is open, and the subject it belongs to."""

    subject: Subject
    warehouse: Warehouse

    def provider(self, line: Line, **credentials: str) -> Any:
        entry = self.warehouse.connection()
        entry["credentials"] = {**entry["credentials"], **credentials}
        return self.subject.connect(SystemConnection.model_validate(entry), line)
