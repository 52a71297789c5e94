"""What is written about the project agrees with the project."""

from __future__ import annotations

import importlib.util
import inspect
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gantry_argocd import hookspecs
from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.refhost import create_host, serve_in_thread
from gantry_argocd.simulator import Simulator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def marked(kind: str) -> str:
    """Give a code block of the README by its mark."""
    found = re.search(rf"<!-- {kind} -->\n```bash\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1].strip()


def generator() -> ModuleType:
    """Import the script that writes the generated parts."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    """A reader of the documents sees the settings, hooks, routes and errors of today's code."""
    text = path.read_text("utf-8")

    assert generator().generated(text) == text


def test_every_hook_is_documented_and_nothing_else() -> None:
    """The headings of the hooks' page are exactly the hooks, each of which we implement."""
    text = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    specified = {
        name
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if hasattr(function, "gantry_spec")
    }
    implemented = {
        name
        for name, function in inspect.getmembers(ArgoCDPlugin, inspect.isfunction)
        if hasattr(function, "gantry_impl")
    }

    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == specified == implemented


def test_every_hook_is_called_by_a_test() -> None:
    """No hook is only declared."""
    called = (ROOT / "tests" / "hooks" / "test_hooks.py").read_text("utf-8")

    missing = [
        name
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if hasattr(function, "gantry_spec") and f"hook.{name}(" not in called
    ]
    assert missing == []


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of README and docs leads to a file that is there."""
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_ci_runs_the_readmes_test_command() -> None:
    """What the README promises is what is run for each change."""
    assert "pytest" in marked("test")
    assert "<!-- test -->" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_package_says_one_thing_about_python() -> None:
    """Floor, classifiers, linter and type checker agree on the Python versions."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    floor = config["project"]["requires-python"].removeprefix(">=")
    versions = re.findall(r"Python :: (3\.\d+)", " ".join(config["project"]["classifiers"]))

    assert versions[0] == floor == config["tool"]["mypy"]["python_version"]
    assert config["tool"]["ruff"]["target-version"] == f"py{floor.replace('.', '')}"
    assert f"Python {floor} or later" in README


def test_every_dependency_is_documented_with_its_reason() -> None:
    """Who has to approve what is installed finds each package, and why it is there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    text = (ROOT / "docs" / "design.md").read_text("utf-8").lower()

    names = {re.split(r"[<>=\[;]", item)[0].strip().lower() for item in wanted}
    assert {name for name in names if name not in text and not name.startswith("types-")} == set()


def test_nothing_names_a_place_outside_the_project() -> None:
    """A stranger who clones the project finds everything that it speaks of."""
    for folder in ("src", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".md", ".html", ".css", ".js"}:
                assert "../shared" not in path.read_text("utf-8"), path


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl, bash")
def test_the_readmes_calls_work_as_they_are_printed(argocd: Simulator, tmp_path: Path) -> None:
    """The curl commands of the README do what it says, against a host as ``serve`` runs it."""
    host = create_host(data_dir=tmp_path, admin_password="change-me")
    with serve_in_thread(host) as running:
        script = (
            marked("curl")
            .replace("http://127.0.0.1:8080", running.url)
            .replace("https://argocd.your-org.com", argocd.url)
            .replace("your-argocd-api-token", argocd.token)
        )
        done: Any = subprocess.run(  # noqa: S603
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.returncode == 0, done.stderr
    assert '"syncStatus":"OutOfSync"' in done.stdout
    assert '"phase":"Queued"' in done.stdout


def test_test_modules_have_names_of_their_own() -> None:
    """Whoever runs all tests at once gets all of them: pytest knows a module by its name alone."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]

    assert sorted(names) == sorted(set(names))
