"""What may become a link, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import attrs

from ..hookspecs import PageContext
from ..models import Resource, Source
from ..refs import AppKey
from . import text

_SHA = re.compile(r"[0-9a-fA-F]{7,40}")
_DIGEST = re.compile(r"(sha256:)([0-9a-f]{8})[0-9a-f]{56}")
_UNSAFE = re.compile(
    r'[\x00-\x20\\"<>^`{|}\x7f-\x9f\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]'
)
_NAME = re.compile(r"[A-Za-z0-9._:-]{0,253}")
_MAX = 2048

_FORGES = (
    ("gitlab", "/-/commit/"),
    ("bitbucket", "/commits/"),
    ("github", "/commit/"),
    ("gitea", "/commit/"),
    ("forgejo", "/commit/"),
    ("codeberg", "/commit/"),
    ("dev.azure.com", "/commit/"),
    ("visualstudio.com", "/commit/"),
)
_AZURE_SSH = re.compile(r"https://ssh\.dev\.azure\.com/v3/([^/]+)/([^/]+)/([^/]+)")
_BITBUCKET_SERVER = re.compile(r"(https?://[^/]+)/(?:scm/)([^/]+)/([^/]+)")


@attrs.frozen(kw_only=True)
class Link:
    """
    A text that may lead somewhere.

    Attributes:
        text: What is shown.

        url: Safe to follow. Empty when the text leads nowhere.

        title: The whole of a shortened text. Empty when *text* is all.
    """

    text: str
    url: str = ""
    title: str = ""


def safe(url: str | None) -> str:
    """Give *url* when it is absolute, http(s), with a host and without user info; else nothing."""
    if not url or len(url) > _MAX or _UNSAFE.search(url):
        return ""
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return ""
    return url


def repository(source: Source) -> str:
    """Give the page of the repository of *source*; empty when it has none."""
    return safe(_page(source.web_url or ""))


def revision(name: str, source: Source | None) -> Link:
    """
    Show a revision, shortened, with a link to its commit.

    Only 7 to 40 hex digits are a commit, and only the forms of forges that are known by their
    host names are linked: a guessed address would be a dead link.
    """
    name = text.line(name)
    digest = _DIGEST.fullmatch(name)
    if digest:
        return Link(text=digest[1] + digest[2], title=name)
    if not _SHA.fullmatch(name) or (source is not None and source.chart):
        short = text.cut(name, 40)
        return Link(text=short, title="" if short == name else name)
    short = name[:8]
    return Link(text=short, url=_commit(name, source), title="" if short == name else name)


def application(base: str | None, key: AppKey) -> str:
    """Give the page of an application in Argo CD's own UI; empty without a *base*."""
    base = safe(base)
    if not base:
        return ""
    namespace, name = _quoted(key.namespace), _quoted(key.name)
    return f"{base.rstrip('/')}/applications/{namespace}/{name}"


def node(page: str, resource: Resource) -> str:
    """
    Give the address of a resource on *page*, the application's page.

    Returns:
        Empty without a page, and for what is no name in Kubernetes.
    """
    named = (resource.group, resource.kind, resource.namespace, resource.name)
    if not page or not all(map(_NAME.fullmatch, named)):
        return ""
    value = "/".join((*named, "0")).replace("/", "%2F").replace(":", "%3A")
    return f"{page}?node={value}"


def pairs(url: str) -> tuple[str, list[tuple[str, str]]]:
    """Split the address of a page into its path and its parameters."""
    path, _, query = url.partition("?")
    return path.partition("#")[0], parse_qsl(query.partition("#")[0], keep_blank_values=True)


def page(context: PageContext, changes: Mapping[str, str], anchor: str = "") -> str:
    """Give the page itself with *changes* to its parameters; an empty value takes one away."""
    path, query = pairs(context["url"])
    kept = [(name, value) for name, value in query if name not in changes]
    kept += [(name, value) for name, value in changes.items() if value]
    # A lone surrogate cannot be encoded; what stands for it finds nothing, as it did.
    encoded = urlencode(kept, errors="replace")
    return path + (f"?{encoded}" if encoded else "") + (f"#{anchor}" if anchor else "")


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="replace")


def _page(url: str) -> str:
    # The ssh forms of two forges name paths that their web sites do not have.
    azure = _AZURE_SSH.fullmatch(url)
    if azure:
        return f"https://dev.azure.com/{azure[1]}/{azure[2]}/_git/{azure[3]}"
    server = _BITBUCKET_SERVER.fullmatch(url)
    if server and "bitbucket" in server[1]:
        return f"{server[1]}/projects/{server[2]}/repos/{server[3]}"
    return url


def _commit(sha: str, source: Source | None) -> str:
    base = repository(source) if source is not None else ""
    if not base:
        return ""
    host = urlsplit(base).hostname or ""
    for word, form in _FORGES:
        if word in host:
            return base.rstrip("/") + form + sha
    return ""
