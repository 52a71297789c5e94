"""
How a setting is described once, for validation, the JSON Schema, forms and documentation (G1).

Each attribute of a settings class carries a :class:`Setting`. :func:`read` checks a JSON value
against such a class and gives every error at once; :func:`schema` makes the JSON Schema of it.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import attrs

from ..hookspecs import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .texts import Text


_JSON_TYPES: dict[str, type[Any]] = {"string": str, "boolean": bool, "array": list, "object": dict}
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,40}")
_METADATA = "gantry_argocd.setting"
_AS_DEFAULT: Any = object()


@attrs.frozen(kw_only=True)
class Setting:
    """
    What is known of one setting.

    Attributes:
        key: Its name in JSON.

        title: A few words, for a form.

        description: One or two sentences.

        json_type:  ``string``, ``boolean``, ``array`` or ``object``.

        text: What the text looks like; of an array or an object, its members' texts.

        keys: What the keys of an object look like.

        items: The settings class of the items of an array, or of an object's members.

        member: What one item is called, for a form.

        required: It has no default.

        default: The JSON value that an absent one stands for.

        empty: The attribute that an empty text of an optional setting gives; its default's, if
            nothing is said.

        secret: Never shown (G4). For an object: its values.

        choices: The only texts allowed, of an array in it. None for any.

        examples: JSON values.

        advanced: Seldom needed: a form may fold it away.
    """

    key: str
    title: str
    description: str
    json_type: str = "string"
    text: Text | None = None
    keys: Text | None = None
    items: type | None = None
    member: str = ""
    required: bool = False
    default: Any = ""
    empty: Any = _AS_DEFAULT
    secret: bool = False
    choices: tuple[str, ...] | None = None
    examples: tuple[Any, ...] = ()
    advanced: bool = False


def setting(**known: Any) -> Any:
    """Declare an attribute of a settings class."""
    return attrs.field(metadata={_METADATA: Setting(**known)})


def settings_of(cls: type) -> Mapping[str, Setting]:
    """Give the settings of a class by attribute name."""
    return {
        field.name: field.metadata[_METADATA]
        for field in attrs.fields(cls)
        if _METADATA in field.metadata
    }


def schema(cls: type) -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of a settings class."""
    known = settings_of(cls).values()
    return {
        "type": "object",
        "properties": {item.key: _schema_of(item) for item in known},
        "required": [item.key for item in known if item.required],
        "additionalProperties": False,
    }


def _schema_of(item: Setting) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": item.json_type,
        "title": item.title,
        "description": item.description,
    }
    if not item.required:
        result["default"] = item.default
    if item.advanced:
        result["x-advanced"] = True
    if item.choices is not None and item.json_type == "string":
        result["enum"] = list(item.choices)
    if item.examples:
        result["examples"] = list(item.examples)
    if item.items is not None and item.json_type == "array":
        result["items"] = {"title": item.member} | schema(item.items)
    elif item.items is not None:
        result |= schema(item.items)
    elif item.json_type == "array":
        result["items"] = (
            {"type": "string", "enum": list(item.choices)}
            if item.choices is not None
            else _text_schema(item.text)
        )
    elif item.json_type == "object":
        result["additionalProperties"] = _text_schema(
            item.text, or_empty=item.secret
        ) | _secret_marks(item)
        if item.keys is not None:
            result["propertyNames"] = {
                key: value for key, value in _text_schema(item.keys).items() if key != "type"
            }
    elif item.json_type == "string":
        result |= _text_schema(item.text, or_empty=not item.required) | _secret_marks(item)
    return result


def _text_schema(text: Text | None, *, or_empty: bool = False) -> dict[str, Any]:
    if text is None:
        return {"type": "string"}
    pattern = f"^(?:{text.pattern})$"
    result = {
        "type": "string",
        "pattern": f"^$|{pattern}" if or_empty else pattern,
        "maxLength": text.longest,
    }
    if text.media_type:
        result["contentMediaType"] = text.media_type
    if text.format and not or_empty:
        result["format"] = text.format
    return result


def _secret_marks(item: Setting) -> dict[str, Any]:
    return {"writeOnly": True, "secret": True} if item.secret else {}


