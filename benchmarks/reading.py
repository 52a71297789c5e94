"""People who read pages, as cheap to run as can be, so that it is not they who are measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from measuring import NotDone


class Reader:
    """One connection that is kept open, with the token of somebody who has signed in."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str
    ) -> None:
        self._reader, self._writer, self._head = reader, writer, head

    async def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """
        Send a request; give the body of the answer.

        Raises:
            NotDone: It was not 200 or 204.
        """
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{length}{self._head}\r\n".encode() + body)
        raw = await self._reader.readuntil(b"\r\n\r\n")
        size = 0
        for line in raw.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        content = await self._reader.readexactly(size)
        if raw.split(b" ", 2)[1] not in (b"200", b"204"):
            msg = f"{method} {path}: {raw[:40]!r} {content[:200]!r}"
            raise NotDone(msg)
        return content

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


@asynccontextmanager
async def connected(url: str, headers: Mapping[str, str]) -> AsyncIterator[Reader]:
    """Connect to a server."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**26)
    lines = {"Host": parts.netloc, **headers}
    made = Reader(reader, writer, "".join(f"{name}: {value}\r\n" for name, value in lines.items()))
    try:
        yield made
    finally:
        made.close()


async def read_until(
    ends: float, reader: Reader, choose: Callable[[], str], good: Callable[[bytes], bool]
) -> list[float]:
    """Read one page after the other; give the milliseconds that each took."""
    took = []
    while time.monotonic() < ends:
        path = choose()
        began = time.perf_counter()
        content = await reader.request("GET", path)
        took.append((time.perf_counter() - began) * 1000)
        if not good(content):
            msg = f"{path} is not the page that was wanted"
            raise NotDone(msg)
    return took
