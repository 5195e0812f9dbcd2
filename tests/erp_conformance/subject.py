"""What the suite has to know of an ERP besides its port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from connectors.registry import SystemConnection
from models.ledger import OrderDocuments
from models.order import OrderKey
from tests.erp_conformance.transport import Line

Capability = Literal[
    "changes", "credits", "returns", "ledger", "companies", "item_check", "tax_check", "currencies", "surplus"
]


@dataclass(frozen=True)
class Banked:
    """A bank statement line as the ERP holds it."""

    number: str
    reconciled: bool
    """Nothing of its payout is under way any more."""


class Server(Protocol):
    """The ERP itself, as its administrator sees it."""

    def connection(self) -> dict[str, Any]: ...

    async def documents(self, key: OrderKey) -> OrderDocuments | None:
        """What the ERP holds for an order."""
        ...

    async def banked(self, reference: str) -> list[Banked]:
        """What it has booked under the reference of a bank statement line."""
        ...

    async def under_way(self, reference: str) -> int:
        """Of an entry, how many lines on the account of payouts under way are not reconciled."""
        ...

    async def close_period(self, on: date) -> None: ...

    async def open_period(self, on: date) -> None: ...


@dataclass(frozen=True)
class Subject:
    name: str
    connect: Any
    """`(SystemConnection, transport) -> the provider`."""
    server: Any
    """`() -> an async context of a Server`."""
    entities: tuple[str, str] = ("", "")
    read_paths: tuple[str, ...] = ()
    without_transit: Any = None
    """`(options) -> options` of a connection to an ERP that has no account for payouts under way."""
    without: Mapping[Capability, str] = field(default_factory=dict)
    """What it cannot be asked, and why."""


@dataclass
class Running:
    """A server that is up, and the subject it belongs to."""

    subject: Subject
    server: Server
    lines: list[Line] = field(default_factory=list)

    def provider(self, line: Line, *, without: str = "", **credentials: str) -> Any:
        """`without`: the option that the connection is to lack."""
        entry = self.server.connection()
        options = {name: value for name, value in entry["options"].items() if name != without}
        return self._connected(
            {**entry, "options": options, "credentials": {**entry["credentials"], **credentials}}, line
        )

    def without_transit(self, line: Line) -> Any:
        """As it is connected to an ERP that has no account for payouts under way."""
        entry = self.server.connection()
        return self._connected({**entry, "options": self.subject.without_transit(entry["options"])}, line)

    def _connected(self, entry: dict[str, Any], line: Line) -> Any:
        return self.subject.connect(SystemConnection.model_validate(entry), line)


ServerContext = AbstractAsyncContextManager[Server]
Servers = AsyncIterator[Running]
