"""The shop's answers: its documents, and its problems (RFC 9457) in our vocabulary."""

from __future__ import annotations

import httpx

from connectors.errors import Declined, Failure, InDoubt, SchemaDrift, Unavailable
from connectors.http import retry_after
from connectors.storefront.messages import Problem
from connectors.storefront.refusals import Kind, decode, read
from connectors.storefront.vocabulary import FAILURES, NOT_OFFERED


class AlreadyDone(Exception):
    """The shop refuses because it has happened before; whether it was what we want is to be looked up."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def document(response: httpx.Response, kind: type[Kind], operation: str) -> Kind:
    """The answer of a call that only reads. Raises `Declined`, `Unavailable`, `SchemaDrift`."""
    check(response, operation)
    return read(kind, decode(response.content))


def written(response: httpx.Response, kind: type[Kind], operation: str) -> Kind:
    """The answer of a write. One that cannot be read has had its effect all the same: `InDoubt`."""
    check(response, operation)
    try:
        return read(kind, decode(response.content))
    except SchemaDrift as drift:
        raise InDoubt(f"{operation}: taken, but the answer is not as the contract says: {drift}") from None


def check(response: httpx.Response, operation: str) -> None:
    """Raises `Declined`, `Unavailable` or `AlreadyDone` for an answer that is none; other failures are raised below."""
    if response.is_success:
        return
    problem = problem_of(response)
    meaning = FAILURES.get(problem.code, Failure.DECLINED)
    words = f"{operation}: {problem.code}{f' at {problem.field}' if problem.field else ''}: {problem.detail}"
    if meaning is Failure.UNAVAILABLE:
        raise Unavailable(words, retry_after(response))
    if meaning is Failure.ALREADY_DONE:
        raise AlreadyDone(problem)
    code = "unsupported" if problem.code == NOT_OFFERED else problem.code
    raise Declined(words, code=code, field=problem.field or None)


def problem_of(response: httpx.Response) -> Problem:
    """What the shop says went wrong; made of the status where it does not say."""
    status = response.status_code
    try:
        found = read(Problem, decode(response.content))
    except SchemaDrift:
        return Problem(status=status, code=f"http_{status}", detail=f"HTTP {status} without a problem document")
    return found.model_copy(update={"detail": found.detail or found.title or f"HTTP {status}"})
