"""What every Tryton needs before it is of use: currencies, countries, and a user with a key to work as."""

import secrets
from collections.abc import Sequence
from decimal import Decimal

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from stack.tryton_plan import COUNTRIES, CURRENCIES, WORLD_SINCE
from stack.tryton_rpc import Record, TrytonRpc

until_it_knows_the_company = Retrying(
    retry=retry_if_exception(
        lambda error: str(error).startswith("Tryton has no") or "You are not allowed" in str(error)
    ),
    wait=wait_fixed(0.2),
    stop=stop_after_delay(30),
    reraise=True,
)
"""After the administrator's company was changed the server may remember the former one for a moment: it refuses then
("You are not allowed", 20 times in 1,100, with one process as with two), or finds nothing of the new one."""


def create_currencies(rpc: TrytonRpc) -> dict[str, int]:
    """Code -> record."""
    records = [_currency(code, *facts) for code, facts in CURRENCIES.items()]
    return dict(zip(CURRENCIES, rpc.create("currency.currency", *records), strict=True))


def create_countries(rpc: TrytonRpc) -> dict[str, int]:
    """Code -> record."""
    records = [
        {"code": code, "code3": code3, "code_numeric": number, "name": name}
        for code, (code3, number, name) in COUNTRIES.items()
    ]
    return dict(zip(COUNTRIES, rpc.create("country.country", *records), strict=True))


def create_key(rpc: TrytonRpc, login: str, name: str, company: int, groups: Sequence[int]) -> str:
    """The key of a new user who sees one company alone."""
    user = {
        "login": login,
        "name": name,
        "groups": [["add", list(groups)]],
        "companies": [["add", [company]]],
        "company": company,
        "company_filter": "one",
    }
    [made] = rpc.create("res.user", user)
    key = secrets.token_hex(32)
    rpc.create("res.user.application", {"user": made, "application": "rest", "key": key})
    return key


def work_for(rpc: TrytonRpc, company: int) -> None:
    """Let the administrator's next calls be about this company."""
    known = rpc.model("res.user", "read", [rpc.user], ["companies"])[0]["companies"]
    joined = {} if company in known else {"companies": [["add", [company]]]}
    rpc.model("res.user", "write", [rpc.user], {**joined, "company": company, "company_filter": "one"})
    rpc.reload()


def _currency(code: str, number: str, minor_unit: str, rate: str) -> Record:
    return {
        "name": code,
        "code": code,
        "symbol": code,
        "numeric_code": number,
        "rounding": Decimal(minor_unit),
        "digits": -int(Decimal(minor_unit).as_tuple().exponent),
        "rates": [["create", [{"date": WORLD_SINCE, "rate": Decimal(rate)}]]],
    }
