"""
Go duration texts: ``90s``, ``5m``, ``1h30m`` (requirement D6).

``durationpy`` was tried first and refused: it takes days, weeks and years, which Go does not.
"""

from __future__ import annotations

import re

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(text: str) -> float:
    """
    Give the seconds that a Go duration stands for.

    Raises:
        ValueError: For anything that Go would refuse, and for negative ones.
    """
    if text == "0":
        return 0.0
    if len(text) > 100 or not _WHOLE.fullmatch(text):
        msg = "a duration such as 90s, 5m or 1h30m"
        raise ValueError(msg)
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
