"""Documents that are streamed into a file: whole, or an error and nothing that counts."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from connectors.errors import ConnectorError, Unauthorized, Unavailable
from connectors.http import VendorClient
from connectors.limiter import RateLimiter
from connectors.raw import elements, write_pages
from tests.connectors.test_http import FAILURES, answering, client, failing, listening


async def downloaded(vendor: VendorClient) -> tuple[httpx.Response, bytes]:
    into = io.BytesIO()
    try:
        return await vendor.download("report", "/report", into), into.getvalue()
    finally:
        await vendor.aclose()


async def failure(vendor: VendorClient) -> ConnectorError:
    with pytest.raises(ConnectorError) as failed:
        await downloaded(vendor)
    return failed.value


async def test_a_success_is_in_the_file_and_not_in_memory() -> None:
    content = b"line\n" * 100_000
    answer, written = await downloaded(client(lambda _: httpx.Response(200, stream=httpx.ByteStream(content))))
    assert written == content
    with pytest.raises(httpx.ResponseNotRead):
        _ = answer.content


@pytest.mark.parametrize("status", [302, 400, 404, 422])
async def test_an_answer_that_the_connector_has_to_judge_is_returned_and_not_in_the_file(status: int) -> None:
    answer, written = await downloaded(client(answering(status)))
    assert (answer.status_code, answer.json(), written) == (status, {"status": status}, b"")


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorized), (403, Unauthorized), (429, Unavailable), (500, Unavailable)]
)
async def test_an_answer_that_is_no_answer_is_an_error_of_its_kind(status: int, kind: type[ConnectorError]) -> None:
    refused = await failure(client(answering(status, **{"Retry-After": "7"})))
    assert type(refused) is kind
    assert refused.retry_after == (timedelta(seconds=7) if status == 429 else None)


@pytest.mark.parametrize("kind", FAILURES, ids=lambda each: each.__name__)
async def test_a_failure_of_the_transport_may_be_tried_again(kind: type[httpx.RequestError]) -> None:
    assert type(await failure(client(failing(kind)))) is Unavailable


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly the beginning",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nonly \r\n",
    ],
    ids=["shorter than said", "chunks that do not end"],
)
async def test_a_connection_that_breaks_off_in_the_middle_is_unavailable(answer: bytes) -> None:
    async with listening(answer) as url:
        assert type(await failure(VendorClient("acme", url))) is Unavailable


async def test_a_download_waits_for_its_turn_and_learns_the_rate() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    limiter = RateLimiter({"report": (1.0, 1)}, sleep=sleep, clock=lambda: 0.0)
    vendor = client(answering(200, rate="5"), limiter=limiter, rate_of=lambda answer: float(answer.headers["rate"]))
    await vendor.download("report", "/report", io.BytesIO())
    await vendor.download("report", "/report", io.BytesIO())
    await vendor.aclose()
    assert waited == [0.2]


async def pages(*each: list[str]) -> AsyncIterator[list[str]]:
    for page in each:
        yield page


@pytest.mark.parametrize(
    "given", [[], [[]], [["1"]], [['{"a":1.10}', '"ü"'], [], ["null"]]], ids=["no page", "empty", "one", "several"]
)
async def test_pages_become_one_document_with_the_elements_as_they_stand(given: list[list[str]]) -> None:
    into = io.BytesIO()
    count = await write_pages(into, '{"data":[', pages(*given))
    found = elements(into.getvalue().decode(), "data")
    assert found == [element for page in given for element in page]
    assert count == len(found)


class Away(io.BytesIO):
    """A file that is somewhere else."""

    def write(self, data: object, /) -> int:
        return 0


async def test_memory_does_not_grow_with_a_download_nor_with_the_number_of_pages() -> None:
    async def content() -> AsyncIterator[bytes]:
        for _ in range(512):
            yield bytes(1 << 16)

    async def many() -> AsyncIterator[list[str]]:
        for number in range(500):
            yield [f'{{"line":{number},"of":"{"x" * 100}"}}'] * 500

    vendor = client(lambda _: httpx.Response(200, content=content()))
    tracemalloc.start()
    await vendor.download("report", "/report", Away())
    assert await write_pages(Away(), '{"data":[', many()) == 250_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    await vendor.aclose()
    assert peak < 1 << 20
