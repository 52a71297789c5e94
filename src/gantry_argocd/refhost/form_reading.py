"""
What somebody has filled into a form of :mod:`gantry_argocd.refhost.form_fields`. Pure.

The schema is walked as when the form was made; nothing is read that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from gantry_argocd.refhost.form_fields import MISSING, REFERENCE, Typed, kind_of
from gantry_argocd.refhost.masking import HIDDEN
from gantry_argocd.refhost.problems import Invalid
from gantry_argocd.refhost.web import parse_json

SAVE = "save"
LONGEST_LIST = 1000


@attrs.frozen(kw_only=True)
class Filled:
    """
    A form as it came.

    Attributes:
        values: With masks for kept secrets, and :class:`Typed` for those that were typed.

        errors: What cannot even be handed on.

        done: The button pressed: ``save``, or ``add:`` or ``remove:`` with a path.

        focus: Path of what was added; of where something was removed.
    """

    values: Mapping[str, Any]
    errors: Sequence[Mapping[str, str]]
    done: str
    focus: str

    @property
    def saving(self) -> bool:
        """Whether it is to be saved, rather than to get or lose a part."""
        return self.done == SAVE

    @property
    def revealed(self) -> Any:
        """The values with the secrets that were typed."""
        return _revealed(self.values)


def read_form(
    schema: Mapping[str, Any], form: Mapping[str, str], unseal: Callable[[str], str | None]
) -> Filled:
    """
    Read a form.

    Args:
        schema: Of the configuration.

        form: Its fields.

        unseal: Decrypts a secret that went with the form; None when it is not this user's.
    """
    reader = _Reader(form, unseal)
    values = reader.group(schema, "$")
    return Filled(
        values=values, errors=reader.errors, done=form.get("do", SAVE), focus=reader.focus
    )


def _revealed(value: Any) -> Any:
    if isinstance(value, Typed):
        return value.text
    if isinstance(value, Mapping):
        return {key: _revealed(inner) for key, inner in value.items()}
    return [_revealed(item) for item in value] if isinstance(value, list) else value


class _Reader:
    def __init__(self, form: Mapping[str, str], unseal: Callable[[str], str | None]) -> None:
        self._form = form
        self._unseal = unseal
        self._do = form.get("do", SAVE)
        self.errors: list[dict[str, str]] = []
        self.focus = ""

    def group(self, schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Read an object."""
        required = schema.get("required", ())
        found = {}
        for key, part in schema["properties"].items():
            value = self._field(part, f"{path}.{key}", required=key in required)
            # What has its default is left out, so that a later default comes into force.
            default = part.get("default", MISSING) if isinstance(part, Mapping) else MISSING
            if value is not MISSING and (key in required or value != default):
                found[key] = value
        return found

    def _field(self, schema: Any, path: str, *, required: bool) -> Any:
        kind = kind_of(schema)
        if kind == "group":
            return self.group(schema, path) or MISSING
        if kind == "list":
            return self._list(schema, path)
        if kind == "map":
            return self._map(schema, path)
        if kind == "secret":
            return self._secret(path)
        if kind == "switch":
            return path in self._form
        if kind == "choices":
            options = schema["items"]["enum"]
            return [option for option in options if f"{path}#{option}" in self._form]
        text = self._text(path)
        if f"{path}#json" in self._form:
            kind = "json"
        if text is None or (required and not text.strip()):
            return MISSING
        return self._leaf(kind, text, path)

    def _leaf(self, kind: str, text: str, path: str) -> Any:
        if kind == "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        if kind == "number":
            return _number(text.strip())
        if kind == "json":
            try:
                return parse_json(text) if text.strip() else MISSING
            except Invalid:
                self.errors.append({"path": path, "message": "JSON is expected"})
        return text if kind == "block" else text.strip()

    def _list(self, schema: Mapping[str, Any], path: str) -> Any:
        size = self._size(path)
        if size is None:
            return MISSING
        found = []
        for index in range(size):
            if self._do == f"remove:{path}[{index}]":
                self.focus = path
                continue
            found.append(self.group(schema["items"], f"{path}[{index}]"))
        if self._do == f"add:{path}":
            self.focus = f"{path}[{len(found)}]"
            found.append({})
        return found

    def _map(self, schema: Mapping[str, Any], path: str) -> Any:
        size = self._size(path)
        if size is None:
            return MISSING
        secret = kind_of(schema["additionalProperties"]) == "secret"
        found: dict[str, Any] = {}
        for index in range(size):
            spot = f"{path}#{index}"
            key = (self._text(f"{spot}.key") or "").strip()
            value = self._secret(spot) if secret else (self._text(spot) or "").strip()
            if self._do == f"remove:{spot}":
                self.focus = path
            elif key in found:
                self.errors.append({"path": path, "message": f"{key[:80]!r} is given twice"})
            elif key or value not in (MISSING, ""):
                found[key] = "" if value is MISSING else value
        if self._do == f"add:{path}":
            self.focus = f"{path}#{len(found)}"
            found.setdefault("", "")
        return found

    def _secret(self, path: str) -> Any:
        text = self._form.get(path, "")
        if text:
            return text if text == HIDDEN or REFERENCE.fullmatch(text) else Typed(text)
        if f"{path}#clear" in self._form:
            return ""
        sealed = self._form.get(f"{path}#typed", "")
        if sealed:
            opened = self._unseal(sealed)
            if opened is not None:
                return Typed(opened)
            self.errors.append({"path": path, "message": "what was typed is lost: type it again"})
            return MISSING
        return HIDDEN if f"{path}#stored" in self._form else MISSING

    def _text(self, path: str) -> str | None:
        text = self._form.get(path)
        return None if text is None else text.replace("\r\n", "\n").replace("\r", "\n")

    def _size(self, path: str) -> int | None:
        text = self._form.get(f"{path}#size", "")
        return min(int(text), LONGEST_LIST) if text.isascii() and text.isdigit() else None


def _number(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if type(value) in (int, float) else text
