"""CAMT.053, the bank-to-customer statement of ISO 20022: booked entries of one or more accounts.

An entry's amount is positive, and `CdtDbtInd` says which way it went; a reversal's, which way the reversal went.
Entries that are not booked (pending, for information) are not read. Where a statement says what it opened and closed
with, its entries must lead from the one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from connectors.bank.lines import UNNAMED, amount_of, day_of, required
from connectors.bank.markup import Element, read_xml
from connectors.errors import SchemaDrift
from models.bank import StatementLine, compact
from models.money import Money

FAMILY = "urn:iso:std:iso:20022:tech:xsd:camt.053."
BOOKED = "BOOK"
SIGNS = {"CRDT": 1, "DBIT": -1}
NOT_PROVIDED = "NOTPROVIDED"
"""What banks write for an end-to-end reference that nobody gave."""
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)


def read_camt(content: bytes, bank_account: str) -> list[StatementLine]:
    """`bank_account`: read the statements of this one alone; of all accounts, when empty."""
    root = read_xml(content)
    if not root.namespace.startswith(FAMILY):
        remedy = f"Export the statement as CAMT.053 ({FAMILY}…), or as CSV."
        raise SchemaDrift("not_a_statement", f"line {root.line}", root.namespace or root.name, remedy)
    found: list[StatementLine] = []
    for statement in root.all("BkToCstmrStmt/Stmt"):
        account = required(statement.first("Acct/Id/IBAN", "Acct/Id/Othr/Id"), "Acct/Id/IBAN", statement.line).text
        if not bank_account or compact(account) == compact(bank_account):
            found += _lines(statement, "".join(account.split()))
    return found


def _lines(statement: Element, account: str) -> list[StatementLine]:
    lines = [_line(entry, account) for entry in statement.all("Ntry") if entry.said("Sts/Cd", "Sts") == BOOKED]
    _require_sum(statement, lines)
    return lines


def _line(entry: Element, account: str) -> StatementLine:
    return StatementLine(
        bank_account=account,
        line_id=entry.said("AcctSvcrRef", "NtryDtls/TxDtls/Refs/AcctSvcrRef") or UNNAMED,
        booked_on=_booked_on(entry),
        amount=_signed(entry),
        counterparty=_counterparty(entry),
        text=" ".join(_texts(entry)),
    )


def _booked_on(entry: Element) -> date:
    stated = required(entry.first("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm"), "BookgDt/Dt", entry.line)
    return day_of(stated.text[:10], f"line {stated.line}, BookgDt")


def _signed(element: Element) -> Money:
    """Of an entry or a balance."""
    stated = required(element.first("Amt"), "Amt", element.line)
    amount = amount_of(stated.text, stated.attributes.get("Ccy", ""), f"line {stated.line}, Amt")
    way = required(element.first("CdtDbtInd"), "CdtDbtInd", element.line)
    if way.text not in SIGNS:
        raise SchemaDrift("unknown_value", f"line {way.line}, CdtDbtInd", way.text, "CRDT came in, DBIT went out.")
    if amount.amount < 0:
        remedy = "An amount is not negative: CdtDbtInd says which way it went."
        raise SchemaDrift("wrong_type", f"line {stated.line}, Amt", stated.text, remedy)
    return amount * SIGNS[way.text]


def _counterparty(entry: Element) -> str:
    """Who paid what came in, who was paid what went out."""
    side = "Dbtr" if entry.said("CdtDbtInd") == "CRDT" else "Cdtr"
    parties = "NtryDtls/TxDtls/RltdPties"
    return entry.said(f"{parties}/{side}/Nm", f"{parties}/{side}/Pty/Nm")


def _texts(entry: Element) -> Iterator[str]:
    """Everything that may name what was paid, each once; of a booking of several payments, of all of them."""
    details = "NtryDtls/TxDtls"
    paths = (
        f"{details}/RmtInf/Ustrd",
        f"{details}/RmtInf/Strd/CdtrRefInf/Ref",
        f"{details}/Refs/EndToEndId",
        f"{details}/AddtlTxInf",
        "AddtlNtryInf",
    )
    texts = (each.text for path in paths for each in entry.all(path))
    yield from dict.fromkeys(text for text in texts if text not in ("", NOT_PROVIDED))


def _require_sum(statement: Element, lines: list[StatementLine]) -> None:
    stated = {each.said("Tp/CdOrPrtry/Cd"): each for each in statement.all("Bal")}
    opened = next((stated[code] for code in OPENING if code in stated), None)
    closed = next((stated[code] for code in CLOSING if code in stated), None)
    if opened is None or closed is None:
        return
    before, after = _signed(opened), _signed(closed)
    moved = Money.total((line.amount for line in lines), before.currency)
    if before + moved != after:
        remedy = f"It opened with {before}, and its entries come to {moved}: export it again, whole."
        raise SchemaDrift("totals_differ", f"line {closed.line}, Bal/Amt", str(after), remedy)
