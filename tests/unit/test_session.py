"""One sign-in for all who wait."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest

from gantry_argocd import errors
from gantry_argocd.client.session import LOCKOUT, Session, lifetime
from gantry_argocd.settings import Secret
from waiting import eventually


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


class Door:
    """A sign-in that waits until it is told what comes of it."""

    def __init__(self) -> None:
        self.asked = 0
        self.opened = threading.Event()
        self.outcome: Any = (Secret("one"), None)

    def __call__(self) -> tuple[Secret, float | None]:
        self.asked += 1
        assert self.opened.wait(5)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def ask(session: Session, door: Door, ends: float = 5) -> Any:
    """Give the token's text, or the error."""
    try:
        return session.token(door, ends).reveal()
    except Exception as error:  # noqa: BLE001
        return error


def together(session: Session, door: Door, callers: int = 8) -> list[Any]:
    """Let several ask at once, and give what each got."""
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(ask(session, door))) for _ in range(callers)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: door.asked)
    door.opened.set()
    for thread in threads:
        thread.join()
    return found


def jwt(**claims: Any) -> str:
    """Make a token with these claims."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJ.{part}.sig"


def test_everybody_who_waits_gets_the_one_token() -> None:
    """Many pages at once are one sign-in."""
    door = Door()

    assert together(Session(Clock()), door) == ["one"] * 8
    assert door.asked == 1


@pytest.mark.parametrize(
    "problem", [errors.TimedOut("late"), errors.LockedOut("refused"), KeyError("a bug")]
)
def test_everybody_who_waits_gets_the_one_error(problem: Exception) -> None:
    """A sign-in that hangs or fails does so once, and not for each who waits one after another."""
    session, door = Session(Clock()), Door()
    door.outcome = problem

    found = together(session, door)
    # Who came after the end may have asked anew, unless that would lock the account.
    assert door.asked <= 8
    assert {type(item) for item in found} == {type(problem)}
    assert sum(item is problem for item in found) > 1


def test_a_sign_in_that_failed_is_tried_again_by_the_next() -> None:
    """An outage of a moment is over when it is over."""
    session, door = Session(Clock()), Door()
    door.opened.set()
    door.outcome = errors.Unreachable("gone")
    assert isinstance(ask(session, door), errors.Unreachable)

    door.outcome = (Secret("two"), None)
    assert ask(session, door) == "two"


def test_nobody_waits_for_anothers_sign_in_longer_than_agreed() -> None:
    """A page with a time limit is drawn in time, whoever else is signing in."""
    session, door = Session(Clock()), Door()
    first = threading.Thread(target=ask, args=(session, door))
    first.start()
    eventually(lambda: door.asked)

    assert isinstance(ask(session, door, ends=0), errors.TimedOut)
    door.opened.set()
    first.join()


def test_a_refused_sign_in_is_not_repeated_before_the_lock_is_over() -> None:
    """An account is not kept locked by trying."""
    clock = Clock()
    session, door = Session(clock), Door()
    door.opened.set()
    door.outcome = errors.LockedOut("refused")
    ask(session, door)
    clock.passed = LOCKOUT - 1
    assert isinstance(ask(session, door), errors.LockedOut)
    assert door.asked == 1

    clock.passed = LOCKOUT
    ask(session, door)
    assert door.asked == 2


@pytest.mark.parametrize(
    ("seconds", "renewed"),
    [
        (86_400.0, 86_040.0),  # six minutes before: Argo CD mints one of its own in the last five
        (600.0, 480.0),
        (60.0, 48.0),  # and not at each call, although six minutes before is long over
    ],
)
def test_a_token_is_renewed_before_it_ends(seconds: float, renewed: float) -> None:
    """Nobody meets a session that has ended, and short sessions make no storm of sign-ins."""
    clock = Clock()
    session, door = Session(clock), Door()
    door.opened.set()
    door.outcome = (Secret("t"), seconds)
    for clock.passed in (0, 1, renewed - 1):
        ask(session, door)
    assert door.asked == 1

    clock.passed = renewed
    ask(session, door)
    assert door.asked == 2


def test_a_token_that_was_refused_is_forgotten_once() -> None:
    """Several who were refused with one token sign in anew once."""
    session, door = Session(Clock()), Door()
    door.opened.set()
    ask(session, door)
    door.outcome = (Secret("two"), None)
    session.forget(Secret("one"))
    assert ask(session, door) == "two"

    session.forget(Secret("one"))
    assert ask(session, door) == "two"
    assert door.asked == 2


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (jwt(exp=1100, iat=1000), 100.0),
        (jwt(exp=1100), None),
        (jwt(exp="soon", iat=1000), None),
        (jwt(exp=[], iat=1000), None),
        ("a.b.c", None),
        ("a", None),
        ("a.W10.c", None),  # []
        ("a.\u00e9.c", None),
    ],
)
def test_a_tokens_life_is_read_from_its_own_times(token: str, seconds: float | None) -> None:
    """No clock has to be right, and a token that says nothing is used until it is refused."""
    assert lifetime(token) == seconds
