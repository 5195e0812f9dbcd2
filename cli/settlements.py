"""Settlements for finance: what was paid, what does not match and why, the rules, the month's end, exports."""

from __future__ import annotations

import asyncio
import csv
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import settlement_work as work
from cli.bank import read_bank
from cli.deployment import find
from cli.output import as_json, console, fail, pairs, rows
from connectors.providers import FORMATS
from models.settlement import SettlementKey
from models.settlement_books import WriteOff
from models.settlement_rules import RuleSet

app = typer.Typer(no_args_is_help=True, help="Money that the channels paid: matched, explained, exported.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
app.command("bank")(read_bank)
Key = Annotated[str, typer.Argument(metavar="SETTLEMENT", help="channel/account/settlement-id")]
Line = Annotated[str, typer.Argument(metavar="LINE", help="channel/account/settlement-id#number")]
Actor = Annotated[str, typer.Option(help="Who decides; recorded with the decision.")]
Channel = Annotated[str | None, typer.Option(help="Only this channel.")]


class Form(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


@app.command("list")
def list_all(
    channel: Channel = None,
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    json_output: AsJson = False,
) -> None:
    """Settlements, newest first: payout = matched + residual, and what of it is still open."""
    found = asyncio.run(work.listed(find(), channel, account, limit))
    if json_output:
        as_json([each.model_dump(mode="json") for each in found])
        return
    columns = ("settlement", "status", "payout", "matched", "residual", "open", "lines", "journal")
    lines = [(e.key, e.status, e.payout, e.matched, e.residual, e.open, e.lines, e.journal or "") for e in found]
    rows("Settlements", columns, lines)


@app.command()
def show(settlement: Key, json_output: AsJson = False) -> None:
    """One settlement: its sums by type, its open residuals, what its orders still lack."""
    shown = asyncio.run(work.shown(find(), _key(settlement)))
    if json_output:
        as_json(shown.model_dump(mode="json"))
        return
    summary = shown.summary
    values = summary.model_dump(mode="json", exclude={"key", "payout", "matched", "residual", "open"})
    sums = {"payout": summary.payout, "matched": summary.matched, "residual": summary.residual, "open": summary.open}
    pairs(str(summary.key), {**values, **sums, "bank": shown.bank})
    groups = [(g.type, g.fault or "", g.lines, g.matched, g.residual) for g in shown.groups]
    rows("By type", ("type", "fault", "lines", "matched", "residual"), groups)
    told = [(f"{t.key}#{t.line.number}", t.line.label, t.residual, t.fault, t.line.order_id or "") for t in shown.open]
    rows("Open residuals (largest first)", ("line", "label", "residual", "fault", "order"), told)
    lacking = [(f.order_key, f.fault, f.component, f.amount) for f in shown.findings]
    rows("Not as expected", ("order", "fault", "of", "amount"), lacking)


@app.command()
def explain(line: Line) -> None:
    """Why a line matches, or does not, in words."""
    key, number = _line(line)
    for sentence in asyncio.run(work.why(find(), key, number)):
        console.print(sentence)


@app.command()
def export(
    settlement: Key,
    file: Annotated[Path, typer.Option("--to", help="Where to; the form is by its ending when --form is not given.")],
    form: Annotated[Form | None, typer.Option(help="csv or xlsx")] = None,
) -> None:
    """All lines of a settlement with their verdicts, for finance."""
    form = form or (Form.XLSX if file.suffix.lower() == ".xlsx" else Form.CSV)
    written = asyncio.run(work.export(find(), _key(settlement), file, xlsx=form is Form.XLSX))
    console.print(f"{written} lines to {file}")


@app.command("month-end")
def month_end(
    month: Annotated[str, typer.Argument(help="like 2026-11")],
    file: Annotated[Path | None, typer.Option("--to", help="Also as CSV.")] = None,
    json_output: AsJson = False,
) -> None:
    """A month by channel, account and company: sales, tax by remitter, costs, refunds, reserves, outstanding."""
    try:
        begin = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        fail(f"{month!r} is no month: write it like 2026-11", 2)
    found = asyncio.run(work.month_end(find(), begin))
    lines = [each.model_dump(mode="json") for each in found]
    if file is not None:
        _as_csv(file, lines)
    if json_output:
        as_json(lines)
        return
    for each, line in zip(found, lines, strict=True):
        place = f"{each.channel} {each.account} {each.entity or '(own company)'}: {month}, {each.currency}"
        pairs(place, {k: v for k, v in line.items() if k not in ("channel", "account", "entity", "currency")})
    if not found:
        console.print(f"nothing was settled in {month}, and nothing is outstanding")


@app.command()
def rules(
    channel: Channel = None,
    apply: Annotated[Path | None, typer.Option(help="A rules file (TOML): put it in force.")] = None,
    actor: Actor = "operator",
    json_output: AsJson = False,
) -> None:
    """The rules in force for each channel's labels, or a new version of them."""
    if apply is not None:
        applied = _rules_of(apply)
        asyncio.run(work.apply_rules(find(), applied, actor))
        console.print(f"{applied.channel}: version {applied.version} is in force; repost what it explains")
        return
    found = asyncio.run(work.rules(find(), channel))
    if json_output:
        as_json([each.model_dump(mode="json") for each in found])
        return
    for each in found:
        rate = each.contract.commission_rate
        console.print(
            f"{each.channel}: version {each.version}, {len(each.rules)} rules, contract rate {rate or 'none'}"
        )
        names = each.labels or ("label",)
        rows("", (*names, "type"), [(*rule.patterns, rule.type.value) for rule in each.rules])


@app.command()
def repost(settlement: Key) -> None:
    """Undo a settlement's matching and journal, and post it again under the rules that are in force now."""
    result = asyncio.run(work.repost(find(), _key(settlement)))
    console.print(f"{settlement}: payout {result.payout} = matched {result.matched} + residual {result.residual}")
    rows("Residuals", ("name", "amount"), sorted(result.residuals.items()))


@app.command("write-off")
def write_off(line: Line, note: Annotated[str, typer.Option(help="Why.")], actor: Actor = "operator") -> None:
    """Give a residual up; it is recorded who did and why."""
    key, number = _line(line)
    off = WriteOff(key=key, number=number, actor=actor, note=note, on=datetime.now(UTC).date())
    asyncio.run(work.write_off(find(), off))
    console.print(f"{line}: written off by {actor}")


def _key(text: str) -> SettlementKey:
    try:
        return SettlementKey.from_string(text)
    except ValueError as error:
        fail(str(error), 2)


def _line(text: str) -> tuple[SettlementKey, int]:
    name, _, number = text.rpartition("#")
    if not number.isdecimal():
        fail(f"{text!r} is not a line: write channel/account/settlement-id#number", 2)
    return _key(name), int(number)


def _rules_of(path: Path) -> RuleSet:
    try:
        found = RuleSet.from_document(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}", 2)
    if found.channel not in FORMATS:
        fail(f"{path}: channel: {found.channel!r} is none of {', '.join(sorted(FORMATS))}", 2)
    return found


def _as_csv(path: Path, lines: Sequence[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if lines:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(lines)
