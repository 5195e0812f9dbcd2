"""A local warehouse: a second Tryton, with goods and places and no books, for tests, tours and a look around."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import erp
from cli.output import console
from settings import Settings

app = typer.Typer(no_args_is_help=True, help="A local warehouse (a stock-only Tryton) for tests and tours.")


@app.command()
def up(
    fresh: Annotated[bool, typer.Option(help="Throw the stock and the shipments of the last run away.")] = False,
) -> None:
    """Run a warehouse with the nodes of the sandbox and their stock, until Ctrl-C; an ERP may run beside it.

    The connection for a connections file (`wms`) is written to wms/connection.json in the data directory. People pick
    and ship in Tryton's own client.
    """
    from stack.tryton_kinds import WAREHOUSE

    erp.serve(Settings().data_dir / "wms", WAREHOUSE, fresh=fresh, tell=_tell_company)


def _tell_company(connection: dict[str, Any]) -> None:
    options = connection["options"]
    console.print(f"  database {options['database']}, company {options['company']}")
