"""The XML of order feeds as Amazon reads it, and of the processing reports that it answers with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as Xml


class Unreadable(Exception):
    """The feed cannot be read at all: it is broken off."""


@dataclass(frozen=True)
class Message:
    message_id: str
    body: Xml.Element

    def text(self, path: str) -> str:
        return (self.body.findtext(path) or "").strip()


@dataclass(frozen=True)
class Problem:
    """What is wrong with one message."""

    message_id: str
    code: str
    words: str
    order_id: str = ""
    sku: str = ""


class Wrong(Exception):
    """A message that cannot be obeyed."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


def messages(content: bytes, kind: str) -> list[Message]:
    """The messages of an envelope. Raises `Unreadable` for one that is not XML, or of another kind."""
    if b"<!DOCTYPE" in content:
        raise Unreadable("a document type is not allowed")
    try:
        root = Xml.fromstring(content)  # noqa: S314 - no document type, so no entities
    except Xml.ParseError as error:
        raise Unreadable(f"XML parsing error: {error}") from error
    if root.tag != "AmazonEnvelope" or root.findtext("MessageType") != kind:
        raise Unreadable(f"an AmazonEnvelope of {kind} is expected")
    if not (root.findtext("Header/MerchantIdentifier") or "").strip():
        raise Unreadable("the header has no MerchantIdentifier")
    return list(_messages(root, kind))


def _messages(root: Xml.Element, kind: str) -> Iterator[Message]:
    for message in root.findall("Message"):
        body = message.find(kind)
        message_id = (message.findtext("MessageID") or "").strip()
        if body is None or not message_id.isdecimal():
            raise Unreadable(f"a message has a MessageID and {kind}")
        yield Message(message_id, body)


def report(feed_id: str, processed: int, problems: list[Problem]) -> bytes:
    """Successes are silent: only messages with problems are named."""
    root = Xml.Element("AmazonEnvelope")
    header = Xml.SubElement(root, "Header")
    Xml.SubElement(header, "DocumentVersion").text = "1.02"
    Xml.SubElement(root, "MessageType").text = "ProcessingReport"
    message = Xml.SubElement(root, "Message")
    Xml.SubElement(message, "MessageID").text = "1"
    body = Xml.SubElement(message, "ProcessingReport")
    Xml.SubElement(body, "DocumentTransactionID").text = feed_id
    Xml.SubElement(body, "StatusCode").text = "Complete"
    summary = Xml.SubElement(body, "ProcessingSummary")
    wrong = len({problem.message_id for problem in problems})
    counts = {"Processed": processed, "Successful": processed - wrong, "WithError": wrong, "WithWarning": 0}
    for name, count in counts.items():
        Xml.SubElement(summary, f"Messages{name}").text = str(count)
    for problem in problems:
        _result(body, problem)
    content: bytes = Xml.tostring(root, encoding="UTF-8", xml_declaration=True)
    return content


def _result(body: Xml.Element, problem: Problem) -> None:
    result = Xml.SubElement(body, "Result")
    Xml.SubElement(result, "MessageID").text = problem.message_id
    Xml.SubElement(result, "ResultCode").text = "Error"
    Xml.SubElement(result, "ResultMessageCode").text = problem.code
    Xml.SubElement(result, "ResultDescription").text = problem.words
    if problem.order_id:
        about = Xml.SubElement(result, "AdditionalInfo")
        Xml.SubElement(about, "AmazonOrderID").text = problem.order_id