def read(cls: type, value: Any, path: str, errors: list[ConfigError]) -> dict[str, Any] | None:
    """
    Check a JSON value against a settings class.

    Args:
        cls: The class.

        value: Any JSON value.

        path: Where it stands, for error texts.

        errors: Every error is appended.

    Returns:
        Values by attribute name, defaults filled in. None when it is no object.
    """
    if not isinstance(value, dict):
        errors.append({"path": path, "message": f"an object is expected, not {_named(value)}"})
        return None
    known = settings_of(cls)
    by_key = {item.key: name for name, item in known.items()}
    errors.extend(
        {"path": f"{path}.{_shown(key)}", "message": _unknown(str(key), by_key)}
        for key in value
        if key not in by_key
    )
    result = {}
    for name, item in known.items():
        spot = f"{path}.{item.key}"
        given = value.get(item.key)
        if item.key not in value or given is None:
            if item.required:
                errors.append({"path": spot, "message": f"is required: {item.description}"})
                result[name] = item.default
                continue
            given = item.default
        result[name] = _read_one(item, given, spot, errors)
    return result


def _read_one(item: Setting, given: Any, path: str, errors: list[ConfigError]) -> Any:
    expected = _JSON_TYPES[item.json_type]
    if not isinstance(given, expected):
        message = f"{_named(expected())} is expected, not {_named(given)}"
        if item.json_type == "boolean" and isinstance(given, str):
            message += "; write true or false without quotes"
        errors.append({"path": path, "message": message})
        return item.default
    if item.items is not None:
        if item.json_type == "array":
            return [
                read(item.items, element, f"{path}[{index}]", errors)
                for index, element in enumerate(given)
            ]
        return read(item.items, given, path, errors)
    if item.json_type == "array":
        return [_member(item, e, f"{path}[{index}]", errors) for index, e in enumerate(given)]
    if item.json_type == "object":
        return _members(item, given, path, errors)
    _check_choice(item, given, path, errors)
    if given == "" and not item.required:
        if item.empty is not _AS_DEFAULT:
            return item.empty
        if item.default == "":
            return ""
        given = item.default
    return _text(item.text, given, path, errors)


def _members(
    item: Setting, given: Mapping[Any, Any], path: str, errors: list[ConfigError]
) -> dict[str, Any]:
    seen: set[str] = set()
    result = {}
    for key, value in given.items():
        spot = f"{path}.{_shown(key)}"
        name = _text(item.keys, key, spot, errors) if isinstance(key, str) else None
        if name is None and not isinstance(key, str):
            errors.append({"path": path, "message": "keys that are strings are expected"})
        if str(key).lower() in seen:
            errors.append({"path": spot, "message": "is given twice; capitals make no difference"})
        seen.add(str(key).lower())
        result[str(key)] = _member(item, value, spot, errors)
    return result


def _member(item: Setting, given: Any, path: str, errors: list[ConfigError]) -> Any:
    if not isinstance(given, str):
        errors.append({"path": path, "message": f"a string is expected, not {_named(given)}"})
        return None
    _check_choice(item, given, path, errors)
    return _text(item.text, given, path, errors)


def _check_choice(item: Setting, given: str, path: str, errors: list[ConfigError]) -> None:
    if item.choices is not None and given not in item.choices:
        expected = ", ".join(repr(choice) for choice in item.choices)
        errors.append({"path": path, "message": f"one of {expected} is expected"})


def _text(text: Text | None, given: str, path: str, errors: list[ConfigError]) -> Any:
    if text is None:
        return given
    try:
        return text.read(given)
    except ValueError as problem:
        errors.append({"path": path, "message": f"{problem} is expected"})
        return None


def _unknown(key: str, known: Mapping[str, str]) -> str:
    mistaken, colon, _ = key.partition(":")
    if colon and mistaken in known:
        return f"is not known; a blank is missing after {mistaken}:"
    lowered = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower(), lowered, n=1, cutoff=0.6)
    return "is not known" + (f"; is {lowered[near[0]]} meant?" if near else "")


def _named(value: Any) -> str:
    # The value itself may be a secret in the wrong place: only its type is told.
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number"}
    names |= {str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), "something else")


def _shown(key: object) -> str:
    # A key that is none may be a secret that slipped into the wrong place.
    text = str(key)
    return text if _KEY.fullmatch(text) else "(a key that is none)"
