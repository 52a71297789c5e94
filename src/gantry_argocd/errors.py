"""
What can go wrong between the plugin and an Argo CD server, as one tree.

::

    ArgoCDError                 502  anything below
    ├── Unreachable             502  no connection: refused, DNS, reset, proxy
    │   └── TLSFailed           502  the connection is there, the certificate is not trusted
    ├── TimedOut                504  no answer in time
    ├── NotArgoCD               502  an answer, but not one of Argo CD's API (a login page, HTML)
    ├── Malformed               502  Argo CD's answer cannot be understood
    ├── ServerFailed            502  Argo CD answered 5xx or 429
    │   └── TooLarge            502  the list is larger than Argo CD hands on
    ├── Unauthenticated         502  our credentials are not accepted
    │   ├── SecretMissing       502  a secret that is kept elsewhere is not there
    │   └── LockedOut           502  Argo CD refuses sign-ins for a while, or the password is wrong
    ├── Forbidden               403  our credentials may not do this
    ├── NotFound                404  no such application
    ├── Conflict                409  it cannot be done now
    │   ├── OperationRunning    409  another operation is in progress
    │   └── Blocked             409  a sync window is closed
    └── Rejected                400  Argo CD refuses the request itself

    RequestError                     a caller of ours asked for something that cannot be
    ├── UnknownInstance         404
    ├── UnknownApp              404
    ├── UnknownEntity           404
    ├── NotOfEntity             404  the application is another entity's
    ├── RoleTooLow              403  of Gantry, not of Argo CD
    ├── PolicyForbids           403  the configuration leaves it to others
    ├── AmbiguousApp            409  carries the candidates
    ├── BadRequest              400
    ├── WrongContentType        415
    └── NotReady                400  the plugin is disabled or has no instance

Every error is a value that is safe to show: its text holds no credential, no subject and no
upstream body. ``status`` is the HTTP status of our own REST answer (``gantry-host.md`` section 4,
column "proposed"), ``code`` a stable word for programs, ``help`` one sentence that says what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class GantryArgoCDError(Exception):
    """
    Base of every error that this package raises on purpose.

    Attributes:
        status: HTTP status of a REST answer about this error.

        code: A stable word for programs; never changes between releases.

        help: What the reader can do about it, one or two sentences.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    help: ClassVar[str] = ""

    def as_json(self) -> dict[str, Any]:
        """Give the body of a REST answer about this error."""
        body: dict[str, Any] = {"error": str(self), "code": self.code}
        if self.help:
            body["help"] = self.help
        return body


class ArgoCDError(GantryArgoCDError):
    """
    An Argo CD server could not do what was asked.

    Args:
        message: Safe to show.

        instance: Name of the configured instance. Empty when none is involved.

        transient: The same request may well be answered in a moment.

        retry_after: Seconds that the server asks to wait. None when it does not.
    """

    status = 502
    code = "argocd_failed"

    def __init__(
        self,
        message: str,
        *,
        instance: str = "",
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.instance = instance
        self.transient = transient
        self.retry_after = retry_after

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.instance}: {text}" if self.instance else text

    @property
    def message(self) -> str:
        """The text without the name of the instance."""
        return super().__str__()

    def as_json(self) -> dict[str, Any]:
        """Give the body of a REST answer, with the instance it is about."""
        return super().as_json() | ({"instance": self.instance} if self.instance else {})


class Unreachable(ArgoCDError):
    """No connection could be made, or it broke before an answer came."""

    code = "unreachable"
    help = (
        "Check that argocdUrl is right and that this host can reach it: name resolution, "
        "firewall, proxy, port."
    )


class UnknownHost(Unreachable):
    """The host name of argocdUrl has no address here."""

    help = (
        "Check the host name in argocdUrl, and how this host resolves names: a name of a cluster "
        "or a company is known only there."
    )


