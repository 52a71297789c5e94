"""
What an answer means that is no success (``argocd-api.md`` sections 1, 5 and 6).

Decided by the gRPC code first, the HTTP status second, the text last. Argo CD's texts hold
subjects, RBAC objects and repository addresses, so they are looked at, but never handed on whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from .. import errors
from ..repositories import shorten
from .decoding import loads

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen(kw_only=True)
class Refusal:
    """
    An answer that is no success.

    Attributes:
        status: HTTP status.

        content_type: Empty when there is none.

        location: Where a redirect leads. Empty when it is none.

        asked: The address that was asked, to compare it with.

        body: As much of it as was read.

        doing: What was asked for, as a participle phrase: ``reading payment-api``.

        right: The right in Argo CD's RBAC that it needs: ``applications, sync``; ``applications,
            get`` for reading one application, ``applications, rollback`` for a rollback, though
            most servers want sync. Empty where a lack of rights is no refusal.
    """

    status: int
    content_type: str = ""
    location: str = ""
    asked: str = ""
    body: bytes = b""
    doing: str = "asking"
    right: str = ""


def explain(refusal: Refusal, instance: str) -> errors.ArgoCDError:
    """Turn an answer that is no success into an error of the tree."""
    if 300 <= refusal.status < 400 and refusal.location:
        return _redirected(refusal, instance)
    code, text = _grpc(refusal.body)
    if code is None:
        return _without_code(refusal, instance)
    by_code = _BY_CODE.get(code)
    if by_code is None:
        return errors.ServerFailed(
            f"Argo CD failed while {refusal.doing}: {shorten(text)}", instance=instance
        )
    return by_code(refusal, text, instance)


def _redirected(refusal: Refusal, instance: str) -> errors.NotArgoCD:
    try:
        there, here = urlsplit(refusal.location), urlsplit(refusal.asked)
        host, asked = there.hostname, here.hostname
    except ValueError:
        return errors.NotArgoCD("redirected to what is no address", instance=instance)
    if host == asked and (here.scheme, there.scheme) == ("http", "https"):
        return errors.WantsTLS("redirected to https, which the server wants", instance=instance)
    if not host or host == asked:
        return errors.NotArgoCD("redirected to another page of the same host", instance=instance)
    return errors.NotArgoCD(f"redirected to {shorten(host, 80)}", instance=instance)


def _grpc(body: bytes) -> tuple[int | None, str]:
    """Read the two error shapes: flat for calls, nested for streams, there after ``data:``."""
    try:
        data = loads(body.strip().removeprefix(b"data:"))
    except ValueError:
        return None, ""
    if not isinstance(data, dict):
        return None, ""
    nested = data.get("error")
    if isinstance(nested, dict):
        code, text = nested.get("grpc_code"), nested.get("message")
    else:
        code, text = data.get("code"), data.get("message", nested)
    return (code if type(code) is int else None), (text if isinstance(text, str) else "")


def _without_code(refusal: Refusal, instance: str) -> errors.ArgoCDError:
    status, what = refusal.status, refusal.content_type.partition(";")[0] or "no content type"
    if status == 200:  # a frame of a stream that says no more
        return errors.ServerFailed(f"Argo CD failed while {refusal.doing}", instance=instance)
    if status == 504 or status == 408:
        return errors.TimedOut(f"a proxy gave up while {refusal.doing}", instance=instance)
    if status == 429:
        return errors.Busy("too many requests", instance=instance)
    if status in {502, 503}:
        return errors.Unavailable(f"answered {status} while {refusal.doing}", instance=instance)
    if status >= 500:
        return errors.ServerFailed(f"answered {status} while {refusal.doing}", instance=instance)
    if status == 415:
        return errors.Rejected("a proxy changed the content type of a request", instance=instance)
    if status == 407:
        return errors.ProxyFailed("an HTTP proxy wants credentials (407)", instance=instance)
    if "html" in what or status in {401, 403}:
        return errors.NotArgoCD(
            f"answered {status} with {shorten(what, 80)}, not as Argo CD would", instance=instance
        )
    return errors.NotArgoCD(
        f"has no Argo CD API at this address (answered {status})", instance=instance
    )


_CAUSES = (
    ("expired", "the token has expired"),
    ("not valid yet", "the token is not valid yet: a clock is wrong"),
    ("no session information", "Argo CD sees no token: it is none, or a proxy took it away"),
    ("signature is invalid", "the token was made by another server, or its key has changed"),
    ("is revoked", "the token is revoked"),
    ("does not have token with id", "the token was deleted in Argo CD"),
    ("does not exist in project", "the token was deleted in Argo CD's project"),
    ("password has changed", "the account's password has changed since the token was made"),
    ("is disabled", "the account is disabled in Argo CD"),
    ("capability", "the account lacks the capability in Argo CD: apiKey for tokens, else login"),
)
"""What is to be found in Argo CD's words, and what it means; only told, nothing depends on it."""


