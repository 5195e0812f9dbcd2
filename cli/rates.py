"""Exchange rates into the books of a legal entity, and the orders that wait for one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from cli import options
from cli.deployment import find
from cli.output import as_json, console, fail, rows
from models.money import Currency
from store import rates

app = typer.Typer(no_args_is_help=True, help="Exchange rates of the books.")
CURRENCY = TypeAdapter(Currency)


@app.command("set")
def set_rate(
    currency: Annotated[str, typer.Argument(help="Of the orders, e.g. USD.")],
    books: Annotated[str, typer.Argument(help="Of the legal entity's books, e.g. EUR.")],
    rate: Annotated[str, typer.Argument(help="What one unit of the first is in the second, e.g. 0.9231.")],
    on: Annotated[str | None, typer.Option(help="The day, YYYY-MM-DD; today when not given.")] = None,
    source: Annotated[str, typer.Option(help="Where the rate is from; recorded.")] = "entered by hand",
) -> None:
    """Enter a day's rate, or correct it; orders that wait for it go on by themselves."""
    pair = tuple(_currency(code) for code in (currency, books))
    if pair[0] == pair[1]:
        fail(f"rates set {currency} {books}: a currency needs no rate into itself", 2)
    figure = _rate(rate)
    day = (options.day(on, "--on") or datetime.now(UTC)).date()

    async def work() -> None:
        async with find().database() as database, database.session() as session:
            await rates.put(session, pair[0], pair[1], figure, day, source)

    asyncio.run(work())
    console.print(f"1 {pair[0]} = {figure} {pair[1]} from {day} on")


@app.command("list")
def list_rates(
    currency: Annotated[str | None, typer.Option(help="Only those of this currency.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rates, the newest day first."""
    code = _currency(currency) if currency else None

    async def work() -> list[dict[str, Any]]:
        async with find().database() as database, database.session() as session:
            return [row.model_dump(mode="json") for row in await rates.everything(session, code)]

    found = asyncio.run(work())
    if json_output:
        as_json(found)
        return
    columns = ("currency", "books_currency", "valid_on", "rate", "source")
    rows("Exchange rates", columns, [tuple(row[name] for name in columns) for row in found])


def _currency(text: str) -> str:
    try:
        return CURRENCY.validate_python(text.strip().upper())
    except ValidationError:
        fail(f"{text!r} is not a currency: write its three letters, e.g. EUR", 2)


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or rate <= 0:
        fail(f"rate {text!r}: write a number above 0, e.g. 0.9231", 2)
    return rate
