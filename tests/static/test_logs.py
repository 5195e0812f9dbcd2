"""What the logs leave out."""

import logging

import pytest
from temporalio.exceptions import ApplicationError

import logs


@pytest.mark.parametrize(
    ("error", "lines"), [(ApplicationError("Declined: no such street"), 0), (KeyError("a defect of ours"), 1)]
)
def test_a_refusal_that_was_told_is_not_repeated_with_a_traceback_and_a_defect_is(
    error: Exception, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "INFO")
    logging.getLogger("temporalio.activity").warning("Completing activity as failed", exc_info=error)
    assert len(capsys.readouterr().err.splitlines()) == lines
