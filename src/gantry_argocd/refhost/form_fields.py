"""
A form made of a JSON Schema: what its fields are, and what they show. Pure.

Any schema is shown: what no field fits is a field of JSON. A field is called by its JSON path, as
errors are, so an error stands beside its field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from gantry_argocd.refhost.masking import HIDDEN, safe_text

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
"""A value that is not there."""

REFERENCE = re.compile(r"(?:env|file):.+")


@attrs.frozen
class Typed:
    """A secret that somebody has typed and that is not stored yet."""

    text: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Field:
    """
    One field, or a group of them.

    Attributes:
        kind: ``text``, ``number``, ``block`` (several lines), ``lines`` (a list, one a line),
            ``json``, ``secret``, ``switch``, ``choice``, ``choices``; ``group``, ``list``,
            ``map``.

        path: JSON path; also the name in the form.

        title: A few words.

        description: May be empty.

        value: What it shows; of a switch ``on`` or nothing; never a secret.

        values: What is chosen among ``options``.

        options: Values to choose from.

        required: It has no default.

        advanced: Seldom needed: it may be folded away.

        changed: It has another value than its default.

        stored: A secret of it is stored, and stays when nothing is typed.

        sealed: A secret that was typed for it, encrypted.

        errors: What is wrong with it.

        parts: Of a group its fields; of a list its groups; of a map its rows.

        member: Of a list, what one of it is called.

        name: Of a row of a map, its key; of a group in a list, what it is called.

        about: What an error's path calls it, where that is not ``path``.
    """

    kind: str
    path: str
    title: str = ""
    description: str = ""
    value: str = ""
    values: Sequence[str] = ()
    options: Sequence[str] = ()
    example: str = ""
    required: bool = False
    advanced: bool = False
    changed: bool = False
    stored: bool = False
    sealed: str = ""
    errors: Sequence[str] = ()
    parts: Sequence[Field] = ()
    member: str = ""
    name: str = ""
    about: str = ""

    @property
    def id(self) -> str:
        """Its id on the page."""
        return "f" + re.sub(r"[^A-Za-z0-9]", lambda m: f"-{ord(m[0]):x}-", self.path)

    @property
    def wrong(self) -> bool:
        """Whether anything is wrong with it or within it."""
        return bool(self.errors) or any(part.wrong for part in self.parts)

    @property
    def plain(self) -> Sequence[Field]:
        """Its parts that are always in sight."""
        return [part for part in self.parts if not part.advanced]

    @property
    def folded(self) -> Sequence[Field]:
        """Its parts that may be folded away."""
        return [part for part in self.parts if part.advanced]

    def walk(self, among: str = "") -> Iterator[tuple[Field, str]]:
        """Give it and all within it, each with what it is called in a list of errors."""
        own = self.title or "The configuration"
        yield self, f"{own} of {among}" if among else own
        for part in self.parts:
            inside = among
            if self.kind == "list":
                part = attrs.evolve(part, title=part.name or f"new {self.member}")  # noqa: PLW2901
                inside = part.title
            yield from part.walk(inside)


@attrs.frozen(kw_only=True)
class Form:
    """
    A whole form.

    Attributes:
        root: The group of everything.

        problems: Every error with the field that it is about, and what that is called.
    """

    root: Field
    problems: Sequence[tuple[Field, str, str]]


def is_formable(schema: Mapping[str, Any]) -> bool:
    """
    Say whether there is anything to make a form of.

    None is made where a field of JSON would hold secrets: it could not show them as masks.
    """
    return kind_of(schema) == "group" and bool(schema["properties"]) and not _mixed(schema)


def _mixed(schema: Any) -> bool:
    kind = kind_of(schema)
    if kind == "group":
        return any(_mixed(part) for part in schema["properties"].values())
    if kind == "list":
        return _mixed(schema["items"])
    return kind == "json" and _has_secret(schema)


def _has_secret(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        return is_secret(schema) or any(_has_secret(inner) for inner in schema.values())
    return isinstance(schema, list) and any(_has_secret(inner) for inner in schema)


def make_form(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    errors: Sequence[Mapping[str, str]] = (),
    seal: Callable[[str], str] = lambda _: "",
) -> Form:
    """
    Make the form.

    Args:
        schema: Of the configuration.

        values: With masks, and with :class:`Typed` where a secret was typed.

        errors: With ``path`` and ``message``.

        seal: Encrypts a typed secret, so that it can go with the form.
    """
    root = _field(schema, values, "$", seal, required=True)
    by_path = {field.about or field.path: (field, called) for field, called in root.walk()}
    told: dict[str, list[str]] = {}
    problems = []
    for error in errors:
        spot = next(path for path in _upwards(error["path"]) if path in by_path)
        # What has no field of its own is told at the next one above, with its name.
        rest = error["path"].removeprefix(spot).lstrip(".")
        text = f"{rest}: {error['message']}" if rest else error["message"]
        told.setdefault(spot, []).append(text)
        problems.append((*by_path[spot], text))
    return Form(root=_with_errors(root, told), problems=problems)


def _upwards(path: str) -> Iterator[str]:
    while path and path != "$":
        yield path
        path = path[: max(path.rfind("."), path.rfind("["))]
    yield "$"


def _with_errors(field: Field, told: Mapping[str, Sequence[str]]) -> Field:
    return attrs.evolve(
        field,
        errors=told.get(field.about or field.path, ()),
        parts=[_with_errors(part, told) for part in field.parts],
    )


def kind_of(schema: Any) -> str:
    """Say which kind of field shows a schema."""
    if not isinstance(schema, Mapping):
        return "json"
    given = schema.get("type")
    kind = next((k for k in given if k != "null"), None) if isinstance(given, list) else given
    if kind == "string":
        if is_secret(schema):
            return "secret"
        if isinstance(schema.get("enum"), list):
            return "choice"
        return "block" if schema.get("contentMediaType") else "text"
    if kind in {"integer", "number"}:
        return "number"
    if kind == "boolean":
        return "switch"
    if kind == "array":
        return _kind_of_array(schema.get("items"))
    if kind == "object" and isinstance(schema.get("properties"), Mapping):
        return "group"
    if kind == "object" and kind_of(schema.get("additionalProperties")) in {"text", "secret"}:
        return "map"
    return "json"


def _kind_of_array(items: Any) -> str:
    kinds = {"group": "list", "text": "lines", "choice": "choices"}
    return kinds.get(kind_of(items), "json")


def is_secret(schema: Mapping[str, Any]) -> bool:
    """Say whether a schema marks a secret."""
    return bool(schema.get("secret") or schema.get("writeOnly"))


def _field(
    schema: Any, value: Any, path: str, seal: Callable[[str], str], *, required: bool
) -> Field:
    schema = schema if isinstance(schema, Mapping) else {}
    default = schema.get("default", MISSING)
    examples = schema.get("examples")
    base = Field(
        kind=kind_of(schema),
        path=path,
        title=str(schema.get("title") or path.rpartition(".")[2].removeprefix("$")),
        description=str(schema.get("description", "")),
        example=_text(examples[0]) if isinstance(examples, list) and examples else "",
        required=required,
        advanced=schema.get("x-advanced") is True,
        changed=value is not MISSING and value != default,
    )
    if value is MISSING:
        value = default
    if base.kind == "group":
        return _group(base, schema, value, seal)
    if base.kind == "list":
        items = value if isinstance(value, list) else []
        each = schema["items"]
        parts = [
            _field(each, item, f"{path}[{index}]", seal, required=True)
            for index, item in enumerate(items)
        ]
        member = str(each.get("title") or "item").lower()
        return attrs.evolve(base, parts=parts, member=member)
    if base.kind == "map":
        rows = value.items() if isinstance(value, Mapping) else ()
        each = schema["additionalProperties"]
        parts = [
            attrs.evolve(
                _field(each, item, f"{path}#{index}", seal, required=False),
                name=str(key),
                title=f"{base.title}: value",
                about=f"{path}.{key}",
            )
            for index, (key, item) in enumerate(rows)
        ]
        return attrs.evolve(base, parts=parts)
    return _leaf(base, schema, value, seal)


def _group(base: Field, schema: Mapping[str, Any], value: Any, seal: Callable[[str], str]) -> Field:
    given = value if isinstance(value, Mapping) else {}
    required = schema.get("required", ())
    parts = [
        _field(part, given.get(key, MISSING), f"{base.path}.{key}", seal, required=key in required)
        for key, part in schema["properties"].items()
    ]
    name = next((part.value for part in parts if part.required and part.kind == "text"), "")
    return attrs.evolve(base, parts=parts, name=name)


def _leaf(base: Field, schema: Mapping[str, Any], value: Any, seal: Callable[[str], str]) -> Field:
    if base.kind == "secret":
        if isinstance(value, Typed):
            return attrs.evolve(base, sealed=seal(value.text))
        if value == HIDDEN:
            return attrs.evolve(base, stored=True)
        shown = isinstance(value, str) and REFERENCE.fullmatch(value)
        return attrs.evolve(base, value=value if shown else "")
    if base.kind == "switch":
        return attrs.evolve(base, value="on" if value is True else "")
    if base.kind == "choice":
        options = [_text(option) for option in schema["enum"]]
        return attrs.evolve(base, options=options, values=[_text(value)])
    if base.kind in {"lines", "choices"}:
        texts = [_text(item) for item in value] if isinstance(value, list) else []
        if base.kind == "choices":
            options = [_text(option) for option in schema["items"]["enum"]]
            return attrs.evolve(base, options=options, values=texts)
        if not any("\n" in text or not text.strip() for text in texts):
            return attrs.evolve(base, value="\n".join(texts))
        return attrs.evolve(base, kind="json", value=json.dumps(value))
    if base.kind == "json":
        return attrs.evolve(base, value="" if value is MISSING else _json(value))
    address = schema.get("format") == "uri"
    return attrs.evolve(base, value=safe_text(_text(value), address=address))


def _text(value: Any) -> str:
    if value is MISSING or value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
