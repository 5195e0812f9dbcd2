"""Documents about returns to canonical returns: pure and total, any bytes in, returns and named refusals out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from connectors.amazon.flatfile import decoded
from connectors.amazon.node import Node, decode
from connectors.amazon.refusals import first_line, refusal
from connectors.amazon.return_document import of_node, returns_in
from connectors.amazon.return_file import Group, groups, is_return_file, of_group, unknown_columns
from connectors.drift import known_fields, unknown_fields
from connectors.errors import SchemaDrift
from connectors.ports import Drift, ParsedReturns, Refusal
from models.money import MoneyError
from models.returns import ChannelReturn

FIELDS = known_fields(Path(__file__).with_name("return_fields.txt"))
NOT_A_RETURN = "Returns are rows of the returns report, or answers of External Fulfillment Returns."
Source = TypeVar("Source")


def parse_returns(body: bytes, account: str) -> ParsedReturns:
    """Both of Amazon's ways to tell of returns. Never raises."""
    text = decoded(body)
    if is_return_file(text):
        return _of_file(body, text, account)
    try:
        root = Node(decode(body))
    except ValueError as error:
        remedy = f"Neither a returns report nor JSON ({error}). {NOT_A_RETURN}"
        return ParsedReturns(refusals=(refusal(SchemaDrift("not_json", "$", body[:60], remedy), None),))
    return _of_document(root, account)


def _of_file(body: bytes, text: str, account: str) -> ParsedReturns:
    try:
        _, found = groups(body)
    except SchemaDrift as problem:
        return ParsedReturns(refusals=(refusal(problem, None),))
    results = [_read(group, account, of_group, _group_drift(group), group.return_id) for group in found]
    unknown = (Drift(kind="unknown_field", path=f"column {name}") for name in unknown_columns(text))
    return _parsed(results, unknown)


def _of_document(root: Node, account: str) -> ParsedReturns:
    found = list(returns_in(root))
    if not found and not (root.has("returns") and root["returns"].value == []):
        return ParsedReturns(refusals=(refusal(root.drift("not_a_return", NOT_A_RETURN), None),))
    results = [_read(node, account, of_node, node.drift, node["id"].text() or None) for node in found]
    return _parsed(results, (each for node in found for each in unknown_fields(node.value, FIELDS)))


def _read(
    source: Source,
    account: str,
    read: Callable[[Source, str], ChannelReturn],
    unkept: Callable[[str, str], SchemaDrift],
    return_id: str | None,
) -> ChannelReturn | Refusal:
    try:
        return read(source, account)
    except SchemaDrift as problem:
        return refusal(problem, return_id)
    except (ValidationError, MoneyError, OverflowError) as error:
        return refusal(unkept("invalid", f"The return cannot be kept: {first_line(error)}."), return_id)


def _group_drift(group: Group) -> Callable[[str, str], SchemaDrift]:
    def drift(reason: str, remedy: str) -> SchemaDrift:
        return SchemaDrift(reason, f"line {group.rows[0].line}", group.lines[0], remedy)

    return drift


def _parsed(results: list[ChannelReturn | Refusal], drift: Iterable[Drift]) -> ParsedReturns:
    return ParsedReturns(
        returns=tuple(result for result in results if isinstance(result, ChannelReturn)),
        refusals=tuple(result for result in results if isinstance(result, Refusal)),
        drift=tuple(dict.fromkeys(drift)),
    )
