"""Forms that are sent twice: by a double click, by going back, by a reload."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

REQUEST_FIELD = "request_id"
"""Form field with an id of its own for each time that a page with forms was shown."""

REMEMBERED = 1000
_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")

T = TypeVar("T")


class _Turn:
    """Whose turn it is, and how many want one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted = 0


class Once(Generic[T]):
    """
    Does something the first time, and gives the same answer every other time.

    Kept in memory, for the latest thousand. What was refused was not done, so it may be tried
    again; who came while the first was being tried then takes a turn of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, T] = OrderedDict()
        self._turns: dict[Hashable, _Turn] = {}

    def do(self, key: Hashable, act: Callable[[], T | None]) -> T | None:
        """Give the answer of an earlier time, or act; None is no answer, and not kept."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.wanted += 1
        try:
            with turn.lock:
                if key not in self._answers and (answer := act()) is not None:
                    with self._lock:
                        self._answers[key] = answer
                        while len(self._answers) > REMEMBERED:
                            self._answers.popitem(last=False)
                return self._answers.get(key)
        finally:
            with self._lock:
                turn.wanted -= 1
                if not turn.wanted:
                    del self._turns[key]


def request_id(text: str) -> str:
    """Give the id that a form was sent with; empty when it has none of ours."""
    return text if _ID.fullmatch(text) else ""
