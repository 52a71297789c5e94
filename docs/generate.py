"""Write the parts of the documents that come from the code; tests hold them equal."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from pathlib import Path
from runpy import run_path
from typing import Any

from gantry_argocd import errors, hookspecs, view
from gantry_argocd.instances.doctor import ADVICE, STEPS
from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.settings.fields import settings_of
from gantry_argocd.settings.model import InstanceSettings, Settings, Timeouts
from gantry_argocd.settings.policy import PolicyRule

DOCS = Path(__file__).parent
_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |\n" for row in lines
    )


def settings(cls: type) -> str:
    """Write the settings of a class."""
    rows = []
    for item in settings_of(cls).values():
        default = "required" if item.required else f"`{item.default!r}`" if item.default else ""
        secret = " Secret." if item.secret else ""
        choices = f" One of {', '.join(filter(None, item.choices))}." if item.choices else ""
        rows.append([f"`{item.key}`", item.json_type, default, item.description + choices + secret])
    return table(["key", "type", "default", "meaning"], rows)


def hooks() -> str:
    """Write every hook with its signature and docstring."""
    parts = []
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if not hasattr(function, "gantry_spec"):
            continue
        parameters = str(inspect.signature(function)).replace("'", "")
        text = textwrap.indent(inspect.cleandoc(function.__doc__ or ""), "")
        parts.append(
            (
                function.__code__.co_firstlineno,
                f"### {name}\n\n```python\n{name}{parameters}\n```\n\n```text\n{text}\n```\n",
            )
        )
    return "\n".join(text for _, text in sorted(parts))


def routes() -> str:
    """Write the plugin's routes."""
    known: Any = ArgoCDPlugin().plugin_routes("argocd")
    rows = [[f"`{r['method']} {r['path']}`", r["role"], r["summary"]] for r in known]
    return table(["route", "role", "what it does"], rows)


def error_table() -> str:
    """Write every error of the tree."""
    rows = []
    for cls in _tree(errors.GantryArgoCDError):
        meaning = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        rows.append([f"`{cls.code}`", str(cls.status), meaning, cls.help])
    return table(["code", "status", "meaning", "what to do"], rows)


def views() -> str:
    """Write every view class with its attributes."""
    parts = []
    for name in view.__all__:
        shown = getattr(view, name)
        if not inspect.isclass(shown) or shown is view.AppState:
            continue
        summary, _, attributes = inspect.cleandoc(shown.__doc__ or "").partition("Attributes:")
        rows = [
            [f"`{found[1]}`", " ".join(found[2].split())]
            for found in re.finditer(r"    (\w+): (.*?)(?=\n\n    \w+: |\Z)", attributes, re.DOTALL)
        ]
        parts.append(f"### {name}\n\n{summary.strip()}\n\n{table(['attribute', 'meaning'], rows)}")
    return "\n".join(parts)


def _tree(cls: type[errors.GantryArgoCDError]) -> list[type[errors.GantryArgoCDError]]:
    found = []
    for sub in cls.__subclasses__():
        if sub.__module__ == errors.__name__:
            found += [sub, *_tree(sub)]
    return found


def steps() -> str:
    """Write what the doctor tries."""
    return table(["step", "it is well when"], [[f"`{name}`", text] for name, text in STEPS.items()])


def advice() -> str:
    """Write what the doctor says of what is no failure."""
    return "".join(f"- {text}\n" for text in ADVICE.values())


def laws() -> str:
    """Write the laws of correlation, as their tests say them."""
    folder = DOCS.parent / "tests" / "correlation"
    lines = []
    for name in ("test_laws.py", "test_history.py", "test_history_hosted.py"):
        for node in ast.walk(ast.parse((folder / name).read_text("utf-8"))):
            is_test = isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            is_machine = isinstance(node, ast.ClassDef) and any(
                ast.unparse(base).endswith("RuleBasedStateMachine") for base in node.bases
            )
            if is_test or is_machine:
                sentence = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
                lines.append(f"- {sentence}\n")
    return "".join(lines)


def performance() -> str:
    """Write what the benchmarks measured last."""
    folder = DOCS.parent / "benchmarks"
    results = json.loads((folder / "results.json").read_text("utf-8"))
    text: str = run_path(str(folder / "table.py"))["measured"](results)
    return text


PARTS = {
    "performance": performance,
    "laws": laws,
    "settings": lambda: settings(Settings),
    "instance": lambda: settings(InstanceSettings),
    "timeouts": lambda: settings(Timeouts),
    "policy": lambda: settings(PolicyRule),
    "hooks": hooks,
    "routes": routes,
    "errors": error_table,
    "views": views,
    "steps": steps,
    "advice": advice,
}


def generated(text: str) -> str:
    """Give a document with its generated parts as they are to be."""
    return _MARKED.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", text)


if __name__ == "__main__":
    for path in sorted(DOCS.glob("*.md")):
        path.write_text(generated(path.read_text("utf-8")), "utf-8")
