"""Amazon's storage of documents: signed addresses that live for five minutes and want no token."""

from __future__ import annotations

import gzip
import zlib

import httpx

from connectors.errors import SchemaDrift, Unavailable
from connectors.http import TIMEOUT


class Storage:
    """Neither reading nor uploading has an effect of its own, so whatever goes wrong may be tried again."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(timeout=TIMEOUT, transport=transport)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def upload(self, url: str, content: bytes, content_type: str) -> None:
        """The content type has to be the one that the address was signed for."""
        await self._send("upload", httpx.Request("PUT", url, content=content, headers={"Content-Type": content_type}))

    async def download(self, url: str, what: str, compression: str) -> bytes:
        """Raises `Unavailable` when the address has expired, `SchemaDrift` for what only claims to be GZIP."""
        content = await self._send(what, httpx.Request("GET", url))
        if compression != "GZIP":
            return content
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            remedy = "The document is said to be GZIP, and is not: download it again."
            raise SchemaDrift("wrong_type", what, content[:40], remedy) from None

    async def _send(self, what: str, request: httpx.Request) -> bytes:
        try:
            response = await self._http.send(request)
        except httpx.RequestError as error:
            raise Unavailable(f"amazon {what}: {error!r}") from error
        if response.status_code >= 400:
            raise Unavailable(f"amazon {what}: HTTP {response.status_code} from its storage")
        return response.content
