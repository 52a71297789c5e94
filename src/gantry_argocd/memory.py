"""
Memory that nobody uses any more.

A list of a thousand applications is a megabyte or two for a moment. glibc keeps what such moments
needed, for each thread that had one: with ten instances a third of what the applications need.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give it back to the system, where the C library does that only when it is told (glibc)."""
    with suppress(AttributeError, OSError, TypeError):  # another C library, another system
        ctypes.CDLL(None).malloc_trim(0)
