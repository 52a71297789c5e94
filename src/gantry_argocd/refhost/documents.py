"""
Entities as JSON: their key, what of them is stored, and what is wrong with one that is written.

Pure. The host keeps ``createdAt``, ``updatedAt`` and ``createdBy`` in columns of its own; all
else of an entity, unknown keys included, is its *document*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from gantry_argocd.hookspecs import Entity
from gantry_argocd.refhost import kinds
from gantry_argocd.refhost.problems import Invalid

API_VERSION = "gantry.io/v1"
DEFAULT_NAMESPACE = "default"
NAME_LENGTH = 253
NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")

HOST_FIELDS = ("createdAt", "updatedAt", "createdBy")
"""Keys of ``metadata`` that a writer sends in vain."""

_TOP_ORDER = ("kind", "apiVersion", "metadata", "spec")
_META_ORDER = (
    "name", "namespace", "title", "description", "owner", "tags", "annotations", "labels",
)  # fmt: skip
_DROPPED_WHEN_EMPTY = _META_ORDER[2:]
_TEXTS = ("title", "description", "owner")

DEEPEST = 64
"""Levels of lists and objects in an entity; pages and plugins go down all of them."""

Document = dict[str, Any]


class Key(NamedTuple):
    """What makes an entity one entity."""

    kind: str
    namespace: str
    name: str

    @property
    def ref(self) -> str:
        """Text form for audit records."""
        return f"{self.kind}:{self.namespace}/{self.name}"


def key_of(entity: Entity) -> Key:
    """Read the key of a well-formed entity."""
    metadata = entity["metadata"]
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
    return Key(str(entity["kind"]), str(namespace), str(metadata["name"]))


def document(entity: Entity) -> Document:
    """
    Give what of *entity* is stored, with its keys in the order of the wire.

    Empty texts, lists and maps of ``metadata``, and an empty ``spec``, are stored as nothing.
    """
    metadata = dict(entity["metadata"])
    metadata["namespace"] = metadata.get("namespace") or DEFAULT_NAMESPACE
    for field in HOST_FIELDS:
        metadata.pop(field, None)
    for field in _DROPPED_WHEN_EMPTY:
        if metadata.get(field, "kept") in ("", None, [], {}):
            del metadata[field]
    whole = {**entity, "metadata": _ordered(metadata, _META_ORDER)}
    whole["apiVersion"] = entity.get("apiVersion") or API_VERSION
    if not whole.get("spec"):
        whole.pop("spec", None)
    return _ordered(whole, _TOP_ORDER)


def text_of(doc: Document) -> str:
    """Write a document for the database. Escaped to ASCII: any character survives any store."""
    return json.dumps(doc, separators=(",", ":"))


def same(one: Document, other: Document) -> bool:
    """
    Say whether two documents hold the same values, in whatever order their keys are.

    By text, because to Python ``1``, ``1.0`` and ``true`` are equal.
    """
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def check_shape(body: Any) -> None:
    """
    Refuse what is no entity at all.

    Raises:
        Invalid: ``invalid request body: …`` with the first thing that has a wrong type.
    """
    if not isinstance(body, dict):
        raise Invalid("invalid request body: expected a JSON object")
    if deeper_than(body, DEEPEST):
        raise Invalid(f"invalid request body: nested more than {DEEPEST} levels deep")
    metadata = body.get("metadata")
    for path, value, wanted in (
        ("kind", body.get("kind"), str),
        ("apiVersion", body.get("apiVersion"), str),
        ("metadata", metadata, dict),
        ("spec", body.get("spec"), dict),
    ):
        _expect(path, value, wanted)
    if isinstance(metadata, dict):
        _check_metadata(metadata)


def deeper_than(value: Any, levels: int) -> bool:
    """Say whether lists and objects stand in each other more than so many *levels* deep."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [item for item in layer if isinstance(item, dict | list)]
        if not layer:
            return False
        layer = [
            inner for item in layer for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return True


def check_base(body: Mapping[str, Any]) -> None:
    """
    Check what every entity must have, all problems at once.

    Raises:
        Invalid: ``entity validation failed: …``.
    """
    if problems := list(_base_problems(body)):
        raise Invalid("entity validation failed: " + "; ".join(problems))


def check_spec(kind: str, spec: Mapping[str, Any]) -> None:
    """
    Check *spec* against the schema of its kind.

    Raises:
        Invalid: ``spec validation failed for kind "Service": …``.
    """
    schema = kinds.schemas().get(kind)
    if schema is None:
        return
    errors = sorted(
        Draft202012Validator(schema).iter_errors(spec), key=lambda e: list(map(str, e.path))
    )
    if errors:
        text = "; ".join(_schema_text(error) for error in errors)
        raise Invalid(f'spec validation failed for kind "{kind}": {text}')


def _ordered(mapping: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    first = {key: mapping[key] for key in order if key in mapping}
    return first | {key: value for key, value in mapping.items() if key not in first}


def _expect(path: str, value: Any, wanted: type[Any]) -> None:
    if value is not None and not isinstance(value, wanted):
        names: dict[type[Any], str] = {str: "a string", dict: "an object", list: "a list"}
        raise Invalid(f"invalid request body: {path} must be {names[wanted]}")


def _check_metadata(metadata: Mapping[str, Any]) -> None:
    for field in ("name", "namespace", *_TEXTS):
        _expect(f"metadata.{field}", metadata.get(field), str)
    _expect("metadata.tags", metadata.get("tags"), list)
    for number, tag in enumerate(metadata.get("tags") or ()):
        if not isinstance(tag, str):
            raise Invalid(f"invalid request body: metadata.tags[{number}] must be a string")
    for field in ("annotations", "labels"):
        _expect(f"metadata.{field}", metadata.get(field), dict)
        for key, value in (metadata.get(field) or {}).items():
            if not isinstance(value, str):
                raise Invalid(f"invalid request body: metadata.{field}.{key} must be a string")


def _base_problems(body: Mapping[str, Any]) -> Iterator[str]:
    kind = (body.get("kind") or "").strip()
    if not kind:
        yield "kind is required"
    elif kind not in kinds.KINDS:
        yield f'kind "{kind}" is unknown, known are {", ".join(kinds.KINDS)}'
    metadata = body.get("metadata") or {}
    name = metadata.get("name") or ""
    if not name:
        yield "metadata.name is required"
    else:
        yield from _name_problems("metadata.name", name)
    if namespace := metadata.get("namespace"):
        yield from _name_problems("metadata.namespace", namespace)


def _name_problems(path: str, name: str) -> Iterator[str]:
    if len(name) > NAME_LENGTH:
        yield f"{path} is longer than {NAME_LENGTH} characters"
    elif not NAME.fullmatch(name):
        yield (
            f'{path} "{name}" must consist of lower-case letters, digits, "-" and ".", '
            "and begin and end with a letter or digit"
        )


def _schema_text(error: ValidationError) -> str:
    pointer = "".join(f"/{part}" for part in error.absolute_path)
    message = error.message
    instance: Any = error.instance
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "enum":
        message = "value must be one of " + ", ".join(json.dumps(v) for v in schema["enum"])
    elif error.validator == "required":
        lacking = [name for name in schema["required"] if name not in instance]
        message = "missing properties: " + ", ".join(f"'{name}'" for name in lacking)
    elif error.validator == "additionalProperties":
        extra = [name for name in instance if name not in schema["properties"]]
        message = "additionalProperties " + ", ".join(f"'{n}'" for n in extra) + " not allowed"
    elif error.validator == "type":
        message = f"expected {_or(schema['type'])}, but got {_type_name(instance)}"
    return f"{pointer}: {message}" if pointer else message


def _or(types: str | list[str]) -> str:
    return types if isinstance(types, str) else " or ".join(types)


def _type_name(value: Any) -> str:
    names: dict[type, str] = {
        bool: "boolean", int: "number", float: "number", str: "string", list: "array",
        dict: "object", type(None): "null",
    }  # fmt: skip
    return names.get(type(value), "something else")
