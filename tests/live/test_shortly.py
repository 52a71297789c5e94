"""Applications in full: fetched once, kept shortly, never older than a change that was told."""

from __future__ import annotations

import threading

from gantry_argocd.shortly import Shortly
from waiting import eventually


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


class Source:
    """Where values come from, one after the other."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> str:
        self.asked += 1
        number = self.asked
        self.gate.wait(10)
        return f"value {number}"


def kept(clock: Clock | None = None) -> Shortly[str, str]:
    """Make what keeps values for five seconds."""
    return Shortly(
        lambda _: 5.0, monotonic=clock or Clock(), keep=lambda text: text != "bad", most=20
    )


def test_what_was_read_a_moment_ago_is_shown_again() -> None:
    """A second look within seconds costs Argo CD nothing; a later one is fresh."""
    clock, source = Clock(), Source()
    values = kept(clock)
    assert values.get("pay", source) == "value 1"
    clock.time = 4.9
    assert values.get("pay", source) == "value 1"
    clock.time = 5.0
    assert values.get("pay", source) == "value 2"


def test_what_is_kept_needs_no_thread() -> None:
    """A page of known applications waits for nothing, and costs no thread; the rest is fetched."""
    clock, source, names = Clock(), Source(), set[str]()
    values = kept(clock)
    values.get("pay", source)

    def fetch() -> str:
        names.add(threading.current_thread().name)
        return source()

    known = values.begin({"pay": fetch}, limit=3, name="reader").results(0)
    assert (known, names) == ({"pay": "value 1"}, set())
    both = values.begin({"pay": fetch, "cart": fetch}, limit=3, name="reader").results(10)
    assert (both, names) == ({"pay": "value 1", "cart": "value 2"}, {"reader-0"})
    clock.time = 5.0
    fresh = values.begin({"pay": fetch}, limit=3, name="reader").results(10)
    assert fresh == {"pay": "value 3"}


def test_many_who_ask_at_once_cost_one_request() -> None:
    """A page that a whole team opens at once is one GET."""
    source, values, found = Source(), kept(), []
    source.gate.clear()
    readers = [
        threading.Thread(target=lambda: found.append(values.get("pay", source))) for _ in range(20)
    ]
    for reader in readers:
        reader.start()
    eventually(lambda: source.asked)
    source.gate.set()
    for reader in readers:
        reader.join(10)
    assert found == ["value 1"] * 20
    assert source.asked == 1


def test_a_change_makes_what_was_read_old() -> None:
    """What changed is read again, even if it was on its way when the change was told."""
    source, values = Source(), kept()
    values.get("pay", source)
    values.forget("pay")
    source.gate.clear()
    reader = threading.Thread(target=lambda: values.get("pay", source))
    reader.start()
    eventually(lambda: source.asked == 2)
    values.forget("pay")
    source.gate.set()
    reader.join(10)
    assert values.get("pay", source) == "value 3"


def test_a_failure_is_not_kept() -> None:
    """The next look may well succeed."""
    values, source = kept(), Source()
    assert values.get("pay", lambda: "bad") == "bad"
    assert values.get("pay", source) == "value 1"


def test_an_exception_reaches_who_fetched_and_harms_nobody_else() -> None:
    """Whoever waited for a fetch that broke fetches itself."""
    values, source = kept(), Source()
    started, go = threading.Event(), threading.Event()

    def broken() -> str:
        started.set()
        go.wait(10)
        raise OSError

    def first() -> None:
        try:
            values.get("pay", broken)
        except OSError:
            found.append("broke")

    found: list[str] = []
    one = threading.Thread(target=first)
    one.start()
    assert started.wait(10)
    two = threading.Thread(target=lambda: found.append(values.get("pay", source)))
    two.start()
    go.set()
    one.join(10)
    two.join(10)
    assert sorted(found) == ["broke", "value 1"]


def test_what_is_kept_has_a_bound() -> None:
    """Opening thousands of applications does not fill the memory."""
    values = kept()
    for number in range(30):
        values.get(str(number), Source())
    assert len(values._values) == 20
