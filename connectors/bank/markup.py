"""XML as elements that know their line. A document type is refused: entities are what hostile XML is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from connectors.errors import SchemaDrift

DEEPEST = 60
"""Levels of elements; a bank statement has about twelve."""


@dataclass
class Element:
    """An element by its local name."""

    name: str
    line: int
    namespace: str = ""
    inner: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, path: str) -> Iterator[Element]:
        """Elements at a path of local names, like `NtryDtls/TxDtls`."""
        first, _, rest = path.partition("/")
        for each in self.inner:
            if each.name == first:
                yield from each.all(rest) if rest else (each,)

    def first(self, *paths: str) -> Element | None:
        """Of the first path that leads to a text."""
        found = (each for path in paths for each in self.all(path) if each.text)
        return next(found, None)

    def said(self, *paths: str) -> str:
        found = self.first(*paths)
        return found.text if found is not None else ""


def looks_like_xml(content: bytes) -> bool:
    return content.startswith((b"\xff\xfe", b"\xfe\xff")) or _start(content).startswith(b"<")


def read_xml(content: bytes) -> Element:
    """The root. Raises `SchemaDrift` for what is not well-formed, or has a document type."""
    building = _Building()
    parser = building.parser
    try:
        parser.Parse(_start(content), True)
    except (expat.ExpatError, LookupError) as error:
        raise SchemaDrift("not_xml", "$", content[:60], f"Not well-formed XML ({error}): export it again.") from None
    return building.root.inner[0]


def _start(content: bytes) -> bytes:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()


class _Building:
    def __init__(self) -> None:
        self.root = Element("", 0)
        self._open = [self.root]
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        if len(self._open) > DEEPEST:
            raise SchemaDrift("not_xml", f"line {line}", name, "Nested too deeply for a bank statement.")
        namespace, _, local = name.rpartition(" ")
        element = Element(local, line, namespace, attributes=dict(attributes))
        self._open[-1].inner.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def _refuse(self, name: str, *_: object) -> None:
        place = f"line {self.parser.CurrentLineNumber}"
        raise SchemaDrift("not_a_statement", place, f"<!DOCTYPE {name}>", "No bank states a document type: remove it.")
