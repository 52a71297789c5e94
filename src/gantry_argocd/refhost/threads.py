"""
Blocking calls of coroutines, in threads that never keep the process from ending.

The threads of asyncio and of anyio are joined when the interpreter ends, so one handler that
hangs in a plugin would hold up the end of the host for as long as it hangs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

MOST = 40
"""How many calls run at once; as many as anyio would allow."""

_T = TypeVar("_T")


class Threads:
    """Runs each call in a daemon thread of its own."""

    def __init__(self, name: str = "refhost-request", most: int = MOST) -> None:
        self._name = name
        self._free = asyncio.Semaphore(most)

    async def run(self, call: Callable[..., _T], *arguments: Any) -> _T:
        """Give what *call* gives. When it is cancelled, the call goes on and nobody listens."""
        async with self._free:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[_T] = loop.create_future()

            def work() -> None:
                try:
                    _tell(loop, future, call(*arguments), None)
                except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
                    _tell(loop, future, None, error)

            threading.Thread(target=work, name=self._name, daemon=True).start()
            return await future


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    result: Any,
    error: BaseException | None,
) -> None:
    def settle() -> None:
        if future.done():  # cancelled meanwhile
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        """The loop has ended; nobody listens any more."""
