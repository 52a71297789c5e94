"""
A plain model of what people and neighbours wrote, kept beside the catalogue.

It is written from correlation rules 5 to 7 and never reads a stored entity to know what is not
ours, so a wrong split or a wrong merge shows as a difference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from comparing import foreign_part, key_of
from hypothesis import strategies as st
from strategies import ENVIRONMENTS, good_links, link_texts
from world import service

from gantry_argocd.refs import EntityKey

Json = dict[str, Any]


@attrs.frozen
class Theirs:
    """
    What others say of one entity.

    Attributes:
        entity: Without our part.

        wanted: It exists without us (rule 7).
    """

    entity: Json
    wanted: bool


@attrs.frozen
class Edit:
    """
    A change by hand in what was read.

    Attributes:
        text: What is done.

        about: Which field. Nobody edits one field twice in a single sitting.

        do: Changes a body that was read, and in the same way what is foreign of it.
    """

    text: str
    about: str
    do: Callable[[Json, Json], None]

    def __repr__(self) -> str:
        return self.text


class People:
    """What others say of every entity."""

    def __init__(self) -> None:
        self.entities: dict[EntityKey, Theirs] = {}

    def foreign(self, key: EntityKey) -> Json:
        """Give what others say of an entity; a bare one when they say nothing."""
        found = self.entities.get(key)
        return copy.deepcopy(found.entity) if found else bare(key)

    def author(self, body: Json) -> None:
        """Let somebody write an entity from scratch."""
        self.entities[key_of(body)] = Theirs(foreign_part(copy.deepcopy(body)), wanted=True)

    def echo(self, key: EntityKey, foreign: Json, *, authored: bool) -> None:
        """Let somebody write back what was read, changed."""
        foreign = foreign_part(foreign)
        wanted = authored or self._wanted(key) or says_more(foreign)
        self.entities[key] = Theirs(foreign, wanted)

    def upsert(self, body: Json, *, exists: bool) -> None:
        """Let a neighbour merge what it says into what others say."""
        key, body = key_of(body), foreign_part(copy.deepcopy(body))
        wanted = self._wanted(key) or says_more(body) or not exists
        merged = merge(self.foreign(key), body) if exists else body
        self.entities[key] = Theirs(foreign_part(merged), wanted)

    def take_back(self, rest: Json) -> None:
        """Let a neighbour leave *rest*."""
        key, rest = key_of(rest), foreign_part(rest)
        nothing = not (
            rest["metadata"].keys() - {"name", "namespace"} or rest.keys() - bare(key).keys()
        )
        wanted = self._wanted(key) and not nothing
        self.entities[key] = Theirs(rest, wanted)

    def delete(self, key: EntityKey) -> None:
        """Let a person delete an entity."""
        self.entities.pop(key, None)

    def forget(self, present: Mapping[EntityKey, Any]) -> None:
        """Drop what stood in rows that went with their last app."""
        self.entities = {key: said for key, said in self.entities.items() if key in present}

    def _wanted(self, key: EntityKey) -> bool:
        return key in self.entities and self.entities[key].wanted


def bare(key: EntityKey) -> Json:
    """Give an entity of which nobody says anything."""
    return service(key.name, namespace=None if key.namespace == "default" else key.namespace)


def empty(value: Any) -> bool:
    """Say whether a field counts as absent; one that says no does not."""
    return value is None or value in ("", [], {})


def says_more(foreign: Json) -> bool:
    """Say whether there is more in it than what another plugin derives from our values."""
    metadata = {k: v for k, v in foreign["metadata"].items() if k not in ("name", "namespace")}
    annotations = metadata.pop("annotations", {})
    others = foreign.keys() - {"apiVersion", "kind", "metadata"}
    return bool(metadata or others or any(not k.startswith("github.com/") for k in annotations))


def merge(into: Json, body: Json) -> Json:
    """Merge as rule 6 has it: annotations and labels overwrite, lists unite, the rest fills."""
    result = body | into
    result["metadata"] = _fill(into["metadata"], body["metadata"])
    for field in ("annotations", "labels"):
        if field in body["metadata"]:
            result["metadata"][field] = into["metadata"].get(field, {}) | body["metadata"][field]
    if "spec" in into and "spec" in body:
        result["spec"] = _fill(into["spec"], body["spec"])
    return result


def _fill(into: Json, body: Json) -> Json:
    result = body | into
    for key in into.keys() & body.keys():
        if isinstance(into[key], list) and isinstance(body[key], list):
            names = [(ref["kind"], ref["name"]) for ref in into[key] if isinstance(ref, dict)]
            result[key] = into[key] + [
                item
                for item in body[key]
                if item not in into[key]
                and not (isinstance(item, dict) and (item["kind"], item["name"]) in names)
            ]
    return result


# --- edits by hand ---


def _part(entity: Json, *path: str) -> Json:
    for key in path:
        entity = entity.setdefault(key, {})
    return entity


def _set(value: Any, name: str, *path: str) -> Edit:
    def do(body: Json, foreign: Json) -> None:
        # The same text typed over a value of ours is an echo of it and claims nothing (rule 5).
        claims = name in _part(foreign, *path) or _part(body, *path).get(name) != value
        _part(body, *path)[name] = value
        if claims:
            _part(foreign, *path)[name] = value

    return Edit(f"set {name} to {value!r}", name, do)


def _drop(name: str, *path: str) -> Edit:
    def do(body: Json, foreign: Json) -> None:
        for entity in (body, foreign):
            _part(entity, *path).pop(name, None)

    return Edit(f"drop {name}", name, do)


def _append(text: str) -> Edit:
    def do(body: Json, foreign: Json) -> None:
        for entity in (body, foreign):
            annotations = _part(entity, "metadata", "annotations")
            old = annotations.get("argocd.io/appNames")
            annotations["argocd.io/appNames"] = f"{old},{text}" if old else text

    return Edit(f"append {text!r} to appNames", "argocd.io/appNames", do)


def _prepend(text: str) -> Edit:
    def do(body: Json, foreign: Json) -> None:
        for entity in (body, foreign):
            annotations = _part(entity, "metadata", "annotations")
            old = annotations.get("argocd.io/appNames")
            annotations["argocd.io/appNames"] = f"{text},{old}" if old else text

    return Edit(f"prepend {text!r} to appNames", "argocd.io/appNames", do)


def _cut(index: int) -> Edit:
    def do(body: Json, foreign: Json) -> None:
        written = _part(foreign, "metadata", "annotations").get("argocd.io/appNames")
        if not written:
            return
        left = written.split(",")
        del left[index % len(left)]
        ours = _part(body, "metadata", "annotations")["argocd.io/appNames"][len(written) :]
        text = ",".join(left)
        _part(foreign, "metadata", "annotations")["argocd.io/appNames"] = text
        _part(body, "metadata", "annotations")["argocd.io/appNames"] = (
            text + ours if text else ours.removeprefix(",")
        )

    return Edit(f"cut hand-written element {index} out of appNames", "argocd.io/appNames", do)


def _deploy(name: str) -> Edit:
    def do(body: Json, foreign: Json) -> None:
        for entity in (body, foreign):
            listed = _part(entity, "spec").setdefault("deployedIn", [])
            listed.append({"kind": "Environment", "name": name})

    return Edit(f"add {name} to deployedIn", "deployedIn", do)


def _undeploy(name: str) -> Edit:
    def do(body: Json, foreign: Json) -> None:
        for entity in (body, foreign):
            spec = _part(entity, "spec")
            if "deployedIn" in spec:
                spec["deployedIn"] = [ref for ref in spec["deployedIn"] if ref["name"] != name]

    return Edit(f"take {name} out of deployedIn", "deployedIn", do)


_ANNOTATIONS = ("metadata", "annotations")

_edit = st.one_of(
    st.sampled_from(
        (
            _set("1", "acme/x", *_ANNOTATIONS),
            _drop("acme/x", *_ANNOTATIONS),
            _set("backend", "type", "spec"),
            _set("library", "type", "spec"),
            _drop("type", "spec"),
            _drop("lifecycle", "spec"),
            _drop("deployedIn", "spec"),
            _set(1, "custom", "spec"),
            _set("Mail_Svc", "title", "metadata"),
            _set("Ours", "title", "metadata"),
            _drop("title", "metadata"),
            _drop("argocd.io/appName", *_ANNOTATIONS),
            _drop("argocd.io/appNames", *_ANNOTATIONS),
        )
    ),
    link_texts.map(lambda text: _set(text, "argocd.io/appName", *_ANNOTATIONS)),
    good_links.map(_append),
    good_links.map(_prepend),
    st.integers(0, 2).map(_cut),
    st.sampled_from(ENVIRONMENTS).map(_deploy),
    st.sampled_from(ENVIRONMENTS).map(_undeploy),
)


def edits(least: int, most: int) -> st.SearchStrategy[list[Edit]]:
    """Draw edits that somebody does at once."""
    return st.lists(_edit, min_size=least, max_size=most, unique_by=lambda edit: edit.about)
