"""A local ERP: a complete Tryton on this machine, for tests, tours and a look around."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import console, fail
from settings import Settings
from stack.errors import StackError

if TYPE_CHECKING:
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
    from stack.running import write_private
    from stack.tryton import LocalTryton

    data = Settings().data_dir / "erp"
    try:
        with LocalTryton(data, data / "cache", demo_goods(), say=console.print) as tryton:
            if fresh:
                tryton.fresh()
            connection = tryton.connection()
            write_private(data / CONNECTION, json.dumps(connection, indent=2) + "\n")
            _tell(tryton.url, tryton.admin_password, data / CONNECTION, connection)
            _until_stopped()
    except StackError as error:
        fail(str(error))


def demo_goods() -> Goods:
    """What the sandbox's retailer sells, as the ERP's goods; the new arrival, too, that nobody has mapped yet."""
    from sandbox.goods import ITEMS, STOCK_PER_NODE, UNMAPPED_SKU
    from stack.tryton_plan import Goods

    nodes = tuple(dict.fromkeys(node for nodes in ITEMS.values() for node in nodes))
    return Goods(items={**ITEMS, UNMAPPED_SKU: nodes[:1]}, nodes=nodes, units=STOCK_PER_NODE)


def _tell(url: str, password: str, file: Path, connection: dict[str, Any]) -> None:
    console.print(f"Tryton answers at {url}; administrator: admin / {password}")
    console.print(f"connection for the connections file: {file}")
    for entity, company in connection["options"]["companies"].items():
        console.print(f"  legal entity {entity}: company {company['id']}")
    console.print("Ctrl-C ends it")


def _until_stopped() -> None:
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
