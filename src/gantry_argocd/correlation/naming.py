"""
Names of entities made from labels and app names (correlation rules 10 and 11).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from ..refs import MAX_NAME, is_entity_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..models import Facts

_HASH_DIGITS = 6


def raw_name(facts: Facts) -> str:
    """
    Give the name that the owner of an app wants its entity to have.

    The label counts as not set when nothing usable is in it (rule 10). Empty when the app's
    own name holds nothing usable either.
    """
    for text in (facts.label, facts.key.name):
        if is_entity_name(text) or clean(text):
            return text
    return ""


def clean(text: str) -> str:
    """Make *text* valid the way Gantry's own form does; its length is not looked at."""
    lowered = re.sub(r"\s", "-", text.lower())
    dashed = re.sub(r"-+", "-", re.sub(r"[^a-z0-9.-]", "-", lowered))
    return re.sub(r"^[^a-z0-9]+|[^a-z0-9]+$", "", dashed)


def valid_names(
    raw_names: Iterable[str],
) -> tuple[Mapping[str, str], tuple[tuple[str, str], ...]]:
    """
    Give each raw name its entity name, so that different ones never meet (rule 11).

    Args:
        raw_names: Of all apps that are placed by naming; the result depends on nothing else.

    Returns:
        The entity name of each, and each raw name that had to be made distinct, with a sentence.
    """
    forms: dict[str, set[str]] = defaultdict(set)
    for raw in raw_names:
        forms[raw if is_entity_name(raw) else clean(raw)].add(raw)

    result = {}
    problems = []
    for form, raws in sorted(forms.items()):
        for raw in sorted(raws):
            if raw == form and is_entity_name(raw):
                result[raw] = raw
            elif len(raws) > 1 or len(form) > MAX_NAME:
                result[raw] = _distinct(raw, form)
                why = (
                    "is too long" if len(form) > MAX_NAME else f"would become {form!r} like others"
                )
                text = f"name {_short(raw)!r} {why}; its entity is {result[raw]!r}"
                problems.append((raw, text))
            else:
                result[raw] = form
    return result, tuple(problems)


def possible_names(raw: str) -> tuple[str, ...]:
    """Give every entity name that *raw* can get, whatever other raw names there are."""
    if is_entity_name(raw):
        return (raw,)
    form = clean(raw)
    return (form, _distinct(raw, form))


def _distinct(raw: str, form: str) -> str:
    digits = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{form[: MAX_NAME - _HASH_DIGITS - 1]}-{digits}"


def _short(raw: str) -> str:
    return raw if len(raw) <= 80 else f"{raw[:77]}..."
