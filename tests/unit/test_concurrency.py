"""Several calls at once: what comes together is given together, and nobody waits in vain."""

from __future__ import annotations

import threading

from gantry_argocd.concurrency import Pool


class Calls:
    """Two calls; the second ends when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def pool(self) -> Pool[str, str]:
        """Begin both."""
        return Pool({"first": lambda: "soon", "second": self._second}, limit=2, name="call")

    def _second(self) -> str:
        self.go.wait(10)
        return "later"


def test_what_is_about_to_come_is_waited_for() -> None:
    """Lists that are read at the same moment are written together."""
    calls = Calls()

    def about_to() -> bool:
        calls.go.set()
        return True

    assert list(calls.pool().batches(about_to, 10)) == [{"first": "soon", "second": "later"}]


def test_nobody_waits_for_one_that_is_slow() -> None:
    """The list of one instance is there at once, however long another takes to answer."""
    calls = Calls()
    batches = calls.pool().batches(lambda: False, 10)

    assert next(batches) == {"first": "soon"}
    calls.go.set()
    assert list(batches) == [{"second": "later"}]


def test_what_is_about_to_come_for_too_long_is_not_waited_for() -> None:
    """A huge list that takes its time to be read delays the others no longer than it may."""
    calls = Calls()
    batches = calls.pool().batches(lambda: True, 0.01)

    assert next(batches) == {"first": "soon"}
    calls.go.set()
    assert list(batches) == [{"second": "later"}]
