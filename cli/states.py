"""`docs/states.md`: the states and deadlines of orders and returns, told by the code that runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cli.output import console, fail
from models.case import HOLDS
from models.deadline import DEADLINES
from models.messages import FINAL_STATES, OrderState
from models.returns import ENDED_RETURNS, RETURN_TRANSITIONS, ReturnProcessState
from models.states import WAYS

PAGE = Path(__file__).parents[1] / "docs" / "states.md"

State = TypeVar("State", bound=StrEnum)


def states(
    write: Annotated[bool, typer.Option("--write", help="Write docs/states.md.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail when docs/states.md is not what the code says.")] = False,
) -> None:
    """Print the states and deadlines of orders and returns, as the code has them."""
    if write:
        PAGE.write_text(page(), encoding="utf-8")
        console.print(f"wrote {PAGE.name}")
    elif check:
        if PAGE.read_text(encoding="utf-8") != page():
            fail("docs/states.md is not what the code says: run `starter.py states --write`")
        console.print("docs/states.md is what the code says")
    else:
        typer.echo(page(), nl=False)


def page() -> str:
    return "\n".join([*_head(), *_order(), *_deadlines(), *_return()]) + "\n"


def _head() -> list[str]:
    return [
        "# States and deadlines",
        "",
        "Made by `python starter.py states --write` from `models/states.py`, `models/deadline.py` and",
        "`models/returns.py`; do not edit it. A test compares it with the code, and every workflow test fails when its",
        "order takes a way that is not here.",
    ]


def _order() -> list[str]:
    holds = ", ".join(f"`{kind}`" for kind in sorted(HOLDS))
    return [
        "",
        "## An order",
        "",
        *_diagram(WAYS, OrderState.RECEIVED, FINAL_STATES),
        "",
        f"While a case is open in any of these states, `{OrderState.EXCEPTION}` is shown instead; while every open",
        f"case is a hold ({holds}), `{OrderState.ON_HOLD}`. Neither changes where the order goes on.",
        "",
        *_table(WAYS),
    ]


def _deadlines() -> list[str]:
    rows = [f"| `{kind}` | {rule.due} | {rule.does} | {rule.ends} |" for kind, rule in DEADLINES.items()]
    return [
        "",
        "## Deadlines of an order",
        "",
        "Each is a durable timer that shows in the order's snapshot, acts once, and keeps its due date when the order",
        "continues as new. A case of a deadline ends by itself when what was due happens after all.",
        "",
        "```mermaid",
        "flowchart LR",
        *(f'    {kind}(["{kind}"]) -->|due| {kind}_acts["{_plain(rule.does)}"]' for kind, rule in DEADLINES.items()),
        "```",
        "",
        "| deadline | due | does | not needed when |",
        "|---|---|---|---|",
        *rows,
    ]


def _return() -> list[str]:
    return [
        "",
        "## A return",
        "",
        *_diagram(RETURN_TRANSITIONS, ReturnProcessState.REQUESTED, ENDED_RETURNS),
        "",
        "What follows an ended state are goods that came after all, or a buyer who asks again.",
        "",
        *_table(RETURN_TRANSITIONS),
    ]


def _diagram(ways: Mapping[State, Iterable[State]], first: State, ends: Iterable[State]) -> list[str]:
    steps = [f"    {state} --> {after}" for state in ways for after in sorted(ways[state])]
    last = [f"    {state} --> [*]" for state in sorted(ends)]
    return ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *steps, *last, "```"]


def _table(ways: Mapping[State, Iterable[State]]) -> list[str]:
    rows = [f"| `{state}` | {', '.join(f'`{after}`' for after in sorted(ways[state])) or '—'} |" for state in ways]
    return ["| state | may be followed by |", "|---|---|", *rows]


def _plain(text: str) -> str:
    return text.replace("`", "")
