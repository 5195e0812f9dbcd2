"""Tryton's refusals in our vocabulary.

* 400 with `message`, a user error (warnings are skipped by the request's context): by the table below, else `Declined`
  (`user_error`)
* 400 without, a lost lock or a bug (8.0 hides which when the request has a body): `InDoubt`, looked up and tried again
  a bounded number of times
* 401 after the key was read again: `Unauthorized`
* 403: `Declined` (`not_allowed`)
* 404, no such record, or one that this company's key may not see: `Declined` (`not_found`)
* 429, 503: `Unavailable`
* other 5xx, no answer: `InDoubt` for a write, `Unavailable` for a read

Messages come in the language of the request, which is always English here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import httpx

from connectors.errors import NOT_FOUND, Declined, Failure, InDoubt

WRONG_STATE = "wrong_state"
DUPLICATE = "duplicate"

MESSAGES: tuple[tuple[str, str, Failure], ...] = (
    (r'^You can not call "', WRONG_STATE, Failure.ALREADY_DONE),
    (r"must be unique", DUPLICATE, Failure.ALREADY_DONE),
    (r"(period|fiscal year).*(closed|not open)|no (open )?(period|fiscal year)", "period_closed", Failure.DECLINED),
    (r"(not enough|missing).*(stock|quantit)|could not be assigned", "out_of_stock", Failure.DECLINED),
    (r"not balanced|unbalanced|different from zero|post an empty move", "not_balanced", Failure.DECLINED),
    (r"access|not allowed|permission", "not_allowed", Failure.DECLINED),
    (r"is not valid|required|value .* for field", "invalid", Failure.DECLINED),
)
"""Tryton's words -> our code, and what follows. The first that fits counts."""

STATUSES: Mapping[int, tuple[str, Failure]] = {
    403: ("not_allowed", Failure.DECLINED),
    404: (NOT_FOUND, Failure.DECLINED),
}


class WrongState(Declined):
    """The button does not exist in the record's state: pressed before, by us or by somebody else."""


class Duplicate(Declined):
    """A unique value is there already."""


def refusal(operation: str, response: httpx.Response) -> Declined | InDoubt:
    """What an answer of 400 or above (that is not a matter of transport) means."""
    if response.status_code in STATUSES:
        code, _ = STATUSES[response.status_code]
        return Declined(f"{operation}: HTTP {response.status_code} from Tryton", code=code)
    message = _message(response)
    if message is None:
        return InDoubt(
            f"{operation}: HTTP {response.status_code} from Tryton without a reason; it may have taken effect"
        )
    for pattern, code, failure in MESSAGES:
        if re.search(pattern, message, re.IGNORECASE):
            kind = {WRONG_STATE: WrongState, DUPLICATE: Duplicate}.get(code, Declined)
            assert (kind is Declined) == (failure is Failure.DECLINED)
            return kind(f"{operation}: {message}", code=code)
    return Declined(f"{operation}: {message}", code="user_error")


def _message(response: httpx.Response) -> str | None:
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "message" not in document:
        return None
    return " ".join(str(document.get(name) or "") for name in ("message", "description")).strip()[:500]
