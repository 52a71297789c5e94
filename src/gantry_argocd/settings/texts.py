"""
What the texts of a configuration look like: for validation, the JSON Schema and error texts.

A pattern says what a form or another program can check as well; what takes more than a pattern is
in the conversion.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from ..durations import parse_duration
from ..refs import INSTANCE_NAME, KUBERNETES_NAME, MAX_NAME
from .secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen(kw_only=True)
class Text:
    """
    A kind of text.

    Attributes:
        pattern: The whole text matches it. In the words that Python and ECMAScript share.

        expected: What is expected, put before "is expected".

        longest: Characters.

        convert: Gives the setting's value. Raises ValueError for what a pattern cannot tell.

        media_type: Of a text of several lines.

        format: The JSON Schema format, where there is one.
    """

    pattern: str
    expected: str
    longest: int
    convert: Callable[[str], Any] = str
    media_type: str = ""
    format: str = ""

    def read(self, text: str) -> Any:
        """
        Check a text and give the setting's value.

        Raises:
            ValueError: With what is expected.
        """
        if len(text) <= self.longest and re.fullmatch(self.pattern, text):
            try:
                return self.convert(text)
            except Expected:
                raise
            except ValueError:  # UnicodeError is one: an empty or overlong label of a host
                pass
        raise Expected(self.expected)


class Expected(ValueError):
    """A text is not what is expected; its message says what would be."""


SYNC_INTERVAL_FLOOR = 30.0
"""Seconds. Shorter intervals are raised to this (D6): a list costs Argo CD dearly."""

SYNC_INTERVAL_CEILING = 366 * 24 * 3600.0
"""Seconds. Nobody waits longer, and timers cannot."""

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?|[0-9a-f:.]+", re.IGNORECASE)
_DURATION = r"0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+"
_OWN_HEADERS = {
    *("authorization", "content-type", "accept", "accept-encoding", "host", "cookie"),
    # How a message is framed and a connection used: a second opinion would smuggle requests.
    *("content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection"),
    *("te", "trailer", "upgrade", "expect"),
}


def web_url(text: str) -> str:
    """
    Give an http(s) address in its one form, without a slash at the end and the API's own path.

    Raises:
        ValueError: It is none.
    """
    text = text.strip()
    if not text.isprintable() or re.search(r"[\s\\]", text):
        raise ValueError
    parts = urlsplit(text)
    port = parts.port
    host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    is_web = parts.scheme in {"http", "https"} and _HOST.fullmatch(host) is not None
    if not is_web or "@" in parts.netloc or parts.query or parts.fragment or port == 0:
        raise ValueError
    path = re.sub(r"(/api(/v1)?)?/*$", "", parts.path)
    shown = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}{f':{port}' if port and port != default else ''}{path}"


def _seconds(text: str) -> float:
    seconds = parse_duration(text)
    if not 0 < seconds <= 3600:
        raise Expected("a duration of more than 0 and at most 1h")
    return seconds


def _interval(text: str) -> float | None:
    seconds = parse_duration(text)
    if seconds > SYNC_INTERVAL_CEILING:
        raise Expected("a duration of at most a year")
    return max(seconds, SYNC_INTERVAL_FLOOR) if seconds else None


def _printable(text: str) -> Secret:
    if not text.isprintable():
        raise ValueError
    return Secret(text)


def _header(text: str) -> str:
    if text.lower() in _OWN_HEADERS:
        raise ValueError
    return text


def _authorities(text: str) -> str:
    if "PRIVATE KEY" in text:
        raise Expected("certificates without a private key, which would be shown here,")
    return text


URL = Text(
    pattern=r"\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s\\/?#@]+(?:/[^\s\\?#]*)?\s*",
    expected="an address such as https://argocd.example.com, without user, query or fragment,",
    longest=2048,
    convert=web_url,
    format="uri",
)
NAME = Text(
    pattern=INSTANCE_NAME.pattern,
    expected="a name of letters, digits, '-', '_' and '.', at most 63 characters,",
    longest=63,
)
LABEL_KEY = Text(
    pattern=r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?",
    expected="a Kubernetes label key",
    longest=317,
)
NAMESPACE = Text(
    pattern=KUBERNETES_NAME.pattern,
    expected="the name of a Kubernetes namespace",
    longest=MAX_NAME,
)
LINE = Text(pattern=r"[^\x00-\x1f\x7f]*", expected="one line of text", longest=1000)
PREFIX = Text(
    pattern=r"[^\x00-\x20\x7f]+", expected="the beginning of an annotation's key", longest=MAX_NAME
)
# What goes into a header has to be ASCII; a path need not be.
TOKEN = Text(
    pattern=r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?|(?:env|file):[^\x00-\x1f\x7f]+",
    expected="one line of ASCII characters without blanks at its ends",
    longest=65_536,
    convert=Secret,
)
PASSWORD = Text(
    pattern=r"[^\x00-\x1f\x7f]+", expected="one line of text", longest=65_536, convert=_printable
)
HEADER_NAME = Text(
    pattern=r"[!#$%&'*+.^_`|~0-9A-Za-z-]+",
    expected="a header name that is valid and not one of the plugin's own",
    longest=256,
    convert=_header,
)
FILE = Text(pattern=r"file:[^\x00-\x1f\x7f]+", expected="file:PATH", longest=4096)
CERTIFICATES = Text(
    pattern=r"file:[^\x00-\x1f\x7f]+|[\s\S]*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+"
    r"-----END CERTIFICATE-----[\s\S]*",
    expected="certificates in PEM form, or file:PATH,",
    longest=1_000_000,
    convert=_authorities,
    media_type="application/x-pem-file",
)
SECONDS = Text(
    pattern=_DURATION,
    expected="a duration such as 90s, 5m or 1h30m",
    longest=100,
    convert=_seconds,
)
INTERVAL = Text(
    pattern=_DURATION,
    expected="a duration such as 90s, 5m or 1h30m",
    longest=100,
    convert=_interval,
)
NAME_PATTERN = Text(
    pattern=r"[^\x00-\x20\x7f]+",
    expected="a name, or a pattern of one with * and ?,",
    longest=MAX_NAME,
)
POLICY_ACTION = Text(
    pattern=r"sync|hard-sync|dry-run|refresh|terminate|rollback",
    expected="one of sync, hard-sync, dry-run, refresh, terminate and rollback",
    longest=20,
)
