"""Local accounts: passwords, capabilities, and the lockout after repeated failures."""

from __future__ import annotations

import threading

import attrs

from .codes import CallFailed, Code
from .tokens import Clock

PASSWORD = "simulator"  # noqa: S105 -- the simulator's public demo password
FAILURE_LIMIT = 5
FAILURE_WINDOW_SECONDS = 300.0
_NAME_LIMIT_BYTES = 32


@attrs.frozen
class Account:
    """A local account of the simulated server."""

    name: str
    password: str = PASSWORD
    enabled: bool = True
    can_login: bool = True


@attrs.define
class _Failures:
    count: int = 0
    last: float = 0.0


def _built_in() -> dict[str, Account]:
    names = ("admin", "reader", "syncer", "paylead", "nobody")
    accounts = {name: Account(name) for name in names}
    accounts["apionly"] = Account("apionly", can_login=False)
    accounts["off"] = Account("off", enabled=False)
    return accounts


class Accounts:
    """The local accounts, and the memory of failed logins, which a restart clears."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts = _built_in()
        self._failures: dict[str, _Failures] = {}

    def put(self, account: Account) -> None:
        """Add *account*, or replace the one of its name."""
        with self._lock:
            self._accounts[account.name] = account

    def forget_failures(self) -> None:
        """Count failed logins from nought again, as a restart does."""
        with self._lock:
            self._failures.clear()

    def verify(self, username: str, password: str) -> Account:
        """Return the account if the login is right; raises CallFailed with Argo CD's texts."""
        if not username or not password:
            raise _refused("no credentials supplied")
        if len(username.encode()) > _NAME_LIMIT_BYTES:
            raise CallFailed(Code.INVALID_ARGUMENT, "Username is too long (32 bytes max)")
        with self._lock:
            account = self._accounts.get(username)
            if self._locked_out(username):
                # Deliberately the text of a wrong password, and not counted again.
                raise _refused("Invalid username or password")
            if account is None or account.password != password:
                self._count(username)
                raise _refused("Invalid username or password")
            self._failures.pop(username, None)
        if not account.enabled:
            raise _refused(f"Account {username} is disabled")
        if not account.can_login:
            raise _refused(f"Account {username} does not have login capability")
        return account

    def _locked_out(self, username: str) -> bool:
        failures = self._failures.get(username)
        if failures is None:
            return False
        if self._clock().timestamp() - failures.last >= FAILURE_WINDOW_SECONDS:
            del self._failures[username]
            return False
        return failures.count >= FAILURE_LIMIT

    def _count(self, username: str) -> None:
        failures = self._failures.setdefault(username, _Failures())
        failures.count += 1
        failures.last = self._clock().timestamp()


def _refused(message: str) -> CallFailed:
    return CallFailed(Code.UNAUTHENTICATED, message)