class Refused(Unreachable):
    """The host is there, but nothing listens at the port."""

    help = (
        "Check the port of argocdUrl, and that argocd-server runs: its pods, its Service, and "
        "the ingress before it."
    )


class Broken(Unreachable):
    """The connection was made, and closed before the answer ended."""

    help = (
        "Argo CD, or a proxy before it, closed the connection: look into their logs for a "
        "restart, a crash, or a limit of time or size."
    )


class ProxyFailed(Unreachable):
    """The HTTP proxy that this process is to use does not let the request through."""

    help = (
        "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of this process, and the user name and "
        "password in them."
    )


class TLSFailed(Unreachable):
    """The server's certificate is not accepted, or TLS could not be agreed on."""

    code = "tls"
    help = (
        "Look at what the server says for itself: openssl s_client -connect HOST:PORT "
        "-servername HOST."
    )


class UnknownAuthority(TLSFailed):
    """The certificate was signed by nobody that is trusted here, or by itself."""

    help = (
        "Give the authority of the server's certificate, or the certificate itself if it is "
        "self-signed, as caBundle. insecureSkipTLS turns the check off."
    )


class OutOfDate(TLSFailed):
    """The certificate has expired, or is not valid yet."""

    help = "Have the server's certificate renewed, and check the clocks of both sides."


class WrongName(TLSFailed):
    """The certificate was made for another name than that in argocdUrl."""

    help = (
        "Give argocdUrl the name that the certificate was made for, or have a certificate made "
        "for this name."
    )


class WhoAreYou(TLSFailed):
    """The server, or a proxy before it, asks for a client certificate that it knows."""

    help = (
        "Give the instance a clientCertificate and clientKey of an authority that the server "
        "trusts."
    )


class NoTLS(TLSFailed):
    """What listens at the port does not speak TLS."""

    help = "Let argocdUrl name the port that speaks TLS, or begin with http:// if none does."


class TimedOut(ArgoCDError):
    """No answer came in time. The request may have been carried out all the same."""

    status = 504
    code = "timeout"
    help = (
        "Argo CD is slow or unreachable. Try again; if it stays so, raise the instance's timeout."
    )


class NotArgoCD(ArgoCDError):
    """Something answered that is not Argo CD's API: a sign-in page, a proxy, a web site."""

    code = "not_argocd"
    help = (
        "A sign-in page or a proxy stands in front, or argocdUrl lacks a root path. Argo CD's "
        "API must be reachable without an interactive sign-in."
    )


class WantsTLS(NotArgoCD):
    """The address begins with http://, but the server speaks TLS."""

    help = "Let argocdUrl begin with https://."


class NotHTTP(NotArgoCD):
    """What listens at the port does not keep to HTTP."""

    help = "Check the port of argocdUrl: something else than Argo CD answers there."


class Malformed(ArgoCDError):
    """Argo CD answered something that this client cannot understand."""

    code = "malformed"
    help = "The answer was cut short or comes from an unsupported release of Argo CD."


class Oversized(Malformed):
    """The answer is larger than anything that Argo CD sends."""

    help = (
        "Restrict the instance to a project or a selector if it is the list; else see what "
        "answers at argocdUrl."
    )


class ServerFailed(ArgoCDError):
    """Argo CD, or a proxy before it, answered with a failure of its own."""

    code = "argocd_error"
    help = "Look at the logs of argocd-server; the failure is on that side."


class Unavailable(ServerFailed):
    """A proxy answered that there is no Argo CD behind it, or a part of Argo CD is missing."""

    help = (
        "Check that the pods of argocd-server, argocd-repo-server and the application controller "
        "run and are ready."
    )


class Busy(ServerFailed):
    """Argo CD, or a proxy before it, limits how often it may be asked."""

    help = (
        "Raise that limit for this host, or ask less often: a longer syncInterval, fewer "
        "instances on one server."
    )


