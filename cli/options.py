"""What is written in options of several commands: keys, units of lines, goods in exchange, amounts, moments."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cli.output import fail
from connectors.providers import FORMATS
from models.money import Money
from models.order import Address, Order, OrderKey
from models.replacements import ExchangeLine

ChannelName = StrEnum("ChannelName", {name: name for name in FORMATS})  # type: ignore[misc]
SPANS = {"m": "minutes", "h": "hours", "d": "days"}


def units(texts: list[str], option: str = "--line", least: int = 0) -> dict[str, int]:
    """`LINE=UNITS`, each line once."""
    found: dict[str, int] = {}
    for text in texts:
        line_id, _, count = text.rpartition("=")
        if not line_id or not count.isdecimal():
            fail(f"{option} {text}: write LINE=UNITS", 2)
        if line_id in found:
            fail(f"{option} {text}: line {line_id} is named twice: name each line once", 2)
        if int(count) < least:
            fail(f"{option} {text}: {count} units are none: give {least} or more", 2)
        found[line_id] = int(count)
    return found


def pairs(texts: list[str], option: str = "--sku") -> dict[str, str]:
    """`LINE=SKU`, each line once."""
    found = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(found) != len(texts) or not all(name and value for name, value in found.items()):
        fail(f"{option} {' '.join(texts)}: write LINE=SKU, each line once", 2)
    return found


def exchange(text: str, order: Order) -> ExchangeLine:
    line_id, _, rest = text.partition("=")
    count, sku, price = [*rest.split(":", 2), "", ""][:3]
    if not line_id or not count.isdecimal():
        fail(f"--line {text}: write LINE=UNITS[:SKU[:UNIT PRICE]]", 2)
    unit_price = money(price, order, text) if price else None
    return ExchangeLine(line_id=line_id, quantity=int(count), sku=sku, unit_price=unit_price)


def money(figure: str, order: Order, text: str) -> Money:
    try:
        return Money.of(figure, order.currency)
    except ValueError:
        fail(f"{text}: {figure!r} is not an exact amount of {order.currency}", 2)


def price(text: str | None, option: str) -> Money | None:
    """`12.50EUR`."""
    if text is None:
        return None
    try:
        return Money.of(text[:-3].strip(), text[-3:].upper())
    except ValueError:
        fail(f"{option} {text}: not an exact amount: write the amount and its currency, e.g. 12.50EUR", 2)


def address(text: str | None) -> Address | None:
    if text is None:
        return None
    try:
        return Address.model_validate_json(text)
    except ValueError as error:
        fail(f"--ship-to is not an address: {error}", 2)


def moment(text: str | None, option: str, now: datetime) -> datetime | None:
    """A time to come: `2h`, `3d`, or a date and time, in UTC where it names no zone."""
    if text is None:
        return None
    remedy = "write 30m, 2h, 3d, or a time such as 2026-12-01T10:00"
    if span := re.fullmatch(r"([0-9]{1,5})([mhd])", text):
        return now + timedelta(**{SPANS[span[2]]: int(span[1])})
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text}: not a time: {remedy}", 2)
    at = read if read.tzinfo else read.replace(tzinfo=UTC)
    if at <= now:
        fail(f"{option} {text}: that has passed already: {remedy}", 2)
    return at


def day(text: str | None, option: str) -> datetime | None:
    """Midnight, UTC, with which a day begins."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        fail(f"{option} {text}: not a day: write YYYY-MM-DD", 2)


def key(text: str) -> OrderKey:
    try:
        return OrderKey.from_string(text)
    except ValueError as error:
        fail(str(error), 2)
