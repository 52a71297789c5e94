"""The document of compatibility against the suite that it is written from."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "compatibility.md"


def test_the_document_has_every_fact() -> None:
    """What is documented are the facts of the suite, none missing and none left over."""
    facts = set()
    for path in HERE.glob("test_facts_*.py"):
        module = importlib.import_module(path.stem)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_"):
                facts.add(" ".join((inspect.getdoc(function) or "").split()))
    rows = re.findall(r"^\| (.+?) \|(?: [✓✗-] \|)+$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert set(rows) == facts
    assert "✗" not in "".join(DOCUMENT.read_text("utf-8").split("\n## ")[1:-1])
