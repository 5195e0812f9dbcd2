"""What the bank says of the channels' payouts: a statement is read, matched, booked, and told in words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from temporalio.common import WorkflowIDConflictPolicy

from cli.deployment import Deployment, find
from cli.output import as_json, console, fail, rows
from connectors.bank.statement import read_statement
from connectors.errors import SchemaDrift
from connectors.providers import FORMATS
from models.bank import StatementLine
from models.payouts import Payout
from store import bank as lines_store
from store import bank_views
from store.bank_views import Arrival, BankView
from workflows import policy
from workflows.bank import BankResult, BankRun, BankStatementWorkflow


class Read(NamedTuple):
    lines: int
    new: int
    result: BankResult
    view: BankView


def read_bank(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bank statement: CAMT.053 (XML), or CSV.")],
    bank_account: Annotated[
        str, typer.Option(help="IBAN, or name in the ERP: needed for CSV; of CAMT.053, read this account alone.")
    ] = "",
    days: Annotated[
        int, typer.Option(min=1, help="A payout not seen so long after it was sent is missing.")
    ] = policy.PAYOUT_WINDOW.days,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a bank statement: which payouts have come, which have not, and which money belongs to no settlement.

    A CSV has the columns date, amount, currency, reference and counterparty, and may have the bank's own id.
    """
    lines, name = _lines(file, bank_account)
    read = asyncio.run(_read(find(), lines, name, timedelta(days=days)))
    if json_output:
        as_json({"lines": read.lines, "new": read.new, **read.result.model_dump(), "bank": read.view.model_dump()})
        return
    result = read.result
    console.print(
        f"{file.name}: {read.lines} lines, {read.new} new; {result.matched} matched with payouts now, "
        f"{result.booked} booked in the ERP, {result.refused} refused by it"
    )
    _tell(read.view)


def _lines(file: Path, bank_account: str) -> tuple[list[StatementLine], str]:
    """The statement's lines, and a name for the file as it is."""
    try:
        content = file.read_bytes()
        return read_statement(content, bank_account), sha256(content).hexdigest()[:16]
    except (OSError, SchemaDrift) as error:
        fail(f"{file}: {error}", 2)


async def _read(deployment: Deployment, lines: Sequence[StatementLine], name: str, overdue_after: timedelta) -> Read:
    """Kept first, in one transaction: whatever ends here, the workflow or the next statement goes on with them."""
    async with deployment.database() as database:
        async with database.session() as session:
            new = await lines_store.keep(session, lines)
        client = await deployment.temporal()
        result = await client.execute_workflow(
            BankStatementWorkflow.run,
            BankRun(overdue_after=overdue_after),
            id=f"bank-statement/{name}",
            task_queue=policy.SETTLEMENT_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        async with database.session() as session:
            view = await bank_views.view(session, sorted(FORMATS), overdue_after)
    return Read(len(lines), new, result, view)


def _tell(view: BankView) -> None:
    rows("Payouts that have come", ("settlement", "on", "amount", "bank account", "by", "entry"), _came(view.arrived))
    columns = ("settlement", "sent on", "payout", "arrived")
    rows("Payouts that the bank has not shown in time", columns, _expected(view.missing))
    rows("Payouts under way", columns, _expected(view.under_way))
    stray = [(line.booked_on, line.amount, line.counterparty, line.text) for line in view.stray]
    rows("From a channel, of no settlement", ("on", "amount", "from", "text"), stray)


def _came(arrived: Sequence[Arrival]) -> list[tuple[object, ...]]:
    return [
        (
            each.key,
            each.line.booked_on,
            each.line.amount,
            each.line.bank_account,
            each.by,
            each.number or each.refused or each.waits_for,
        )
        for each in arrived
    ]


def _expected(payouts: Sequence[Payout]) -> list[tuple[object, ...]]:
    return [(each.key, each.sent_on, each.amount, each.arrived or "") for each in payouts]
