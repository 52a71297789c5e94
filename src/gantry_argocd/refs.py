"""
Names of applications and entities: what they are and how they are written.

An application is (instance, namespace, name). Its *ref* is ``instance:name`` in Argo CD's own
namespace of that instance and ``instance:namespace/name`` elsewhere (correlation rules, "Words").
"""

from __future__ import annotations

import re
from typing import NamedTuple

import attrs

ENTITY_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
"""What Gantry accepts as ``metadata.name`` and ``metadata.namespace``, at most 253 characters."""

KUBERNETES_NAME = ENTITY_NAME
"""DNS-1123 subdomains have the same form."""

INSTANCE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""Instance names stand in refs, URLs and lists: no separators, no blanks."""

MAX_NAME = 253


def is_entity_name(text: str) -> bool:
    """Say whether Gantry accepts *text* as the name of an entity."""
    return len(text) <= MAX_NAME and ENTITY_NAME.fullmatch(text) is not None


def is_kubernetes_name(text: str) -> bool:
    """Say whether *text* can be the name of an Application or of its namespace."""
    return len(text) <= MAX_NAME and KUBERNETES_NAME.fullmatch(text) is not None


class AppKey(NamedTuple):
    """
    The identity of an application. Ordered as "first" is meant in the correlation rules.

    A tuple, because correlation hashes and compares some hundred thousand of them.

    Attributes:
        instance: Name of the configured instance.

        namespace: Namespace that the Application object lives in, not its destination.

        name: Name of the Application object.
    """

    instance: str
    namespace: str
    name: str

    def ref(self, own_namespace: str) -> str:
        """Write the key as a ref; *own_namespace* is Argo CD's own on that instance."""
        if self.namespace == own_namespace:
            return f"{self.instance}:{self.name}"
        return f"{self.instance}:{self.namespace}/{self.name}"


class EntityKey(NamedTuple):
    """The identity of a catalogue entity."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@attrs.frozen
class Wanted:
    """
    What somebody wrote to name one application or several.

    Attributes:
        instance: None when any instance is meant.

        namespace: None when any namespace is meant, Argo CD's own first.

        name: Name of the application.
    """

    instance: str | None
    namespace: str | None
    name: str

    def __str__(self) -> str:
        instance = f"{self.instance}:" if self.instance else ""
        namespace = f"{self.namespace}/" if self.namespace else ""
        return f"{instance}{namespace}{self.name}"

    @property
    def exactness(self) -> int:
        """Say how exact the form is: 3 with a namespace, 2 with an instance, 1 for a bare name."""
        return 1 if self.instance is None else 2 if self.namespace is None else 3


def parse_wanted(text: str) -> Wanted | None:
    """
    Read ``name``, ``instance:name`` or ``instance:namespace/name``.

    Returns:
        None for a text of no such form. Whether anything has that name is another question.
    """
    text = text.strip()
    instance, colon, rest = text.rpartition(":")
    namespace, slash, name = rest.rpartition("/")
    if not name or (colon and not instance) or (slash and not (namespace and colon)):
        return None
    if ":" in instance or "/" in namespace or "/" in instance:
        return None
    return Wanted(instance if colon else None, namespace if slash else None, name)


def parse_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated list as people write it: trimmed, empty elements dropped."""
    return tuple(part for element in text.split(",") if (part := element.strip()))
