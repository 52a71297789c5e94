"""Tokens: signing and checking the JSON Web Tokens of local accounts and projects."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import datetime

import attrs

from .codes import CallFailed, Code
from .gojson import Json, encode

ISSUER = "argocd"
Clock = Callable[[], datetime]


@attrs.frozen
class Identity:
    """Who a request comes from; *subject* is the account or project role, as policies name it."""

    subject: str
    issued_at: int
    token_id: str
    expires_at: int | None = None
    is_login: bool = False


def bearer(headers: Mapping[str, str], cookies: Mapping[str, str]) -> str | None:
    """Return the token a request carries: metadata header, then bearer, then cookie.

    A value without three parts is ignored as if it were absent.
    """
    metadata = headers.get("grpc-metadata-token", "")
    if _looks_like_token(metadata):
        return metadata
    authorization = headers.get("authorization", "")
    if authorization.startswith("Bearer ") and _looks_like_token(authorization[7:]):
        return authorization[7:]
    cookie = _joined_cookie(cookies)
    return cookie if _looks_like_token(cookie) else None


def _looks_like_token(value: str) -> bool:
    return value.count(".") == 2


def _joined_cookie(cookies: Mapping[str, str]) -> str:
    first = cookies.get("argocd.token", "")
    count, colon, chunk = first.partition(":")
    if not colon or not count.isdigit():
        return first
    return chunk + "".join(cookies.get(f"argocd.token-{n}", "") for n in range(1, int(count)))


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


class Keyring:
    """Issues tokens under one signing key and says whose a token is."""

    def __init__(self, key: str, clock: Clock, texts: Mapping[str, str]) -> None:
        self._key = hashlib.sha256(key.encode()).digest()
        self._clock = clock
        self._texts = texts
        self._numbers = itertools.count()
        self._revoked: set[str] = set()

    def issue(
        self,
        subject: str,
        *,
        lifetime: float | None = None,
        capability: str = "apiKey",
        token_id: str | None = None,
    ) -> str:
        """Return a signed token; *lifetime* in seconds, negative for one already expired."""
        now = int(self._clock().timestamp())
        claims: Json = {"iss": ISSUER, "iat": now, "nbf": now}
        is_role = subject.startswith("proj:")
        claims["sub"] = subject if is_role else f"{subject}:{capability}"
        issued = f"{subject}{now}{next(self._numbers)}"  # so that no two are the same
        claims["jti"] = token_id or hashlib.sha256(issued.encode()).hexdigest()[:16]
        if lifetime is not None:
            claims["exp"] = int(now + lifetime)
            claims["iat"] = claims["nbf"] = min(now, claims["exp"])
        head = _encoded(encode({"alg": "HS256", "typ": "JWT"}))
        signed = f"{head}.{_encoded(encode(claims))}"
        return f"{signed}.{self._signature(signed)}"

    def revoke(self, token: str) -> None:
        """Refuse *token* from now on, as if it had been deleted from its account."""
        self._revoked.add(token)

    def identify(self, token: str) -> Identity:
        """Return whose *token* is; raises CallFailed with Argo CD's own texts."""
        head, body, signature = token.split(".")
        claims = self._claims(head, body)
        if claims.get("iss") != ISSUER:
            raise _invalid("SSO is not configured")
        if not hmac.compare_digest(signature, self._signature(f"{head}.{body}")):
            raise _invalid(self._texts["signature"])
        now = self._clock().timestamp()
        expires = claims.get("exp")
        if expires is not None and now >= expires:
            raise _invalid(self._texts["expired"])
        if claims.get("nbf", 0) > now + 1:
            raise _invalid(self._texts["early"])
        return self._identity(token, claims)

    def _identity(self, token: str, claims: Json) -> Identity:
        subject, _, capability = str(claims.get("sub", "")).rpartition(":")
        token_id = str(claims.get("jti", ""))
        if str(claims["sub"]).startswith("proj:"):
            subject, capability = str(claims["sub"]), "apiKey"
        if token in self._revoked:
            if subject.startswith("proj:"):
                _, project, role = subject.split(":")
                raise _invalid(
                    f"JWT token for role '{role}' issued at '{claims.get('iat')}' "
                    f"does not exist in project '{project}'"
                )
            raise _invalid(f"account {subject} does not have token with id {token_id}")
        return Identity(
            subject=subject,
            issued_at=int(claims.get("iat", 0)),
            token_id=token_id,
            expires_at=claims.get("exp"),
            is_login=capability == "login",
        )

    def _claims(self, head: str, body: str) -> Json:
        try:
            _decoded(head)
        except (binascii.Error, ValueError) as error:
            raise _invalid(self._texts["head"]) from error
        try:
            claims = json.loads(_decoded(body))
        except (binascii.Error, ValueError) as error:
            raise _invalid(self._texts["claims"]) from error
        return claims if isinstance(claims, dict) else {}

    def _signature(self, signed: str) -> str:
        return _encoded(hmac.new(self._key, signed.encode(), hashlib.sha256).digest())


def _invalid(reason: str) -> CallFailed:
    return CallFailed(Code.UNAUTHENTICATED, f"invalid session: {reason}")


def no_session() -> CallFailed:
    """Return the refusal of a request that brought no usable token."""
    return CallFailed(Code.UNAUTHENTICATED, "no session information")
