"""
Can an instance be used, and if not, why not (G6): one step after the other, each with its cure.
"""

from __future__ import annotations

import socket
import ssl
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from . import errors
from .client import Client
from .tls import tls_context
from .wire import Reader, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from .models import Facts
    from .settings import InstanceSettings

SKEW_ALLOWED = 60.0
"""Seconds that clocks may differ before tokens are refused or renewed too late."""

STREAM_SECONDS = 3.0
EXPIRES_SOON_DAYS = 14


@attrs.frozen(kw_only=True)
class Step:
    """
    One thing that was tried.

    Attributes:
        name: A word for programs: ``dns``, ``connect``, ``tls``, ``version``, ``session``,
            ``list``, ``sync``, ``stream``, ``clock``.

        state: ``ok``, ``warning``, ``failed`` or ``skipped``.

        message: What was found.

        help: What to do. Empty when nothing has to be.
    """

    name: str
    state: str
    message: str
    help: str = ""


@attrs.frozen(kw_only=True)
class Diagnosis:
    """
    What was found of one instance.

    Attributes:
        instance: Its name.

        steps: In the order in which they were tried.
    """

    instance: str
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        """Say whether the instance can be used."""
        return all(step.state != "failed" for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """Give it JSON-shaped."""
        return {
            "instance": self.instance,
            "ok": self.ok,
            "steps": [attrs.asdict(step) for step in self.steps],
        }


def diagnose(instance: InstanceSettings, client: Client, now: Callable[[], datetime]) -> Diagnosis:
    """Try everything that the plugin needs of an instance; changes nothing there."""
    doctor = _Doctor(instance, client, now)
    doctor.examine()
    return Diagnosis(instance=instance.name, steps=tuple(doctor.steps))


class _Doctor:
    """Goes through the steps; what cannot be tried after a failure is skipped."""

    def __init__(
        self, instance: InstanceSettings, client: Client, now: Callable[[], datetime]
    ) -> None:
        self._instance = instance
        self._client = client
        self._now = now
        self._apps: tuple[Facts, ...] = ()
        self._own_namespace = instance.namespace or "argocd"
        self.steps: list[Step] = []

    def examine(self) -> None:
        """Try one thing after the other."""
        network = [("dns", self._dns), ("connect", self._connect), ("tls", self._tls)]
        if self._behind_proxy():
            words = "an HTTP proxy of the environment is used, so this is up to the proxy"
            self.steps += [Step(name=name, state="skipped", message=words) for name, _ in network]
            network = []
        service = [
            ("version", self._version),
            ("session", self._session),
            ("list", self._list),
            ("sync", self._sync),
            ("stream", self._stream),
            ("clock", self._clock),
        ]
        failed = ""
        for name, try_it in [*network, *service]:
            if failed:
                words = f"not tried, since {failed} failed"
                self.steps.append(Step(name=name, state="skipped", message=words))
                continue
            step = self._tried(name, try_it)
            self.steps.append(step)
            if step.state == "failed" and name not in {"sync", "stream"}:
                failed = name

    def _tried(self, name: str, try_it: Callable[[], Step]) -> Step:
        try:
            return try_it()
        except errors.ArgoCDError as error:
            return Step(name=name, state="failed", message=error.message, help=error.help)

    # --- the way there ---

    @property
    def _place(self) -> tuple[str, int]:
        parts = urlsplit(self._instance.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    def _behind_proxy(self) -> bool:
        scheme = urlsplit(self._instance.url).scheme
        host, _ = self._place
        return scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host)

    def _dns(self) -> Step:
        host, port = self._place
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise errors.Unreachable(f"the host name {host} cannot be resolved") from None
        addresses = sorted({str(entry[4][0]) for entry in found})
        return Step(name="dns", state="ok", message=f"{host} is {', '.join(addresses[:4])}")

    def _connect(self) -> Step:
        host, port = self._place
        try:
            socket.create_connection((host, port), self._instance.timeouts.connect).close()
        except TimeoutError:
            raise errors.TimedOut(f"nothing answers at port {port}: a firewall?") from None
        except OSError as problem:
            reason = problem.strerror or "network error"
            raise errors.Unreachable(f"no connection to port {port}: {reason}") from None
        return Step(name="connect", state="ok", message=f"port {port} is open")

    def _tls(self) -> Step:
        if not self._instance.url.startswith("https:"):
            return Step(
                name="tls",
                state="warning",
                message="the address is not https: whoever is in between can read the token",
                help="Use an https address, unless Argo CD is reached within one cluster.",
            )
        certificate, problem = self._handshake()
        if self._instance.insecure_skip_tls:
            return Step(
                name="tls",
                state="warning",
                message="the certificate is not checked (insecureSkipTLS)",
                help="Give the authority of the certificate as caBundle, and turn it off.",
            )
        if problem is not None:
            raise problem
        return self._judged(certificate)

    def _handshake(self) -> tuple[dict[str, Any], errors.ArgoCDError | None]:
        host, port = self._place
        context = tls_context(self._instance)
        try:
            with (
                socket.create_connection((host, port), self._instance.timeouts.connect) as plain,
                context.wrap_socket(plain, server_hostname=host) as secure,
            ):
                return dict(secure.getpeercert() or {}), None
        except ssl.SSLCertVerificationError as failure:
            return {}, errors.TLSFailed(f"the certificate is refused: {failure.verify_message}")
        except ssl.SSLError:
            return {}, errors.TLSFailed("the server does not speak TLS at this port")
        except OSError:
            return {}, errors.TLSFailed("the connection broke while TLS was agreed on")

    def _judged(self, certificate: dict[str, Any]) -> Step:
        names = [v for pairs in certificate.get("issuer", ()) for k, v in pairs if "Name" in k]
        issuer = names[-1] if names else "an unnamed authority"
        message = f"trusted; issued by {issuer}"
        with suppress(KeyError, ValueError):
            seconds = ssl.cert_time_to_seconds(certificate["notAfter"])
            left = datetime.fromtimestamp(seconds, UTC) - self._now()
            message += f", valid for {left.days} more days"
            if left.days < EXPIRES_SOON_DAYS:
                return Step(
                    name="tls",
                    state="warning",
                    message=message,
                    help="Have the certificate renewed before it expires.",
                )
        return Step(name="tls", state="ok", message=message)

    # --- what is there ---

    def _version(self) -> Step:
        version = self._client.version()
        if not version:
            return Step(
                name="version",
                state="warning",
                message="Argo CD does not say its version",
                help="It is treated like the oldest release that is supported, 2.8.",
            )
        return Step(name="version", state="ok", message=f"Argo CD {version[:80]}")

    def _session(self) -> Step:
        user = self._client.user()
        if user is None:
            raise errors.Unauthenticated("the credentials are not accepted")
        with suppress(errors.ArgoCDError):
            self._own_namespace = (
                self._instance.namespace or self._client.own_namespace() or "argocd"
            )
        return Step(name="session", state="ok", message=f"signed in as {user[:200]}")

    def _list(self) -> Step:
        reading = Reading(instance=self._instance.name, own_namespace=self._own_namespace)
        listing = Reader().listing(self._client.list_applications(), reading)
        self._apps = listing.apps
        if not self._apps and not listing.problems:
            return Step(
                name="list",
                state="warning",
                message="the list of applications is empty",
                help="Either there are none, or the credentials lack applications, get: Argo CD "
                "answers the same to both. project and selector restrict the list as well.",
            )
        projects = sorted({facts.project for facts in self._apps})
        message = f"{len(self._apps)} applications of projects {', '.join(projects[:10])}"
        if listing.problems:
            return Step(
                name="list",
                state="warning",
                message=f"{message}; {len(listing.problems)} cannot be read",
                help=listing.problems[0],
            )
        return Step(name="list", state="ok", message=message)

    def _sync(self) -> Step:
        if not self._apps:
            return Step(name="sync", state="skipped", message="there is no application to ask for")
        facts = self._apps[0]
        if self._client.can_sync(facts.key, facts.project, self._own_namespace):
            return Step(name="sync", state="ok", message=f"may sync {facts.key.name}")
        return Step(
            name="sync",
            state="warning",
            message=f"the credentials may not sync {facts.key.name}",
            help="Grant applications, sync in Argo CD's RBAC policy if people are to sync from "
            "the portal.",
        )

    def _stream(self) -> Step:
        if self._client.stream_opens(STREAM_SECONDS):
            return Step(name="stream", state="ok", message="the stream of changes opens")
        return Step(
            name="stream",
            state="warning",
            message=f"the stream of changes sent nothing within {STREAM_SECONDS:.0f} s",
            help="Without visible applications that is normal; else a proxy holds the stream back. "
            "Changes are then seen at the next sync only.",
        )

    def _clock(self) -> Step:
        skew = self._client.clock_skew
        if skew is None:
            return Step(name="clock", state="skipped", message="the server said no time")
        if abs(skew) <= SKEW_ALLOWED:
            return Step(name="clock", state="ok", message="the clocks agree")
        word = "ahead of" if skew > 0 else "behind"
        return Step(
            name="clock",
            state="warning",
            message=f"the server's clock is {abs(skew):.0f} s {word} ours",
            help="Have both set their clocks by NTP: tokens are refused when clocks differ.",
        )
