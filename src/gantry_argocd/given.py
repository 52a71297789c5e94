"""
What a host hands over, read so that nothing of it can raise.

A part that is missing or of another type counts as absent; a text alone counts as a list of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .hookspecs import ROLES, Entity, PageContext, Request, User
from .mappings import as_dict

_NO_LISTS = (str, bytes, bytearray, Mapping)


def user_of(given: Any) -> User:
    """Give who looks or acts; whose role is not one of the four counts as a viewer."""
    found = as_dict(given) or {}
    role = found.get("role")
    user: User = {
        "name": _text(found.get("name")),
        "role": next((known for known in ROLES if known == role), ROLES[0]),
    }
    if "groups" in found:
        user["groups"] = texts_of(found["groups"])
    return user


def page_of(given: Any) -> PageContext:
    """Give where a fragment is shown; links and forms lead to the page itself by default."""
    found = as_dict(given) or {}
    url = _text(found.get("url"))
    page: PageContext = {
        "url": url,
        "actionUrl": _text(found.get("actionUrl")) or url or "?",
        "hidden": _named_texts(found.get("hidden")),
        "params": _named_texts(found.get("params")),
    }
    if fragment := _text(found.get("fragmentUrl")):
        page["fragmentUrl"] = fragment
    if confirmed := _named_texts(found.get("confirmed")):
        page["confirmed"] = confirmed
    return page


def request_of(given: Any) -> Request:
    """Give a request; its body stays as it came, for what is no bytes must not count as none."""
    found = as_dict(given) or {}
    query = as_dict(found.get("query")) or {}
    body = found.get("body")
    return {
        "path": _named_texts(found.get("path")),
        "query": {name: texts_of(values) for name, values in query.items()},
        "body": b"" if body is None else body,
        "contentType": _text(found.get("contentType")) or None,
        "user": user_of(found.get("user")),
    }


def entities_of(given: Any) -> Sequence[Entity]:
    """Give the entities as they came, a snapshot of the host's too; none for what is no list."""
    if isinstance(given, _NO_LISTS):
        return ()
    try:
        each = iter(given)
    except TypeError:
        return ()
    found: Sequence[Entity] = list(each) if each is given else given
    return found


def texts_of(given: Any) -> tuple[str, ...]:
    """Give the texts of a list."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, _NO_LISTS) or not isinstance(given, Iterable):
        return ()
    return tuple(one for one in given if isinstance(one, str))


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""


def _named_texts(given: Any) -> dict[str, str]:
    found = as_dict(given) or {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}
