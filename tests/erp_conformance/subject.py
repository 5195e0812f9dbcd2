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


class Server(Protocol):
    """The ERP itself, as its administrator sees it."""

    def connection(self) -> dict[str, Any]: ...

    async def documents(self, key: OrderKey) -> OrderDocuments | None:
        """What the ERP holds for an order."""
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
        entry["credentials"] = {**entry["credentials"], **credentials}
        entry["options"] = {name: value for name, value in entry["options"].items() if name != without}
        return self.subject.connect(SystemConnection.model_validate(entry), line)


ServerContext = AbstractAsyncContextManager[Server]
Servers = AsyncIterator[Running]
