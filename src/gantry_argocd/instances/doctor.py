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

from .. import errors
from ..client.calls import Client
from ..client.tls import tls_context, tls_failure
from ..refs import AppKey
from ..repositories import shorten
from ..wire import Reader, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..models import Facts
    from ..settings import InstanceSettings

SKEW_ALLOWED = 60.0
"""Seconds that clocks may differ before tokens are refused or renewed too late."""

STREAM_SECONDS = 3.0
EXPIRES_SOON_DAYS = 14
PROJECTS_ASKED = 10
"""Projects for which it is asked whether the credentials may sync."""

STEPS = {
    "dns": "the host name of argocdUrl has an address",
    "connect": "a connection to its port can be made",
    "tls": "TLS can be agreed on, and the certificate is trusted, of that name, and in date",
    "version": "Argo CD's API answers there, and says of which release it is",
    "session": "the credentials are accepted; it says whose they are",
    "list": "the applications can be listed; it says how many, and in which projects",
    "sync": "the credentials may sync an application of each project",
    "stream": "the stream of changes opens",
    "clock": "the server's clock agrees with ours",
}
"""What is tried, in this order."""

ADVICE = {
    "plain": "Use an https address, unless Argo CD is reached within one cluster.",
    "unchecked": "Give the authority of the certificate as caBundle, and turn insecureSkipTLS off.",
    "expires": "Have the certificate renewed before it expires.",
    "nameless": "It is treated like the oldest release that is supported, 2.8.",
    "empty": (
        "Either there are none, or the credentials lack applications, get: Argo CD answers the "
        "same to both. project and selector restrict the list as well."
    ),
    "unreadable": (
        "Compare the application with what the message names; the others are discovered all the "
        "same. Please report it if Argo CD itself shows the application well."
    ),
    "read-only": (
        "Grant applications, sync in Argo CD's RBAC policy if people are to sync from the portal."
    ),
    "silent": (
        "Without visible applications that is normal; else a proxy holds the stream back: turn "
        "off its buffering. Changes are then seen at the next sync only."
    ),
    "clocks": "Have both set their clocks by NTP: tokens are refused when clocks differ.",
}
"""What to do about what is no failure."""


