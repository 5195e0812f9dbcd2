"""Amazon's storage of documents: signed addresses that live for five minutes and want no token."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO

import httpx

from connectors.errors import Unavailable
from connectors.gunzip import Gunzip
from connectors.http import CHUNK, TIMEOUT


class Storage:
    """Neither reading nor uploading has an effect of its own, so whatever goes wrong may be tried again."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(timeout=TIMEOUT, transport=transport)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def upload(self, url: str, content: bytes, content_type: str) -> None:
        """The content type has to be the one that the address was signed for."""
        request = httpx.Request("PUT", url, content=content, headers={"Content-Type": content_type})
        async with self._answer("upload", request) as response:
            await response.aread()

    async def read(self, url: str, what: str, compression: str) -> bytes:
        """A short document, in memory. Raises like `download`."""
        content = io.BytesIO()
        await self.download(url, what, compression, content)
        return content.getvalue()

    async def download(self, url: str, what: str, compression: str, into: BinaryIO) -> None:
        """Unpacks as it reads.

        Raises `Unavailable` when the address has expired, `SchemaDrift` for what only claims to be GZIP.
        """
        async with self._answer(what, httpx.Request("GET", url)) as response:
            if compression == "GZIP":
                with Gunzip(what, into) as unpacking:
                    await _copy(response, unpacking.write)
            else:
                await _copy(response, into.write)

    @asynccontextmanager
    async def _answer(self, what: str, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        try:
            response = await self._http.send(request, stream=True)
            try:
                if response.status_code >= 400:
                    raise Unavailable(f"amazon {what}: HTTP {response.status_code} from its storage")
                yield response
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            raise Unavailable(f"amazon {what}: {error!r}") from error


async def _copy(response: httpx.Response, write: Callable[[bytes], object]) -> None:
    async for chunk in response.aiter_bytes(CHUNK):
        write(chunk)