class TooLarge(ServerFailed):
    """The list is larger than Argo CD allows its own parts to hand on."""

    help = "Restrict the instance to a project, or raise ARGOCD_GRPC_MAX_SIZE_MB on the server."


class Unauthenticated(ArgoCDError):
    """Argo CD does not accept the configured credentials."""

    code = "unauthenticated"
    help = "The token is wrong, expired or revoked: give the instance a new one."


NOT_ACCEPTED = "the credentials are not accepted"
"""Where Argo CD does not say why."""


class SecretMissing(Unauthenticated):
    """A secret that the configuration only refers to cannot be read."""

    code = "secret_missing"
    help = (
        "Set the environment variable, or mount the file, that env: or file: of the instance "
        "names; this process must be able to read it."
    )


class LockedOut(Unauthenticated):
    """A sign-in with user name and password failed."""

    code = "login_refused"
    help = (
        "User name or password is wrong, or Argo CD has locked the account for five minutes "
        "after failed sign-ins: both look the same."
    )


class Forbidden(ArgoCDError):
    """
    The configured credentials may not do this.

    For reading one application this says nothing about whether it exists: Argo CD answers 403
    for a missing one as well (``argocd-api.md`` section 5).
    """

    status = 403
    code = "argocd_forbidden"
    help = "Grant the right to the account or project role of the token in Argo CD's RBAC policy."


class NotFound(ArgoCDError):
    """The application does not exist."""

    status = 404
    code = "not_found"
    help = "It may have been deleted or renamed; the next sync of the catalogue will show it."


class Conflict(ArgoCDError):
    """The request is valid, but not in the present state of the application."""

    status = 409
    code = "conflict"
    help = "Look at the application's present state, and try again when it has changed."


ROLLBACK_UNDER_AUTO_SYNC = (
    "a rollback is not possible while Argo CD syncs the application by itself: turn auto-sync off "
    "first, or revert in Git"
)


class OperationRunning(Conflict):
    """Another operation of this application is in progress."""

    code = "running"
    help = "Wait until it has ended, or terminate it."


class Blocked(Conflict):
    """A sync window forbids a manual sync now."""

    code = "blocked"
    help = "Wait until the window ends, or have the project's sync windows changed."


class Rejected(ArgoCDError):
    """Argo CD refused the request as such."""

    status = 400
    code = "rejected"
    help = "The text says what Argo CD, or a proxy before it, does not take; trying again is vain."


class RequestError(GantryArgoCDError):
    """Somebody asked the plugin for something that cannot be."""

    status = 400
    code = "bad_request"


class BadRequest(RequestError):
    """A parameter or a body is not what it must be."""


class WrongContentType(RequestError):
    """A body came with another type than JSON."""

    status = 415
    code = "content_type"


class NotReady(RequestError):
    """The plugin is disabled or has no instance."""

    code = "not_ready"


class UnknownInstance(RequestError):
    """No configured instance has that name."""

    status = 404
    code = "unknown_instance"


class UnknownApp(RequestError):
    """No instance's answer holds an application of that name."""

    status = 404
    code = "unknown_app"


class UnknownEntity(RequestError):
    """The catalogue has no such entity, and no application wants it."""

    status = 404
    code = "unknown_entity"


class NotOfEntity(RequestError):
    """The entity that was named has no such application."""

    status = 404
    code = "not_of_entity"


class RoleTooLow(RequestError):
    """The Gantry role of the person does not allow it."""

    status = 403
    code = "role"


class PolicyForbids(RequestError):
    """The plugin's configuration leaves the action to other people."""

    status = 403
    code = "policy"
    help = "The rules are under policy in the plugin's configuration."


class AmbiguousApp(RequestError):
    """A short name stands for several applications."""

    status = 409
    code = "ambiguous"

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)

    def as_json(self) -> dict[str, Any]:
        """Give the body of a REST answer, with the candidates."""
        return super().as_json() | {"candidates": list(self.candidates)}
