"""Answers of real Argo CD servers, where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2] / "shared" / "argocd"
RELEASES = (
    "recorded",
    *(f"recorded-{r}" for r in ("2.14.21", "3.0.23", "3.2.12", "3.4.7", "3.6-dev")),
)


def recorded(name: str, release: str = "recorded") -> dict[str, Any]:
    """Read one recorded exchange; skips the test where the recordings are not there."""
    _skip_without_recordings()
    text = (ROOT / release / f"{name}.json").read_text("utf-8")
    exchange: dict[str, Any] = json.loads(text)
    return exchange


def exchanges(release: str = "recorded") -> list[dict[str, Any]]:
    """Read all recorded exchanges of a release; skips the test where they are not there."""
    _skip_without_recordings()
    paths = sorted((ROOT / release).glob("*/*.json"))
    found = [json.loads(path.read_text("utf-8")) for path in paths]
    return [item for item in found if isinstance(item, dict) and "response" in item]


def _skip_without_recordings() -> None:
    if not ROOT.is_dir():
        pytest.skip("the recorded answers of real servers are not part of this project")
