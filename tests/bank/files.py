"""Bank statements as banks export them."""

from __future__ import annotations

from dataclasses import dataclass

IBAN = "DE89370400440532013000"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
)


@dataclass(frozen=True)
class Moved:
    """An entry of a statement."""

    amount: str
    """Negative: it went out."""
    text: str = ""
    on: str = "2026-09-14"
    reference: str = ""
    counterparty: str = "Amazon Payments Europe S.C.A."
    currency: str = "EUR"
    state: str = "<Sts><Cd>BOOK</Cd></Sts>"


def camt(*entries: Moved, iban: str = IBAN, version: str = "08", opening: str = "", closing: str = "") -> bytes:
    body = "\n".join(_entry(entry, new=version == "08") for entry in entries)
    balances = "\n".join(_balance(code, amount) for code, amount in (("OPBD", opening), ("CLBD", closing)) if amount)
    account = f"<Acct><Id><IBAN>{iban}</IBAN></Id></Acct>"
    statement = f"<BkToCstmrStmt><GrpHdr/><Stmt><Id>1</Id>{account}\n{balances}\n{body}\n</Stmt></BkToCstmrStmt>"
    return f"{HEAD.format(version=version)}\n{statement}\n</Document>".encode()


def _entry(moved: Moved, *, new: bool) -> str:
    out = moved.amount.startswith("-")
    name = f"<Nm>{moved.counterparty}</Nm>"
    party = f"<Pty>{name}</Pty>" if new else name
    side = "Cdtr" if out else "Dbtr"
    reference = f"<AcctSvcrRef>{moved.reference}</AcctSvcrRef>" if moved.reference else ""
    details = (
        f"<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        f"<RltdPties><{side}>{party}</{side}></RltdPties>"
        f"<RmtInf><Ustrd>{moved.text}</Ustrd></RmtInf></TxDtls></NtryDtls>"
    )
    return (
        f'<Ntry><Amt Ccy="{moved.currency}">{moved.amount.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{'DBIT' if out else 'CRDT'}</CdtDbtInd>{moved.state}"
        f"<BookgDt><Dt>{moved.on}</Dt></BookgDt>{reference}{details}</Ntry>"
    )


def _balance(code: str, amount: str) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-09-14</Dt></Dt></Bal>"
    )
