"""What a local Tryton is for: a seller's books, or a warehouse that stands beside them and knows nothing of money."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from stack import tryton_bank, tryton_base, tryton_books, tryton_goods, tryton_plan, tryton_warehouse
from stack.tryton_plan import Goods
from stack.tryton_rpc import TrytonRpc


@dataclass(frozen=True)
class Kind:
    name: str
    """Of the dump in the cache."""
    database: str
    modules: tuple[str, ...]
    """And what they depend on."""
    usual_port: int
    set_up: Callable[[TrytonRpc, Goods], dict[str, Any]]
    """Returns what `connection` needs to know."""
    connection: Callable[[str, str, Mapping[str, Any], Goods], dict[str, Any]]
    """Base URL, database, what is known, goods -> the entry of a connections file."""
    made_by: tuple[ModuleType, ...]
    """Code whose change makes another database."""

    def sources(self) -> list[str]:
        return [Path(module.__file__ or "").read_text() for module in self.made_by]


BOOKS = Kind(
    name="books",
    database="tryton",
    modules=("account_product", "account_statement", "sale", "web_shop"),
    usual_port=18900,
    set_up=tryton_books.set_up,
    connection=tryton_books.connection,
    made_by=(tryton_bank, tryton_base, tryton_books, tryton_goods, tryton_plan),
)
WAREHOUSE = Kind(
    name="warehouse",
    database="warehouse",
    modules=("stock",),
    usual_port=18910,
    set_up=tryton_warehouse.set_up,
    connection=tryton_warehouse.connection,
    made_by=(tryton_base, tryton_warehouse, tryton_goods, tryton_plan),
)
