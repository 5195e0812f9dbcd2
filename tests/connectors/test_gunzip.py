"""GZIP as it comes: the same as unpacked at once, however it is cut, and never more than a piece in memory."""

import gzip
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import gunzip
from connectors.errors import SchemaDrift
from connectors.gunzip import Gunzip


def unpacked(packed: bytes, size: int = 1000) -> bytes:
    into = io.BytesIO()
    with Gunzip("report 1", into) as unpacking:
        for start in range(0, len(packed), size):
            unpacking.write(packed[start : start + size])
    return into.getvalue()


@given(
    members=st.lists(st.binary(max_size=3000), min_size=1, max_size=3), size=st.integers(1, 400), zeros=st.booleans()
)
def test_however_it_is_cut_it_is_the_same_document(members: list[bytes], size: int, zeros: bool) -> None:
    packed = b"".join(map(gzip.compress, members)) + bytes(20 * zeros)
    assert unpacked(packed, size) == gzip.decompress(packed) == b"".join(members)


def test_a_document_of_nothing_is_empty() -> None:
    assert unpacked(b"") == gzip.decompress(b"") == b""


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (b"settlement-id\t", "is not"),
        (gzip.compress(b"amount" * 1000)[:-9], "breaks off"),
        (gzip.compress(b"amount" * 1000)[:-8] + bytes(8), "is not"),
        (gzip.compress(b"amount") + b"rest", "is not"),
    ],
    ids=["not GZIP", "breaks off", "wrong check sum", "something behind it"],
)
def test_what_is_not_whole_is_refused_by_name(packed: bytes, why: str) -> None:
    with pytest.raises(SchemaDrift) as refused:
        unpacked(packed)
    assert (refused.value.reason, refused.value.path) == ("wrong_type", "report 1")
    assert why in refused.value.remedy
    assert "download the document again" in refused.value.remedy


def test_what_is_larger_than_any_settlement_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunzip, "LARGEST_PART", 1 << 20)
    with pytest.raises(SchemaDrift, match="more than 1048576 bytes"):
        unpacked(gzip.compress(bytes(2 << 20)))


def test_a_small_piece_that_unpacks_to_much_is_unpacked_bit_by_bit() -> None:
    packed = gzip.compress(bytes(64 << 20))

    class Away(io.BytesIO):
        def write(self, data: object, /) -> int:
            return 0

    tracemalloc.start()
    with Gunzip("report 1", Away()) as unpacking:
        unpacking.write(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
