"""GZIP, unpacked as it comes: neither the packed nor the unpacked document is ever in memory as a whole."""

from __future__ import annotations

import zlib
from typing import BinaryIO, Self

from connectors.errors import SchemaDrift
from connectors.settlement_files import CHUNK, LARGEST_PART

_GZIP = 16 + zlib.MAX_WBITS


class Gunzip:
    """Writes what is in the members of a GZIP document into a file.

    Raises `SchemaDrift` for what is not GZIP, breaks off, or is larger than any settlement.
    """

    def __init__(self, what: str, into: BinaryIO) -> None:
        """`what`: the document, for the error's words."""
        self._what = what
        self._into = into
        self._member: zlib._Decompress | None = None
        self._begins = b""
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None and self._member is not None:
            raise self._drift("It breaks off")

    def write(self, packed: bytes) -> None:
        self._begins = self._begins or packed[:40]
        try:
            while packed := packed if self._member else packed.lstrip(b"\0"):
                packed = self._unpacked(packed)
        except zlib.error as error:
            raise self._drift(f"It is said to be GZIP, and is not ({error})") from None

    def _unpacked(self, packed: bytes) -> bytes:
        """Unpack so much that it fits into memory; what is left of the packed bytes."""
        member = self._member = self._member or zlib.decompressobj(_GZIP)
        chunk = member.decompress(packed, CHUNK)
        self._into.write(chunk)
        self._size += len(chunk)
        if self._size > LARGEST_PART:
            raise self._drift(f"It has more than {LARGEST_PART} bytes unpacked")
        if not member.eof:
            return member.unconsumed_tail
        # Members may follow each other, and zeros may fill up the last block.
        self._member = None
        return member.unused_data

    def _drift(self, why: str) -> SchemaDrift:
        return SchemaDrift("wrong_type", self._what, self._begins, f"{why}: download the document again.")
