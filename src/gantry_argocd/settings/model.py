"""
The plugin's settings (G1): one class for an instance, one for the whole.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import attrs

from ..durations import parse_duration
from ..refs import INSTANCE_NAME, is_kubernetes_name
from .fields import setting
from .secrets import Secret

SYNC_INTERVAL_FLOOR = 30.0
"""Seconds. Shorter intervals are raised to this (D6): a list costs Argo CD dearly."""

SYNC_INTERVAL_CEILING = 366 * 24 * 3600.0
"""Seconds. Nobody waits longer, and timers cannot."""

_MAX_URL = 2048
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?|[0-9a-f:.]+", re.IGNORECASE)
_LABEL_KEY = re.compile(
    r"(?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", re.ASCII
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = {"authorization", "content-type", "accept", "host", "content-length", "cookie"}


def web_url(text: str) -> str:
    """Check an http(s) address and give it without a trailing slash."""
    expected = "an address such as https://argocd.example.com, without user, query or fragment,"
    text = text.strip()
    if len(text) > _MAX_URL or not text.isprintable() or re.search(r"[\s\\]", text):
        raise ValueError(expected)
    try:
        parts = urlsplit(text)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except ValueError:  # UnicodeError is one: an empty or overlong label
        raise ValueError(expected) from None
    is_web = parts.scheme in {"http", "https"} and _HOST.fullmatch(host) is not None
    if not is_web or "@" in parts.netloc or parts.query or parts.fragment or port == 0:
        raise ValueError(expected)
    path = re.sub(r"(/api(/v1)?)?/*$", "", parts.path)
    shown = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}{f':{port}' if port and port != default else ''}{path}"


def instance_name(text: str) -> str:
    """Check a name that stands in refs, addresses and lists."""
    if len(text) > 63 or not INSTANCE_NAME.fullmatch(text):
        msg = "a name of letters, digits, '-', '_' and '.', at most 63 characters,"
        raise ValueError(msg)
    return text


def _seconds(text: str) -> float:
    seconds = parse_duration(text)
    if not 0 < seconds <= 3600:
        msg = "a duration of more than 0 and at most 1h"
        raise ValueError(msg)
    return seconds


def _sync_interval(text: str) -> float | None:
    seconds = parse_duration(text)
    if seconds > SYNC_INTERVAL_CEILING:
        msg = "a duration of at most a year"
        raise ValueError(msg)
    return max(seconds, SYNC_INTERVAL_FLOOR) if seconds else None


def label_key(text: str) -> str:
    """Check the key of a Kubernetes label."""
    if len(text) > 317 or not _LABEL_KEY.fullmatch(text):
        msg = "a Kubernetes label key"
        raise ValueError(msg)
    return text


def _namespace(text: str) -> str:
    if not is_kubernetes_name(text):
        msg = "the name of a Kubernetes namespace"
        raise ValueError(msg)
    return text


def _one_line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text) or len(text) > 1000:
        msg = "one line of text"
        raise ValueError(msg)
    return text


def _secret(text: str) -> Secret:
    if not text.isprintable():
        msg = "one line of text"
        raise ValueError(msg)
    return Secret(text)


def _headers(headers: dict[str, Any]) -> dict[str, Secret]:
    for name, value in headers.items():
        if (
            not isinstance(name, str)
            or not _HEADER_NAME.fullmatch(name)
            or name.lower() in _OWN_HEADERS
        ):
            msg = "a header name that is valid and not one of the plugin's own"
            raise ValueError(msg)
        if isinstance(value, str) and re.search(r"[\r\n\x00]", value):
            msg = "a header value of one line"
            raise ValueError(msg)
    return {name: Secret(value) for name, value in headers.items() if isinstance(value, str)}


def _file(text: str) -> str:
    if re.fullmatch(r"file:[^\x00-\x1f]+", text):
        return text
    msg = "file:PATH"
    raise ValueError(msg)


def _certificates(text: str) -> str:
    if text.startswith("file:") or "-----BEGIN CERTIFICATE-----" in text:
        return text
    msg = "certificates in PEM form, or file:PATH,"
    raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long an instance may take, in seconds."""

    connect: float = setting(
        key="connect",
        title="Connect",
        description="Time for making a connection.",
        check=_seconds,
        default="5s",
    )
    read: float = setting(
        key="read",
        title="Read",
        description="Time for the answer to an ordinary request.",
        check=_seconds,
        default="20s",
    )
    list: float = setting(
        key="list",
        title="List",
        description="Time for the list of all applications; large installations need a minute.",
        check=_seconds,
        default="120s",
    )


