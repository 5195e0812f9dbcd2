"""A local ERP: a complete Tryton on this machine, for tests, tours and a look around."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import console, fail
from settings import Settings
from stack.errors import StackError

if TYPE_CHECKING:
    from stack.tryton_kinds import Kind
    from stack.tryton_plan import Goods

app = typer.Typer(no_args_is_help=True, help="A local ERP (Tryton) for tests and tours.")
CONNECTION = "connection.json"


@app.command()
def up(
    fresh: Annotated[bool, typer.Option(help="Throw the books of the last run away.")] = False,
) -> None:
    """Run a Tryton with two companies, their charts, taxes, warehouses and goods, until Ctrl-C.

    The first start installs it and takes a minute or two; later ones take seconds. The connection for a connections
    file is written to erp/connection.json in the data directory.
    """
    from stack.tryton_kinds import BOOKS

    serve(Settings().data_dir / "erp", BOOKS, fresh=fresh, tell=_tell_companies)


def serve(home: Path, kind: Kind, *, fresh: bool, tell: Callable[[dict[str, Any]], None]) -> None:
    """Run a Tryton of this kind until Ctrl-C, with its connection in a file in `home`."""
    from stack.processes import STEPS_BACK
    from stack.running import write_private
    from stack.tryton import LocalTryton

    # One cache for both kinds: the programs are the same.
    cache = Settings().data_dir / "erp" / "cache"
    try:
        with LocalTryton(home, cache, demo_goods(), kind, niceness=STEPS_BACK, say=console.print) as tryton:
            if fresh:
                tryton.fresh()
            connection = tryton.connection()
            write_private(home / CONNECTION, json.dumps(connection, indent=2) + "\n")
            console.print(f"Tryton answers at {tryton.url}; administrator: admin / {tryton.admin_password}")
            console.print(f"connection for the connections file: {home / CONNECTION}")
            tell(connection)
            console.print("Ctrl-C ends it")
            _until_stopped()
    except StackError as error:
        fail(str(error))


def demo_goods() -> Goods:
    """What the sandbox's retailer sells, as the ERP's goods; the new arrival, too, that nobody has mapped yet.

    Of that, and of what is not there yet, no warehouse has any.
    """
    from sandbox.goods import ITEMS, NOT_THERE_YET, STOCK_PER_NODE, UNMAPPED_SKU
    from stack.tryton_plan import Goods

    nodes = tuple(dict.fromkeys(node for nodes in ITEMS.values() for node in nodes))
    shelves = {item: () if item in NOT_THERE_YET else stocked for item, stocked in ITEMS.items()}
    return Goods(items={**shelves, UNMAPPED_SKU: ()}, nodes=nodes, units=STOCK_PER_NODE)


def _tell_companies(connection: dict[str, Any]) -> None:
    for entity, company in connection["options"]["companies"].items():
        console.print(f"  legal entity {entity}: company {company['id']}")


def _until_stopped() -> None:
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
