"""Who is asking: session tokens, API keys, form tokens, and the brake on failed sign-ins."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import jwt
from itsdangerous import BadSignature, URLSafeSerializer

from gantry_argocd.hookspecs import Role, User
from gantry_argocd.refhost.accounts import KEY_PREFIX, Account, Accounts, lower
from gantry_argocd.refhost.moments import Clock
from gantry_argocd.refhost.problems import NotSignedIn, TooMany
from gantry_argocd.refhost.trail import Actor
from gantry_argocd.refhost.vault import Vault

COOKIE = "gantry_session"
LIFETIME = timedelta(hours=24)
ISSUER = "gantry"
_ALGORITHM = "HS256"


@attrs.frozen
class Principal:
    """
    Who is signed in.

    Attributes:
        account: Whose account it is.

        role: What is allowed: of the account, or what the API key leaves of it.

        actor: Name for ``createdBy`` and the audit trail.

        session: What form tokens are bound to.

        by_cookie: The browser sent the credentials by itself.
    """

    account: Account
    role: Role
    actor: str
    session: str = attrs.field(repr=False)
    by_cookie: bool = False

    @property
    def user(self) -> User:
        """The user as plugins see it."""
        return User(name=self.actor, role=self.role)

    def acting(self, source: str, address: str) -> Actor:
        """Give the author of a write."""
        return Actor(self.actor, self.account.id, source, address)


class Sessions:
    """
    Makes and reads session tokens.

    Args:
        accounts: Asked on every request, so that a deleted user or a changed role counts at once.

        vault: Where the signing secrets come from.

        clock: The present time.
    """

    def __init__(self, accounts: Accounts, vault: Vault, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._secret = vault.derive("jwt")
        self._forms = URLSafeSerializer(vault.derive("csrf"), salt="gantry.form")
        self._notes = URLSafeSerializer(vault.derive("notes"), salt="gantry.note")

    def issue(self, account: Account) -> str:
        """Make a token for 24 hours."""
        now = self._clock()
        claims = {
            "iss": ISSUER,
            "sub": account.id,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "jti": secrets.token_hex(8),
            "userId": account.id,
            "username": account.username,
            "role": account.role,
            "stamp": account.stamp,
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def identify(self, authorization: str | None, cookie: str | None) -> Principal:
        """
        Find out who asks. The header wins over the cookie.

        Raises:
            NotSignedIn: Nobody, or what was shown is not valid.
        """
        if authorization:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise NotSignedIn("invalid authorization header format")
            return self._bearer(token.strip(), by_cookie=False)
        if cookie:
            return self._bearer(cookie, by_cookie=True)
        raise NotSignedIn("missing authentication credentials")

    def form_token(self, subject: str) -> str:
        """Make the token that a form of *subject*'s session carries."""
        return str(self._forms.dumps(subject))

    def form_is_ours(self, token: str, subject: str) -> bool:
        """Say whether a form came from a page of this session."""
        try:
            told = self._forms.loads(token)
        except BadSignature:
            return False
        return isinstance(told, str) and hmac.compare_digest(told.encode(), subject.encode())

    def sign_note(self, note: Mapping[str, str]) -> str:
        """Sign a message that a redirect carries in a cookie."""
        return str(self._notes.dumps(dict(note)))

    def read_note(self, text: str) -> dict[str, str] | None:
        """Read what :meth:`sign_note` gave."""
        try:
            note = self._notes.loads(text)
        except BadSignature:
            return None
        return note if isinstance(note, dict) else None

    def _bearer(self, token: str, *, by_cookie: bool) -> Principal:
        if token.startswith(KEY_PREFIX):
            return self._by_key(token, by_cookie=by_cookie)
        claims = self._claims(token)
        account = self._accounts.by_id(str(claims.get("userId", "")))
        if account is None or not hmac.compare_digest(account.stamp, str(claims.get("stamp"))):
            raise NotSignedIn("invalid or expired token")
        return Principal(account, account.role, account.username, str(claims.get("jti")), by_cookie)

    def _by_key(self, token: str, *, by_cookie: bool) -> Principal:
        found = self._accounts.by_key(token)
        if found is None:
            raise NotSignedIn("invalid or revoked api key")
        account, key = found
        # A key was never more than its maker; nor is it when its maker has become less.
        role = lower(key["role"], account.role)
        return Principal(account, role, f"apikey:{key['name']}", key["id"], by_cookie)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                issuer=ISSUER,
                # The library would compare with the machine's clock instead of ours.
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]},
            )
        except jwt.PyJWTError:
            raise NotSignedIn("invalid or expired token") from None
        if int(claims["exp"]) <= self._clock().timestamp():
            raise NotSignedIn("invalid or expired token")
        return claims


class Brake:
    """
    Slows the guessing of passwords: so many failures in so long, for one user from one address.

    Kept in memory; forgotten with the process. An address has a larger allowance of its own, so
    that trying one password on many users is slowed as well.
    """

    ALLOWED = 5
    ALLOWED_FOR_ADDRESS = 50
    WINDOW = timedelta(minutes=5)
    REMEMBERED = 10_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], list[datetime]] = {}

    def check(self, username: str, address: str) -> None:
        """
        Let a sign-in pass.

        Raises:
            TooMany: Too many failed lately; says when the next is possible.
        """
        with self._lock:
            for key, allowed in self._keys(username, address):
                recent = self._recent(key)
                if len(recent) >= allowed:
                    wait = recent[-allowed] + self.WINDOW - self._clock()
                    seconds = max(1, int(wait.total_seconds()) + 1)
                    raise TooMany(
                        f"too many failed sign-ins, try again in {seconds} s",
                        headers={"Retry-After": str(seconds)},
                    )

    def failed(self, username: str, address: str) -> None:
        """Remember a failure."""
        with self._lock:
            if len(self._failures) >= self.REMEMBERED:
                self._forget()
            for key, _ in self._keys(username, address):
                self._failures[key] = [*self._recent(key), self._clock()]

    def succeeded(self, username: str, address: str) -> None:
        """Forget the failures of a user who has signed in."""
        with self._lock:
            self._failures.pop((username.lower(), address), None)

    def _keys(self, username: str, address: str) -> list[tuple[tuple[str, str], int]]:
        one = ((username.lower(), address), self.ALLOWED)
        return [one, (("", address), self.ALLOWED_FOR_ADDRESS)]

    def _recent(self, key: tuple[str, str]) -> list[datetime]:
        since = self._clock() - self.WINDOW
        return [moment for moment in self._failures.get(key, ()) if moment > since]

    def _forget(self) -> None:
        kept = {key: recent for key in self._failures if (recent := self._recent(key))}
        # Still too many: the oldest go, so that an attacker cannot fill the memory.
        newest = sorted(kept, key=lambda key: kept[key][-1])[-self.REMEMBERED // 2 :]
        self._failures = {key: kept[key] for key in newest}
