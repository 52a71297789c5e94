"""
What the reference host refuses, as one tree; each class is one HTTP status.

``str(error)`` is the ``error`` of the JSON body and the sentence on an HTML page, so it is always
safe to show. ``extra`` joins the body (``errors``, ``code``), ``headers`` the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gantry_argocd.errors import GantryArgoCDError


class HostError(GantryArgoCDError):
    """
    A request that the host does not carry out.

    Args:
        message: Safe to show.

        headers: Headers of the answer.

        extra: Further keys of the JSON body.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"

    def __init__(
        self, message: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.extra = extra

    def as_json(self) -> dict[str, Any]:
        """Give the body of a REST answer."""
        return super().as_json() | self.extra


class Invalid(HostError):
    """A parameter or a body is not what it must be."""


class NotSignedIn(HostError):
    """Nobody is signed in, or what they showed is not valid."""

    status = 401
    code = "unauthenticated"


class Denied(HostError):
    """Somebody is signed in, but of a lower role than is needed."""

    status = 403
    code = "role"


class Forged(HostError):
    """A form or a request did not come from our own pages."""

    status = 403
    code = "csrf"


class Missing(HostError):
    """There is no such thing."""

    status = 404
    code = "not_found"


class NotAllowed(HostError):
    """The path exists, but not with this method."""

    status = 405
    code = "method_not_allowed"


class Clash(HostError):
    """It cannot be done in the present state."""

    status = 409
    code = "conflict"


class Unavailable(Clash):
    """An action that is known, but not possible now."""


class TooLarge(HostError):
    """A body is longer than the host reads."""

    status = 413
    code = "too_large"


class WrongType(HostError):
    """A body came with another type than the route reads."""

    status = 415
    code = "content_type"


class TooMany(HostError):
    """Too many failed sign-ins."""

    status = 429
    code = "too_many"


class Broken(HostError):
    """The host or a plugin failed; what exactly is in the log."""

    status = 500
    code = "internal"


class NotTaken(Broken):
    """A plugin raised when it was handed a configuration; the former one stays in force."""

    code = "not_taken"

    def __init__(self) -> None:
        super().__init__("the plugin could not take the configuration into use")


class Busy(HostError):
    """Other writers were faster every time, or the database does not answer."""

    status = 503
    code = "busy"
