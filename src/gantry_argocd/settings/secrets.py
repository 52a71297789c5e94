"""
Values that never show themselves (G4), and references to values kept elsewhere (G1).
"""

from __future__ import annotations

import json
import posixpath
import re
from html import escape
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "__GANTRY_SECRET_REDACTED__"
"""What stands for a stored secret in everything that is read (``gantry-host.md`` section 3)."""

ENV_PREFIX = "GANTRY_ARGOCD_"
"""Environment variables that a configuration from REST may name."""

SHORTEST_MASKED = 4
"""Characters. Shorter secrets stand in every text by chance, and masking them would tell them."""

_REFERENCE = re.compile(r"(env|file):(.+)", re.DOTALL)


class Secret:
    """
    A secret text, or a reference to one (``env:NAME``, ``file:PATH``).

    It prints as a mask everywhere and refuses to be pickled; :meth:`reveal` is the only way to
    the text.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Give the text as configured; of a reference, the reference."""
        return self.__text

    @property
    def reference(self) -> tuple[str, str] | None:
        """Kind (``env`` or ``file``) and name of a reference; None for the secret itself."""
        match = _REFERENCE.fullmatch(self.__text)
        return (match[1], match[2]) if match else None

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash(self.__text)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self  # it does not change, and what holds it may be copied

    def __reduce__(self) -> NoReturn:
        msg = "a secret is not pickled"
        raise TypeError(msg)


def without(content: bytes, secret: Secret) -> bytes:
    """Take a secret out of what a stranger sent, however often it has been escaped."""
    text = secret.reveal()
    if len(text) < SHORTEST_MASKED:
        return content
    forms = {text}
    for _ in range(2):  # in our body, and that in the stranger's
        forms |= {json.dumps(f, ensure_ascii=a)[1:-1] for f in forms for a in (True, False)}
    forms |= {quote(text, safe="", errors="replace"), escape(text)}
    for form in sorted(forms, key=len, reverse=True):
        content = content.replace(form.encode(errors="replace"), b"***")
    return content


def is_reference(value: Any) -> bool:
    """Say whether a JSON value refers to a secret kept elsewhere; it is then no secret itself."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def reference_problem(text: str, secrets_dirs: Sequence[str]) -> str | None:
    """
    Say why a reference may not be used by a configuration that came over REST (G1).

    Returns:
        What is expected instead; None for an allowed reference and for a plain secret.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    kind, name = match.groups()
    if kind == "env":
        if re.fullmatch(rf"{ENV_PREFIX}\w+", name, re.ASCII):
            return None
        return f"a variable whose name begins with {ENV_PREFIX}"
    path = posixpath.normpath(name)
    for directory in secrets_dirs:
        base = posixpath.normpath(directory).rstrip("/") + "/"
        if path.startswith(base) and posixpath.isabs(path):
            return None
    return "a file below " + " or ".join(secrets_dirs)
