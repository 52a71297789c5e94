"""A form that is sent twice."""

from __future__ import annotations

import threading

import pytest

from gantry_argocd.refhost.once import REMEMBERED, Once, request_id


def test_a_second_time_gives_the_answer_of_the_first() -> None:
    """The same form is carried out once, another one by itself."""
    done: list[str] = []
    once: Once[str] = Once()

    def act(name: str) -> str:
        done.append(name)
        return f"{name} done"

    assert once.do("a", lambda: act("first")) == "first done"
    assert once.do("a", lambda: act("again")) == "first done"
    assert once.do("b", lambda: act("other")) == "other done"
    assert done == ["first", "other"]


def test_who_comes_meanwhile_waits_for_the_answer() -> None:
    """A double click waits for what the first click has begun, and hears the same."""
    begun, go_on = threading.Event(), threading.Event()
    once: Once[str] = Once()
    heard: list[str | None] = []

    def slow() -> str:
        begun.set()
        go_on.wait(10)
        return "done"

    def never() -> str:
        raise AssertionError

    first = threading.Thread(target=lambda: heard.append(once.do("a", slow)))
    first.start()
    assert begun.wait(10)
    second = threading.Thread(target=lambda: heard.append(once.do("a", never)))
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)

    assert heard == ["done", "done"]


def test_what_was_refused_may_be_tried_again() -> None:
    """A refusal did nothing, so the same form works when the reason is gone."""
    once: Once[str] = Once()

    def refuse() -> str:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        once.do("a", refuse)
    assert once.do("a", lambda: None) is None
    assert once.do("a", lambda: "done") == "done"


def test_the_memory_is_bounded() -> None:
    """Forms without end do not fill the memory; the oldest is forgotten first."""
    once: Once[int] = Once()
    for number in range(REMEMBERED + 1):
        once.do(number, lambda number=number: number)  # type: ignore[misc]

    assert once.do(0, lambda: -1) == -1
    assert once.do(REMEMBERED, lambda: -1) == REMEMBERED


@pytest.mark.parametrize("text", ["", "short", "x" * 65, "a b" * 8, "é" * 20, "../" * 8])
def test_only_ids_of_ours_count(text: str) -> None:
    """What no page of ours can have sent is taken for no id."""
    assert request_id(text) == ""
    assert request_id("A" * 22) == "A" * 22
