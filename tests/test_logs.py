"""Logs: one JSON object a line for machines, readable lines for people, and no buyer's data in either."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.cli.command import REPOSITORY, environment


def written(program: str, log_format: str = "json", level: str = "INFO") -> str:
    """What a process writes to stderr after `configure`; logging belongs to the process, so each test has its own."""
    start = (
        f"import logging, structlog, logs\nlogs.configure({log_format!r}, {level!r})\nlog = structlog.get_logger('x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(program)],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_is_json_and_carries_what_was_bound() -> None:
    first, second = lines(
        written(
            """
            with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
                log.info("order captured", order="shopify/main/1", units=2)
            log.warning("after it")
            """
        )
    )
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "order captured",
        "order": "shopify/main/1",
        "units": 2,
        "correlation_id": "c-1",
        "level": "info",
        "logger": "x",
    }
    assert (second["event"], second["level"], "correlation_id" in second) == ("after it", "warning", False)


def test_the_standard_librarys_lines_are_of_the_same_kind() -> None:
    (line,) = lines(
        written(
            """
            with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
                logging.getLogger("vendor.sdk").warning("slow: %s s", 5, extra={"queue": "erp"})
            """
        )
    )
    assert (line["event"], line["level"], line["logger"]) == ("slow: 5 s", "warning", "vendor.sdk")
    assert (line["queue"], line["correlation_id"]) == ("erp", "c-1")


def test_an_exception_is_one_line_with_its_traceback() -> None:
    program = """
        try:
            address = "Main Street 1"
            {}["nothing"]
        except KeyError:
            log.exception("delivery failed")
    """
    (line,) = lines(written(program))
    assert "KeyError: 'nothing'" in line["exception"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_local_variables(log_format: str) -> None:
    program = """
        def deliver(address):
            raise ValueError("a defect")

        try:
            deliver("Main " + "Street 1")
        except ValueError:
            log.exception("delivery failed")
    """
    text = written(program, log_format)
    assert "a defect" in text
    assert "Main Street 1" not in text


def test_people_get_readable_lines_and_a_pipe_gets_json() -> None:
    program = "log.info('worker polls', queue='erp')"
    assert "worker polls" in written(program, "console")
    with pytest.raises(json.JSONDecodeError):
        json.loads(written(program, "console"))
    assert lines(written(program, "auto"))[0]["queue"] == "erp"


@pytest.mark.parametrize("level", ["WARNING", "warning"])
def test_lines_below_the_level_are_not_written(level: str) -> None:
    program = """
        log.info("quiet")
        logging.getLogger("vendor").info("quiet")
        log.warning("loud")
    """
    assert [line["event"] for line in lines(written(program, level=level))] == ["loud"]


def test_the_requests_of_clients_and_servers_are_not_logged() -> None:
    program = """
        for name in ("httpx", "httpcore", "uvicorn.access"):
            logging.getLogger(name).info("GET /orders?buyer=ann")
    """
    assert written(program) == ""
