"""`docs/states.md` says what the code does."""

from __future__ import annotations

from typer.testing import CliRunner

from cli.app import app
from cli.states import PAGE, page
from models.deadline import DEADLINES, DeadlineKind
from models.messages import OrderState
from models.returns import ReturnProcessState
from models.states import WAYS


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python starter.py states --write"


def test_every_state_way_and_deadline_is_on_the_page() -> None:
    text = page()
    for state, after in WAYS.items():
        for each in after:
            assert f"    {state} --> {each}\n" in text
    assert set(DEADLINES) == set(DeadlineKind)
    for name in (*OrderState, *ReturnProcessState, *DeadlineKind):
        assert f"`{name}`" in text


def test_the_command_prints_and_checks_the_page() -> None:
    printed = CliRunner().invoke(app, ["states"])
    assert (printed.exit_code, printed.output) == (0, page())
    checked = CliRunner().invoke(app, ["states", "--check"])
    assert (checked.exit_code, checked.output.strip()) == (0, "docs/states.md is what the code says")
