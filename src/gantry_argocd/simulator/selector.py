"""Label selectors, parsed and complained about as Kubernetes does."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

_TOKEN = re.compile(r"\s*(?:(==|!=|=|!|,|\(|\)|<|>)|([^\s,()=!<>]+))")
_IDENTIFIER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?")
_VALUE_LIMIT = 63


class SelectorInvalid(ValueError):
    """A selector Kubernetes would not parse; the text is Kubernetes' own."""


@attrs.frozen
class Requirement:
    """One comma-separated part of a selector."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def met_by(self, labels: Mapping[str, str]) -> bool:
        """Return whether *labels* satisfy this requirement."""
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "in":
                return value in self.values
            case _:
                return value not in self.values


def selects(requirements: tuple[Requirement, ...], labels: Mapping[str, str]) -> bool:
    """Return whether *labels* satisfy every requirement."""
    return all(requirement.met_by(labels) for requirement in requirements)


def parse(text: str) -> tuple[Requirement, ...]:
    """Return the requirements of a selector; raises SelectorInvalid."""
    return _Parser(text).requirements() if text.strip() else ()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [symbol or name for symbol, name in _TOKEN.findall(text)]
        self._at = 0

    def requirements(self) -> tuple[Requirement, ...]:
        found = [self._requirement()]
        while (word := self._next()) is not None:
            if word != ",":
                raise SelectorInvalid(f"found '{word}', expected: ',' or 'end of string'")
            found.append(self._requirement())
        return tuple(found)

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str | None:
        word = self._peek()
        self._at += 1
        return word

    def _requirement(self) -> Requirement:
        negated = self._peek() == "!"
        if negated:
            self._next()
        key = self._identifier()
        if negated:
            return Requirement(key, "!")
        operator = self._peek()
        if operator in (None, ","):
            return Requirement(key, "exists")
        self._next()
        if operator in ("=", "==", "!="):
            value = self._value(key, 0)
            return Requirement(key, "notin" if operator == "!=" else "in", (value,))
        if operator in ("in", "notin"):
            return Requirement(key, operator, self._values(key))
        raise SelectorInvalid(
            f"unable to parse requirement: found '{operator}', "
            "expected: in, notin, =, ==, !=, gt, lt"
        )

    def _identifier(self) -> str:
        word = self._next()
        if word is None or not _IDENTIFIER.fullmatch(word):
            raise SelectorInvalid(
                f"unable to parse requirement: found '{word or ''}', expected: identifier"
            )
        return word

    def _value(self, key: str, index: int) -> str:
        if self._peek() in (None, ","):
            return ""
        word = self._next() or ""
        if re.fullmatch(r"[=!<>()]+", word):
            raise SelectorInvalid(
                f"unable to parse requirement: found '{word}', expected: identifier"
            )
        problem = None
        if len(word) > _VALUE_LIMIT:
            problem = "must be no more than 63 bytes"
        elif not _VALUE.fullmatch(word):
            problem = "a valid label must be an empty string or consist of alphanumeric characters"
        if problem:
            raise SelectorInvalid(
                f"unable to parse requirement: values[{index}][{key}]: "
                f'Invalid value: "{word}": {problem}'
            )
        return word

    def _values(self, key: str) -> tuple[str, ...]:
        if (word := self._next()) != "(":
            raise SelectorInvalid(f"unable to parse requirement: found '{word}', expected: '('")
        values: list[str] = []
        while (word := self._peek()) not in (")", None):
            if word == ",":
                self._next()
                continue
            values.append(self._value(key, len(values)))
        if self._next() != ")":
            raise SelectorInvalid("unable to parse requirement: found '', expected: ',' or ')'")
        return tuple(values)