@attrs.frozen(kw_only=True)
class Step:
    """
    One thing that was tried.

    Attributes:
        name: A word for programs: one of STEPS.

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


@attrs.frozen
class _Found:
    """What a step found, good or of some concern."""

    message: str
    advice: str = ""
    skipped: bool = False


def _place_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _proxy_for(url: str) -> tuple[str, int] | None:
    """Give the place of the proxy that the environment names for *url*; None for none."""
    proxies, host = urllib.request.getproxies(), _place_of(url)[0]
    address = proxies.get(urlsplit(url).scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(host):
        return None
    try:
        return _place_of(address if "://" in address else f"http://{address}")
    except ValueError:
        return "", 0


def _resolved(host: str, port: int) -> _Found:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise errors.UnknownHost(f"the host name {host} cannot be resolved") from None
    addresses = sorted({str(entry[4][0]) for entry in found})
    return _Found(f"{host} is {', '.join(addresses[:4])}")


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
        self._place = _place_of(instance.url)
        self._proxy = _proxy_for(instance.url)
        self.steps: list[Step] = []

    def examine(self) -> None:
        """Try one thing after the other."""
        failed = ""
        for name in STEPS:
            # Clocks can be the very reason of a failure.
            if failed and name != "clock":
                words = f"not tried, since {failed} failed"
                self.steps.append(Step(name=name, state="skipped", message=words))
                continue
            step = self._tried(name)
            self.steps.append(step)
            if step.state == "failed" and name not in {"sync", "stream"}:
                failed = name

    def _tried(self, name: str) -> Step:
        attempt: Callable[[], _Found] = getattr(self, f"_{name}")
        try:
            found = attempt()
        except errors.ArgoCDError as error:
            # What Argo CD and certificates say of themselves ends in a terminal.
            return Step(name=name, state="failed", message=shorten(error.message), help=error.help)
        state = "skipped" if found.skipped else "warning" if found.advice else "ok"
        advice = ADVICE[found.advice] if found.advice else ""
        return Step(name=name, state=state, message=shorten(found.message), help=advice)

    # --- the way there ---

    def _dns(self) -> _Found:
        if self._proxy is None:
            return _resolved(*self._place)
        try:
            return _Found(f"{_resolved(*self._proxy).message}, the HTTP proxy of the environment")
        except errors.UnknownHost as error:
            raise errors.ProxyFailed(f"the HTTP proxy: {error.message}") from None

    def _connect(self) -> _Found:
        if self._proxy is None:
            self._connected(*self._place).close()
            return _Found(f"port {self._place[1]} is open")
        try:
            self._connected(*self._proxy).close()
        except errors.ArgoCDError as error:
            raise errors.ProxyFailed(f"the HTTP proxy: {error.message}") from None
        return _Found(f"port {self._proxy[1]} of the HTTP proxy is open")

    def _connected(self, host: str, port: int) -> socket.socket:
        try:
            return socket.create_connection((host, port), self._instance.timeouts.connect)
        except TimeoutError:
            raise errors.TimedOut(f"nothing answers at port {port}: a firewall?") from None
        except ConnectionRefusedError:
            raise errors.Refused(f"no connection to port {port}: connection refused") from None
        except OSError as problem:
            reason = problem.strerror or "network error"
            raise errors.Unreachable(f"no connection to port {port}: {reason}") from None

    def _tls(self) -> _Found:
        if not self._instance.url.startswith("https:"):
            return _Found(
                "the address is not https: whoever is in between can read the token", "plain"
            )
        if self._proxy is not None:
            return _Found("an HTTP proxy is used, so this is between it and us", skipped=True)
        certificate = self._handshake(tls_context(self._instance))
        if self._instance.insecure_skip_tls:
            return _Found("the certificate is not checked (insecureSkipTLS)", "unchecked")
        return self._judged(certificate)

    def _handshake(self, context: ssl.SSLContext) -> dict[str, Any]:
        plain, host = self._connected(*self._place), self._place[0]
        with plain:
            try:
                with context.wrap_socket(plain, server_hostname=host) as secure:
                    return dict(secure.getpeercert() or {})
            except TimeoutError:
                problem: errors.TLSFailed = errors.NoTLS("the port is open, but no TLS came of it")
            except ssl.SSLError as failure:
                problem = tls_failure(str(failure)) or errors.TLSFailed("TLS failed")
            except OSError:
                problem = errors.TLSFailed("the connection broke while TLS was agreed on")
        raise problem

    def _judged(self, certificate: dict[str, Any]) -> _Found:
        names = [v for pairs in certificate.get("issuer", ()) for k, v in pairs if "Name" in k]
        issuer = shorten(names[-1], 100) if names else "an unnamed authority"
        message = f"trusted; issued by {issuer}"
        with suppress(KeyError, ValueError):
            seconds = ssl.cert_time_to_seconds(certificate["notAfter"])
            left = datetime.fromtimestamp(seconds, UTC) - self._now()
            message += f", valid for {left.days} more days"
            if left.days < EXPIRES_SOON_DAYS:
                return _Found(message, "expires")
        return _Found(message)

    # --- what is there ---

    def _version(self) -> _Found:
        try:
            version = self._asked_version()
        except (errors.Broken, errors.NotHTTP):
            plain = self._instance.url.startswith("http:") and self._proxy is None
            if plain and self._speaks_tls():
                raise errors.WantsTLS("the port speaks TLS") from None
            raise
        if not version:
            return _Found("Argo CD does not say its version", "nameless")
        return _Found(f"Argo CD {shorten(version, 80)}")

    def _asked_version(self) -> str:
        try:
            return self._client.version(anonymous=True)
        except (errors.NotArgoCD, errors.Unauthenticated, errors.Forbidden):
            # What stands in front may want the token.
            return self._client.version()

    def _speaks_tls(self) -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with suppress(errors.ArgoCDError):
            self._handshake(context)
            return True
        return False

    def _session(self) -> _Found:
        user = self._client.user()
        if user is None:
            raise self._nobody()
        with suppress(errors.ArgoCDError):
            self._own_namespace = (
                self._instance.namespace or self._client.own_namespace() or "argocd"
            )
        return _Found(f"signed in as {shorten(user, 200)}")

    def _nobody(self) -> errors.Unauthenticated:
        """Find out why the credentials are nobody's: that call answers anybody, others say more."""
        key = AppKey(self._instance.name, self._own_namespace, "any")
        try:
            self._client.can_sync(key, "default", self._own_namespace)
        except errors.Unauthenticated as refusal:
            return refusal
        except errors.ArgoCDError:
            return errors.Unauthenticated(errors.NOT_ACCEPTED)
        return errors.Unauthenticated(
            f"{errors.NOT_ACCEPTED}; Argo CD answers all the same, for it lets anybody in"
        )

    def _list(self) -> _Found:
        reading = Reading(instance=self._instance.name, own_namespace=self._own_namespace)
        listing = Reader().listing(self._client.list_applications(), reading)
        self._apps = listing.apps
        if not self._apps and not listing.problems:
            return _Found("the list of applications is empty", "empty")
        projects = sorted({facts.project for facts in self._apps})
        message = f"{len(self._apps)} applications"
        if projects:
            message += f" of projects {shorten(', '.join(projects[:10]), 150)}"
        if listing.problems:
            unread = f"{len(listing.problems)} cannot be read, the first: {listing.problems[0]}"
            return _Found(f"{message}; {unread}", "unreadable")
        return _Found(message)

    def _sync(self) -> _Found:
        if not self._apps:
            return _Found("there is no application to ask for", skipped=True)
        one_of_each = {facts.project: facts.key for facts in self._apps}
        allowed: list[str] = []
        refused: list[str] = []
        for project, key in sorted(one_of_each.items())[:PROJECTS_ASKED]:
            may = self._client.can_sync(key, project, self._own_namespace)
            (allowed if may else refused).append(f"{key.name} (project {project})")
        if refused:
            return _Found(
                f"the credentials may not sync {shorten(', '.join(refused), 200)}", "read-only"
            )
        return _Found(f"may sync {shorten(', '.join(allowed), 200)}")

    def _stream(self) -> _Found:
        if self._client.stream_opens(STREAM_SECONDS):
            return _Found("the stream of changes opens")
        return _Found(f"the stream of changes sent nothing within {STREAM_SECONDS:.0f} s", "silent")

    def _clock(self) -> _Found:
        skew = self._client.clock_skew
        if skew is None:
            return _Found("the server said no time", skipped=True)
        if abs(skew) <= SKEW_ALLOWED:
            return _Found("the clocks agree")
        word = "ahead of" if skew > 0 else "behind"
        return _Found(f"the server's clock is {abs(skew):.0f} s {word} ours", "clocks")
