"""The bank accounts of a company in Tryton, and the journals in which their statements are booked."""

from collections.abc import Sequence

from stack.tryton_plan import BankJournal
from stack.tryton_rpc import Record, TrytonRpc

VALIDATION = "amount"
"""A statement says what its lines add up to: what the bank account stands at, Orderyard does not know."""


def create_bank_journals(
    rpc: TrytonRpc, company: Record, account: int, currencies: dict[str, int], journals: Sequence[BankJournal]
) -> None:
    """`company`: its id and party; `account`: the bank in its chart."""
    [books] = rpc.create(
        "account.journal", {"name": "Bank statements", "code": f"BANK{company['id']}", "type": "statement"}
    )
    for journal in journals:
        values = {
            "name": journal.name,
            "journal": books,
            "currency": currencies[journal.currency],
            "company": company["id"],
            "validation": VALIDATION,
            "account": account,
        }
        if journal.iban:
            values["bank_account"] = _bank_account(rpc, company["party"], journal, currencies)
        rpc.create("account.statement.journal", values)


def _bank_account(rpc: TrytonRpc, owner: int, journal: BankJournal, currencies: dict[str, int]) -> int:
    number = {"type": "iban", "number": journal.iban}
    values = {
        "owners": [["add", [owner]]],
        "currency": currencies[journal.currency],
        "numbers": [["create", [number]]],
    }
    [made] = rpc.create("bank.account", values)
    return made