def _unauthenticated(_: Refusal, text: str, instance: str) -> errors.ArgoCDError:
    told = next((meaning for words, meaning in _CAUSES if words in text), errors.NOT_ACCEPTED)
    return errors.Unauthenticated(told, instance=instance)


_RIGHT = re.compile(r"permission denied: (applications, (?:get|sync|override|rollback)),")

_NEEDS = {
    "applications, get": "applications, get",
    "applications, sync": "applications, get and applications, sync",
    "applications, rollback": (
        "applications, get and applications, sync; from 3.6 on applications, rollback, where "
        "server.rbac.rollback.enforce.enable is set"
    ),
}
"""What has to be granted for a right that is asked for together with the application itself."""


def _forbidden(refusal: Refusal, text: str, instance: str) -> errors.ArgoCDError:
    if text.startswith("cannot sync: invalid sync window"):
        return errors.Blocked("a sync window of the project is not valid", instance=instance)
    if text.startswith("cannot sync:"):
        return errors.Blocked("a sync window forbids syncing now", instance=instance)
    # Only this form says which right it is; what follows names subject and object.
    if told := _RIGHT.match(text):
        lacks = f"the token lacks {told[1]}"
        return errors.Forbidden(f"{refusal.doing} is not permitted: {lacks}", instance=instance)
    if needs := _NEEDS.get(refusal.right):
        return errors.Forbidden(
            f"{refusal.doing} is not permitted, or the application is missing or cannot be read "
            f"now: Argo CD answers the same to all three (needs {needs})",
            instance=instance,
        )
    lack = f": the token lacks {refusal.right}" if refusal.right else ""
    return errors.Forbidden(f"{refusal.doing} is not permitted{lack}", instance=instance)


def _not_found(refusal: Refusal, _: str, instance: str) -> errors.ArgoCDError:
    return errors.NotFound(f"{refusal.doing}: there is no such application", instance=instance)


def _precondition(refusal: Refusal, text: str, instance: str) -> errors.ArgoCDError:
    if "another operation is already in progress" in text:
        return errors.OperationRunning(
            "another operation is already in progress", instance=instance
        )
    if "auto-sync currently set to" in text:
        return errors.Conflict(
            "another revision cannot be deployed while Argo CD syncs the application by itself: "
            "turn auto-sync off first, or change the target revision",
            instance=instance,
        )
    if "rollback cannot be initiated when auto-sync is enabled" in text:
        return errors.Conflict(errors.ROLLBACK_UNDER_AUTO_SYNC, instance=instance)
    if "application is deleting" in text:
        return errors.Conflict("the application is being deleted", instance=instance)
    if "revision deployed with Argo CD v0.11" in text:
        # Of several sources releases before 2.12 cannot roll back, and they give this reason.
        return errors.Conflict(
            "this release of Argo CD cannot deploy that entry of the history again; with several "
            "sources 2.12 and later can: sync to the revisions instead",
            instance=instance,
        )
    if "code = Unavailable" in text:
        # Nothing was begun, so this is a refusal and no failure of unknown outcome.
        return errors.Conflict(
            f"{refusal.doing}: Argo CD's repo-server does not answer, so the revision cannot be "
            "found; try again when it does",
            instance=instance,
        )
    return errors.Rejected(f"{refusal.doing}: {shorten(text)}", instance=instance)


def _invalid(refusal: Refusal, text: str, instance: str) -> errors.ArgoCDError:
    if "No operation is in progress" in text:
        return errors.Conflict("no operation is in progress", instance=instance)
    if "is not allowed in project" in text:
        return errors.Rejected(
            f"{refusal.doing}: its project does not exist or does not allow its namespace",
            instance=instance,
        )
    return errors.Rejected(f"{refusal.doing}: {shorten(text)}", instance=instance)


def _conflict(refusal: Refusal, _: str, instance: str) -> errors.ArgoCDError:
    return errors.Conflict(
        f"{refusal.doing}: the application was changed at the same time; try again",
        instance=instance,
    )


def _too_much(_: Refusal, text: str, instance: str) -> errors.ArgoCDError:
    if "larger than max" in text:
        return errors.TooLarge(
            "the answer is larger than Argo CD allows itself: restrict the instance to a project "
            "or a selector, or raise ARGOCD_GRPC_MAX_SIZE_MB on the server",
            instance=instance,
        )
    return errors.Busy("too many requests", instance=instance)


def _timed_out(refusal: Refusal, _: str, instance: str) -> errors.ArgoCDError:
    return errors.TimedOut(f"Argo CD gave up while {refusal.doing}", instance=instance)


def _unavailable(refusal: Refusal, _: str, instance: str) -> errors.ArgoCDError:
    return errors.Unavailable(
        f"a part of Argo CD is not available while {refusal.doing}", instance=instance
    )


_BY_CODE: dict[int, Callable[[Refusal, str, str], errors.ArgoCDError]] = {
    1: _timed_out,
    3: _invalid,
    4: _timed_out,
    5: _not_found,
    6: _conflict,
    7: _forbidden,
    8: _too_much,
    9: _precondition,
    10: _conflict,
    14: _unavailable,
    16: _unauthenticated,
}
