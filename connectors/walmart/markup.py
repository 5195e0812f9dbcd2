"""XML in the shape of the JSON: local names as keys, repeated elements as lists, texts as they stand.

A document type is refused: Walmart sends none, and entities are what hostile XML is made of.
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

DEEPEST = 60
"""Levels of elements; an order has about twelve."""
_REPEATED = frozenset(
    {
        ("elements", "order"),
        ("orderLines", "orderLine"),
        ("charges", "charge"),
        ("orderLineStatuses", "orderLineStatus"),
        ("refundCharges", "refundCharge"),
    }
)
"""Elements, by what they are in, that are a list in JSON also when there is one alone."""


def looks_like_xml(body: bytes) -> bool:
    return _start(body).startswith(b"<")


def decode_xml(body: bytes) -> Any:
    """Raises `ValueError` for anything that is not well-formed XML without a document type."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = builder.begin
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.refuse
    try:
        parser.Parse(_start(body), True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(f"not well-formed XML: {error}") from None
    return builder.root


def _start(body: bytes) -> bytes:
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()


class _Builder:
    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = [("", self.root, [])]

    def begin(self, name: str, _: dict[str, str]) -> None:
        if len(self._open) > DEEPEST:
            raise ValueError("nested too deeply")
        self._open.append((name.rpartition(" ")[2], {}, []))

    def end(self, _: str) -> None:
        name, members, texts = self._open.pop()
        value: Any = members or "".join(texts).strip() or None
        above, parent, _texts = self._open[-1]
        if name not in parent:
            parent[name] = [value] if (above, name) in _REPEATED else value
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def refuse(self, *_: Any) -> None:
        raise ValueError("a document type is not expected")
