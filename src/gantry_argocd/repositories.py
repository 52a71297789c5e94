"""
Addresses of repositories: without credentials, and as people open them (correlation rule 14).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SCP = re.compile(r"(?P<host>[\w.-]+):(?P<path>(?!//).+)")
_UNREADABLE = re.compile(r"[\s\x00-\x1f\x7f]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB = {"http", "https"}
_SSH = {"ssh", "git+ssh", "ssh+git", "git"}


def without_credentials(address: str) -> str:
    """
    Give *address* as Argo CD says it, without anything that could be a credential.

    User info of an http address, passwords of any, query and fragment go; the login name of ssh
    and scp forms (``git@``) is no secret and stays. An address that cannot be read is dropped:
    what is not understood cannot be cleaned.
    """
    address = address.strip()
    if _UNREADABLE.search(address):
        return ""
    if not _SCHEME.match(address):
        user, rest = _without_scheme(address)
        return f"{user}@{rest}" if user else rest
    parts = _split(address)
    if parts is None:
        return ""
    scheme, user, host, path = parts
    keep = f"{user}@" if user and scheme in _SSH else ""
    return f"{scheme}://{keep}{host}{path}"


def web_address(address: str) -> str | None:
    """
    Give the http(s) address of the Git repository at *address*.

    scp and ssh forms become https and lose their port; user info and ``.git`` go; http stays
    http, and an http(s) port stays.

    Returns:
        None for ``oci://``, local paths, and what has no host.
    """
    address = without_credentials(address)
    if _SCHEME.match(address):
        parts = _split(address)
        if parts is None:
            return None
        scheme, _, host, path = parts
    else:
        match = _SCP.fullmatch(_without_scheme(address)[1])
        if match is None:
            return None
        scheme, host, path = "ssh", match["host"], "/" + match["path"].lstrip("/")
    if scheme in _SSH:
        scheme, host = "https", _without_port(host)
    if scheme not in _WEB or not host:
        return None
    path = path.rstrip("/")
    path = path.removesuffix(".git")
    return f"{scheme}://{host}{path}"


def _without_scheme(address: str) -> tuple[str, str]:
    """Give the login name and the rest of an scp form; of others, the rest alone."""
    # What stands before the last "@" can be a credential; only a login name may stay.
    userinfo, _, rest = address.partition("?")[0].rpartition("@")
    login = userinfo.partition(":")[0]
    is_scp = _SCP.fullmatch(rest) is not None and "/" not in login and "@" not in login
    return (login if is_scp else ""), rest


def _split(address: str) -> tuple[str, str, str, str] | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises for a port that is no number: a password with a "/" in it
    except ValueError:
        return None
    userinfo, _, host = parts.netloc.rpartition("@")
    if not host and parts.scheme in _WEB | _SSH:
        return None
    path = parts.path.partition(";")[0]
    if "://" in path:  # several addresses run together: what follows may hold anything
        return None
    return parts.scheme.lower(), userinfo.partition(":")[0], host.lower(), path


def _without_port(host: str) -> str:
    return host if host.endswith("]") else re.sub(r":\d*$", "", host)


LONGEST_MESSAGE = 32_768
"""Characters of a message; Kubernetes cuts its own at a tenth of that."""

_BEGINS = re.compile(r"://|(?<![\w:])//")
_ADDRESS = re.compile(r"\w://")
_WORD = re.compile(r"[^\s<>]+")
_QUOTED = re.compile(r"[^\s\"'<>]+")


def _without_user(word: re.Match[str]) -> str:
    """Take ``user:password@`` and ``token@`` out of an address, a "/" in the password included."""
    text = word[0]
    at = text.rfind("@")
    begins = _BEGINS.search(text, 0, at) if at > 0 else None
    return text if begins is None else text[: begins.end()] + text[at + 1 :]


def _without_query(word: re.Match[str]) -> str:
    """Take the query off an address."""
    text = word[0]
    address = _ADDRESS.search(text)
    return (
        text if address is None else text[: address.end()] + text[address.end() :].partition("?")[0]
    )


# A stranger's text may be megabytes of what begins like something to hide: whatever is looked for
# has an upper end, or begins once in a word.
_SCP_USER = re.compile(r"\b[\w.-]{1,255}:[^\s@/:]{1,1000}@(?=[\w.-]{1,255}:)")
_HIDDEN = (
    # headers and assignments
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 ***"),
    (re.compile(r"(?i)\b(authorization\s*:\s*\w+)\s+\S+"), r"\1 ***"),
    (
        re.compile(
            r"(?i)\b((?:private|access|auth|api)?[-_]?(?:token|password|passwd|secret|key))"
            r"(\s*[=:]\s*)(?!\s)[^\s,;\"']{4,}"
        ),
        r"\1\2***",
    ),
    # who was refused what (argocd-api.md section 6.1)
    (re.compile(r"(permission denied)\s*:[^\n]*"), r"\1"),
    # tokens that are known by their shape
    (re.compile(r"\beyJ[\w-]{8,1000}\.[\w-]{8,}\.[\w-]*"), "***"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-)[\w-]{8,}"), "***"),
)


def redact(text: str) -> str:
    """
    Take what could be a credential out of a free text, in a time that grows as its length does.

    User info and query of addresses, authorisation headers, assignments to a token, password,
    secret or key, and tokens that are known by their shape.
    """
    if "@" in text:
        text = _SCP_USER.sub("", _WORD.sub(_without_user, text))
    if "?" in text:
        text = _QUOTED.sub(_without_query, text)
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


def clean(text: str) -> str:
    """Give a message of Argo CD's, or its beginning, without what could be a credential."""
    if len(text) > LONGEST_MESSAGE:
        whole, _, last = text[:LONGEST_MESSAGE].rpartition(" ")
        # Half an address may end in half a password.
        text = f"{whole} …" if set(last) & set("/:=") else f"{whole} {last}…"
    return redact(text)


def shorten(text: str, limit: int = 300) -> str:
    """Give a text of Argo CD's as one redacted line of at most *limit* characters."""
    # Neither a terminal nor a log is to obey what a stranger wrote.
    printable = "".join(char if char.isprintable() else " " for char in clean(text))
    line = " ".join(printable.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
