"""Reads a bank statement, whatever form it has. Each line has a name of its own, the same however often it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from connectors.bank.camt import read_camt
from connectors.bank.lines import UNNAMED
from connectors.bank.markup import looks_like_xml
from connectors.bank.table import read_table
from models.bank import StatementLine


def read_statement(content: bytes, bank_account: str = "") -> list[StatementLine]:
    """CAMT.053 or CSV. `bank_account` is needed where the file does not name one, and else reads that one alone.

    Raises `SchemaDrift`, which names the place, the value and the remedy: then nothing of the file may be used.
    """
    return _named(read_camt(content, bank_account) if looks_like_xml(content) else read_table(content, bank_account))


def _named(lines: Iterable[StatementLine]) -> list[StatementLine]:
    """A movement without a reference of its own is known by what it says, and by how many before it say the same.

    Some banks give a payment and its return one reference, so that it is neither's own: in one file it names neither.
    In files that are days apart it is the first one's, which the store knows, so that each line brings both its names.
    """
    lines = list(lines)
    shared = {name for name, times in Counter(line.reference for line in lines).items() if times > 1}
    seen: Counter[str] = Counter()
    found: list[StatementLine] = []
    for line in lines:
        said = _said(line)
        seen[said] += 1
        digest = sha256(f"{said}|{seen[said]}".encode()).hexdigest()[:16]
        made, own = f"{line.booked_on:%Y%m%d}-{digest}", line.line_id
        if own == UNNAMED or seen[said] > 1:
            names = made, ""
        else:
            names = (made, own) if line.reference in shared else (own, made)
        found.append(line.model_copy(update={"line_id": names[0], "other_id": names[1]}))
    return found


def _said(line: StatementLine) -> str:
    """With a reference, day and amount tell it from others: the bank's words may be others the next time."""
    said = [line.reference, str(line.booked_on), str(line.amount)]
    return "|".join(said if line.line_id != UNNAMED else [*said, line.counterparty, line.text])
