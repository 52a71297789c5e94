"""What lists needed for a moment goes back to the system."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from gantry_argocd import memory

HOLES = 60_000


def resident() -> int:
    """Give the memory of this process in bytes."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="no glibc")
def test_what_was_needed_for_a_moment_is_given_back() -> None:
    """A host is as small after a large list as before it, not as large as it has ever been."""
    for_a_moment = [bytes(1000) for _ in range(HOLES)]
    kept = for_a_moment[:: HOLES // 100]
    del for_a_moment
    before = resident()

    memory.give_back()

    assert resident() < before - HOLES * 1000 / 2
    assert len(kept) >= 100
