"""Processing reports: what became of each message of a feed. A feed that is DONE has been read, not obeyed.

XML feeds name only messages with errors or warnings, by the MessageID that was sent; listings feeds answer in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from connectors.amazon.node import Node, decode
from connectors.errors import SchemaDrift


@dataclass(frozen=True)
class Complaint:
    """One error of a report, in Amazon's words."""

    message_id: str
    code: str
    words: str
    sku: str = ""


def complaints(report: bytes) -> list[Complaint]:
    """The errors of a report; none when all went well. Raises `SchemaDrift` for what is not a processing report."""
    found = list(_of_json(report) if report.lstrip()[:1] == b"{" else _of_xml(report))
    return list(dict.fromkeys(found))


def _of_json(report: bytes) -> Iterator[Complaint]:
    try:
        root = Node(decode(report))
    except ValueError:
        raise _unreadable(report) from None
    summary = root["summary"]
    if not summary:
        raise _unreadable(report)
    errors = [issue for issue in root["issues"].listed() if issue["severity"].text() == "ERROR"]
    for issue in errors:
        yield Complaint(
            issue["messageId"].text(), issue["code"].text() or "error", issue["message"].text(), issue["sku"].text()
        )
    if not errors and (summary["errors"].quantity_if_readable() or summary["messagesInvalid"].quantity_if_readable()):
        yield Complaint("", "unnamed_error", "The report counts errors and names none.")


def _of_xml(report: bytes) -> Iterator[Complaint]:
    root = _root(report)
    summary = next((each for each in root.iter() if each.tag.endswith(("ProcessingSummary", "ProcessingReport"))), None)
    if summary is None:
        raise _unreadable(report)
    errors = [result for result in root.iter("Result") if _text(result, "ResultCode") == "Error"]
    for result in errors:
        yield Complaint(
            message_id=_text(result, "MessageID"),
            code=_text(result, "ResultMessageCode") or "error",
            words=_text(result, "ResultDescription"),
            sku=_text(result, "AdditionalInfo/SKU"),
        )
    counted = {name: _text(root, f".//{name}") for name in ("MessagesProcessed", "MessagesWithError")}
    if not errors and counted["MessagesWithError"] not in ("", "0"):
        yield Complaint("", "unnamed_error", f"{counted['MessagesWithError']} messages have errors that are not named.")
    if not errors and counted["MessagesProcessed"] == "0":
        yield Complaint("", "nothing_processed", "Amazon has processed no message of the feed.")


def _root(report: bytes) -> Xml.Element:
    """Without entities of its own, which no report has: they are how XML is made to explode."""
    if b"<!DOCTYPE" in report:
        raise _unreadable(report)
    try:
        root = Xml.fromstring(report)  # noqa: S314 - no document type, so no entities
    except (Xml.ParseError, ValueError, LookupError):
        raise _unreadable(report) from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _text(element: Xml.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _unreadable(report: bytes) -> SchemaDrift:
    remedy = "A processing report is XML with a ProcessingReport, or JSON with a summary: look at the feed in Amazon."
    return SchemaDrift("not_a_report", "$", report[:60], remedy)
