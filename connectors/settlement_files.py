"""Settlement documents as streams: plain or zipped, in one part or several, proven before anything is made of them.

A reader gets a seekable file and may go through it more than once, so that memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import io
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO

from connectors.errors import SchemaDrift
from models.base import Model
from models.settlement import Entry, Reading, Settlement, SettlementLine, Statement
from models.settlement_rules import RuleSet

CHUNK = 1 << 16
LARGEST_PART = 4 << 30
"""Bytes of an unzipped part: more than that is no settlement."""
MOST_DIGITS = 24
"""Of a sum that can still be kept exactly."""


@cache
def shipped_rules(folder: Path) -> RuleSet:
    """The rules that come with a channel, `settlement_rules.toml` beside its parser."""
    with (folder / "settlement_rules.toml").open("rb") as file:
        return RuleSet.from_document(tomllib.load(file))


def parts(file: BinaryIO) -> Iterator[BinaryIO]:
    """The document itself, or each file of an archive by name: a settlement in several files is sent zipped."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        file.seek(0)
        yield file
        return
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as error:
        raise _unreadable(error) from None
    for member in sorted(archive.infolist(), key=lambda each: each.filename):
        if not member.is_dir():
            yield _part(archive, member)


def _part(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    if member.file_size > LARGEST_PART:
        raise _unreadable(f"{member.filename} has {member.file_size} bytes unzipped")
    try:
        return io.BufferedReader(_Member(archive.open(member)))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise _unreadable(error) from None


class _Member(io.RawIOBase):
    """A file of an archive; what is wrong with the archive is said as drift, wherever it is found."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            read = self._source.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise _unreadable(error) from None
        buffer[: len(read)] = read
        return len(read)


def _unreadable(error: object) -> SchemaDrift:
    remedy = f"The archive cannot be read ({error}): download the document again."
    return SchemaDrift("not_a_settlement", "$", b"PK", remedy)


def text_lines(part: BinaryIO, encoding: str) -> Iterator[str]:
    """Lines as they are ended by LF alone, without NUL: quotes and form feeds mean nothing to a flat file."""
    reader = io.TextIOWrapper(part, encoding, "replace", newline="\n")
    try:
        for line in reader:
            yield line.replace("\x00", "") if "\x00" in line else line
    finally:
        if not part.closed:
            reader.detach()


def is_utf8(part: BinaryIO) -> bool:
    """Reads the part through."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := part.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class Proof(Model):
    """A statement whose lines add up to it."""

    statement: Statement
    lines: int


@dataclass
class _Sum:
    total: Decimal = Decimal(0)
    lines: int = 0
    currency: str = ""
    first: str = ""

    def add(self, line: SettlementLine) -> None:
        if not self.lines:
            self.currency, self.first = line.amount.currency, line.label
        self.total += line.amount.amount
        self.lines += 1
        if self.total.adjusted() > MOST_DIGITS:
            remedy = "The lines add up to more than can be kept exactly: download the document again."
            raise SchemaDrift("sum_differs", f"line {line.number}", line.amount, remedy)


def prove(reading: Reading) -> tuple[Proof, ...]:
    """Each statement with the number of its lines. Raises `SchemaDrift` (`sum_differs`, with the difference) unless the
    lines of every statement add up to it: the document is then refused whole."""
    statements: dict[str, Statement] = {}
    sums: dict[str, _Sum] = {}
    for each in reading:
        if isinstance(each, Entry):
            sums.setdefault(each.settlement_id, _Sum()).add(each.line)
        else:
            _state(statements, each)
    for settlement_id in sums.keys() - statements.keys():
        raise _no_total(settlement_id, sums[settlement_id])
    if not statements:
        raise SchemaDrift("not_a_settlement", "$", "", "The document states no payout: download it again.")
    return tuple(_proof(statement, sums.get(name, _Sum())) for name, statement in statements.items())


def _state(statements: dict[str, Statement], stated: Statement) -> None:
    known = statements.setdefault(stated.settlement_id, stated)
    if (known.payout, known.currency) != (stated.payout, stated.currency):
        remedy = f"Settlement {stated.settlement_id} is stated twice, with {known.payout} before: download it again."
        raise SchemaDrift("several_totals", stated.where, stated.payout, remedy)


def _no_total(settlement_id: str, sums: _Sum) -> SchemaDrift:
    value = f"{sums.lines} lines, {sums.total} {sums.currency}, the first {sums.first}"
    remedy = "The document has lines of this settlement, but not its total: download it whole."
    return SchemaDrift("no_total", f"settlement {settlement_id}", value, remedy)


def _proof(statement: Statement, sums: _Sum) -> Proof:
    difference = sums.total - statement.payout.amount
    if difference or (sums.lines and sums.currency != statement.currency):
        stated = f"stated {statement.payout}, sum of {sums.lines} lines {sums.total}, difference {difference}"
        remedy = f"Lines of {statement.settlement_id} are missing or doubled: download the whole document again."
        raise SchemaDrift("sum_differs", statement.where, stated, remedy)
    return Proof(statement=statement, lines=sums.lines)


def whole(reading: Reading) -> Settlement:
    """A document that is one settlement, in memory. Raises `SchemaDrift`; `several_settlements` for more than one."""
    kept = list(reading)
    proofs = prove(iter(kept))
    if len(proofs) > 1:
        names = ", ".join(proof.statement.settlement_id for proof in proofs)
        raise SchemaDrift("several_settlements", proofs[1].statement.where, names, "One settlement is expected here.")
    lines = tuple(each.line for each in kept if isinstance(each, Entry))
    return Settlement.model_validate({**dict(proofs[0].statement), "where": "", "lines": lines})


def split(settlement: Settlement) -> Reading:
    """A settlement that is in memory as a reading: for channels whose documents are small."""
    yield Statement.model_validate(dict(settlement))
    for line in settlement.lines:
        yield Entry(settlement.settlement_id, line)


class Numbering:
    """The number of each line within its settlement, whatever else the document holds."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def next(self, settlement_id: str) -> int:
        number = self._last[settlement_id] = self._last.get(settlement_id, 0) + 1
        return number


class Ids:
    """Ids of settlements in a document: one that is paid in a second currency is a second settlement."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def of(self, name: str, currency: str) -> str:
        return name if self._first.setdefault(name, currency) == currency else f"{name} {currency}"