@attrs.frozen(kw_only=True)
class InstanceSettings:
    """One Argo CD API server."""

    name: str = setting(
        key="name",
        title="Name",
        description="Short name that stands in refs such as production:payment-api.",
        check=instance_name,
        required=True,
        examples=("production",),
    )
    url: str = setting(
        key="argocdUrl",
        title="Argo CD URL",
        description="Address of the API server, with its root path if it has one.",
        check=web_url,
        required=True,
        examples=("https://argocd.your-org.com",),
    )
    token: Secret = setting(
        key="token",
        title="API token",
        description="Token of an account or project role; or env:NAME or file:PATH.",
        check=_secret,
        empty=Secret(""),
        secret=True,
    )
    username: str = setting(
        key="username",
        title="User name",
        description="Local Argo CD account to sign in with when there is no token.",
        check=_one_line,
    )
    password: Secret = setting(
        key="password",
        title="Password",
        description="Password of that account; or env:NAME or file:PATH.",
        check=_secret,
        empty=Secret(""),
        secret=True,
    )
    auth_mode: str = setting(
        key="authMode",
        title="Authentication",
        description="Which of token and password counts when both are given.",
        choices=("", "token", "credentials"),
    )
    insecure_skip_tls: bool = setting(
        key="insecureSkipTLS",
        title="Do not check the certificate",
        description="Anybody between here and the server can then read the token.",
        json_type="boolean",
        default=False,
    )
    project: str = setting(
        key="project",
        title="Project",
        description="Only applications of this Argo CD project. Empty means all.",
        check=_one_line,
    )
    selector: str = setting(
        key="selector",
        title="Label selector",
        description="Only applications whose labels match, as kubectl writes it.",
        check=_one_line,
        examples=("team=payments,env in (prod,staging)",),
    )
    ca_bundle: str = setting(
        key="caBundle",
        title="Certificate authorities",
        description="Certificates to trust besides the system's, in PEM form; or file:PATH.",
        check=_certificates,
    )
    client_certificate: str = setting(
        key="clientCertificate",
        title="Client certificate",
        description="file:PATH of a certificate in PEM form to identify with, for a proxy that "
        "asks for one; its key may be in the same file.",
        check=_file,
    )
    client_key: str = setting(
        key="clientKey",
        title="Client key",
        description="file:PATH of the key of that certificate, when it is in a file of its own.",
        check=_file,
    )
    headers: dict[str, Secret] = setting(
        key="headers",
        title="Extra headers",
        description="Sent with every request, for a proxy in front. The values are secrets.",
        json_type="object",
        check=_headers,
        default={},
        secret=True,
    )
    timeouts: Timeouts = setting(
        key="timeouts",
        title="Timeouts",
        description="How long the server may take.",
        json_type="object",
        items=Timeouts,
        default={},
    )
    public_url: str = setting(
        key="publicUrl",
        title="Public URL",
        description="Address that people open, when it is not the one above.",
        check=web_url,
    )
    namespace: str = setting(
        key="namespace",
        title="Own namespace",
        description="Namespace that Argo CD itself runs in, when it cannot be asked.",
        check=_namespace,
    )
    follow: bool = setting(
        key="follow",
        title="Follow changes",
        description="Watch the instance for changes between syncs.",
        json_type="boolean",
        default=True,
    )

    @property
    def uses_password(self) -> bool:
        """Sign in with user name and password, rather than with the token."""
        if self.auth_mode:
            return self.auth_mode == "credentials"
        return not self.token

    @property
    def people_url(self) -> str:
        """Address that links for people begin with."""
        return self.public_url or self.url


@attrs.frozen(kw_only=True)
class Settings:
    """The whole configuration of the plugin."""

    instances: tuple[InstanceSettings, ...] = setting(
        key="instances",
        title="Instances",
        description="The Argo CD API servers to show.",
        json_type="array",
        items=InstanceSettings,
        required=True,
        default=[],
    )
    label_key: str = setting(
        key="labelKey",
        title="Label key",
        description="Label of an Application whose value names its Service; apps that share the "
        "value are one Service.",
        check=label_key,
        default="name",
    )
    sync_interval: float | None = setting(
        key="syncInterval",
        title="Sync interval",
        description="How often everything is discovered anew, as 90s, 5m or 1h30m; at least 30s. "
        "Empty means only by hand.",
        check=_sync_interval,
        default="5m",
        empty=None,
        examples=("5m", ""),
    )
    enrichment_prefixes: tuple[str, ...] = setting(
        key="enrichmentPrefixes",
        title="Enrichment prefixes",
        description="Annotations with these prefixes are derived by other plugins from what this "
        "one writes, and do not keep an entity alive.",
        json_type="array",
        default=["github.com/"],
    )

    def instance(self, name: str) -> InstanceSettings | None:
        """Give the instance of that name."""
        return next((item for item in self.instances if item.name == name), None)
