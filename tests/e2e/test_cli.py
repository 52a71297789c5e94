"""The command line, as scripts use it."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gantry_argocd.simulator import Simulator

COMMAND = Path(sys.executable).with_name("gantry-argocd")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(  # noqa: S603
        [COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def config(folder: Path, *instances: dict[str, Any]) -> str:
    """Write a configuration file."""
    path = folder / "argocd.yaml"
    path.write_text(yaml.safe_dump({"instances": list(instances)}))
    return str(path)


def of(argocd: Simulator, name: str = "one") -> dict[str, Any]:
    """Configure an instance."""
    return {"name": name, "argocdUrl": argocd.url, "token": argocd.token}


def test_discover_prints_the_entities(argocd: Simulator, tmp_path: Path) -> None:
    """A dry look at what would be synced: YAML or JSON on stdout, progress on stderr, exit 0."""
    path = config(tmp_path, of(argocd))
    as_yaml, as_json = (
        run("discover", "--config", path),
        run("discover", "--config", path, "--output", "json"),
    )

    assert (as_yaml.returncode, as_json.returncode) == (0, 0), as_yaml.stderr
    entities = json.loads(as_json.stdout)
    assert [e["metadata"]["name"] for e in yaml.safe_load_all(as_yaml.stdout)] == [
        e["metadata"]["name"] for e in entities
    ]
    (pay,) = [e for e in entities if e["metadata"]["name"] == "payment-api"]
    assert pay["metadata"]["annotations"]["argocd.io/namespace"] == "argocd"
    assert "one: 40 applications" in as_yaml.stderr
    assert argocd.token not in as_yaml.stderr + as_yaml.stdout


def test_discover_explains(argocd: Simulator, tmp_path: Path) -> None:
    """With --explain each application is told with its entity and the reason."""
    done = run("discover", "--config", config(tmp_path, of(argocd)), "--explain")

    told = {
        item["app"]: item for document in [done.stdout] for item in yaml.safe_load_all(document)
    }
    assert told["one:payment-api-dev"]["entity"] == "Service/default/payment-api"
    assert told["one:payment-api-dev"]["why"] == "its label says 'payment-api'"


def test_an_instance_that_fails_is_told_and_the_exit_code_says_so(
    argocd: Simulator, tmp_path: Path
) -> None:
    """What could be had is printed; what is missing is on stderr with the cure, and exit is 1."""
    dead = {"name": "dead", "argocdUrl": "http://127.0.0.1:9", "token": "canary"}
    done = run("discover", "--config", config(tmp_path, of(argocd), dead))

    assert done.returncode == 1
    assert "payment-api" in done.stdout
    assert "dead: no connection (connection refused)" in done.stderr
    assert "canary" not in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("instances: foo", "$.instances: an array is expected"),
        ("", "$: an object is expected"),
        ("instances: []", "at least one instance is needed"),
        ("[" * 3000, "neither JSON nor YAML"),
        ("instances: [{name: x, argocdUrl: 'http://h', token:canary}]", "a blank is missing"),
        ("instances: [{name: x, argocdUrl: 'http://h', token: t, headers: {1: x}}]", "headers"),
        ("a: [canary", "neither JSON nor YAML"),
        ("instances: [{name: x, argocdUrl: y, token: canary}]", "$.instances[0].argocdUrl"),
    ],
)
def test_a_wrong_file_is_refused_with_every_reason(tmp_path: Path, text: str, words: str) -> None:
    """A configuration that cannot be used is exit 2, with the path of each mistake."""
    path = tmp_path / "argocd.yaml"
    path.write_text(text)
    for command in ("discover", "serve"):
        done = run(command, "--config", str(path))
        assert done.returncode == 2
        assert words in done.stderr
        assert "canary" not in done.stderr
        assert "Traceback" not in done.stderr


def test_check_examines_and_says_what_to_do(argocd: Simulator, tmp_path: Path) -> None:
    """Exit 0 when every instance can be used, 1 when one cannot; text for people, JSON for more."""
    well = run("check", "--config", config(tmp_path, of(argocd)))
    assert well.returncode == 0, well.stdout
    assert "one: can be used" in well.stdout

    dead = {"name": "dead", "argocdUrl": "http://127.0.0.1:9", "token": "canary"}
    path = config(tmp_path, of(argocd), dead)
    ill = run("check", "--config", path, "--output", "json")
    assert ill.returncode == 1
    body = json.loads(ill.stdout)
    assert [(one["instance"], one["ok"]) for one in body["instances"]] == [
        ("one", True),
        ("dead", False),
    ]
    assert "canary" not in ill.stdout + ill.stderr


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A path that leads nowhere is exit 2 and one line."""
    done = run("discover", "--config", str(tmp_path / "nope.yaml"))

    assert done.returncode == 2
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unusable_place_is_one_line(tmp_path: Path) -> None:
    """An address that is taken and a database that is none are told without a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        busy = run("serve", "--port", port, "--data-dir", str(tmp_path / "a"))
    (tmp_path / "b" / "gantry.db").mkdir(parents=True)
    broken = run("serve", "--port", "0", "--data-dir", str(tmp_path / "b"))

    for done in (busy, broken):
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert "password" not in done.stdout


def test_simulate_prints_a_configuration_that_discover_reads(tmp_path: Path) -> None:
    """Several simulated instances in one process are ready for the plugin once they are printed."""
    command = [COMMAND, "simulate", "--apps", "50", "--instances", "2", "--port", "0"]
    with subprocess.Popen(  # noqa: S603
        [*command, "--output", "config"], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            lines = iter(running.stdout.readline, "")
            printed = "".join(itertools.takewhile(lambda line: line != "}\n", lines)) + "}"
            instances = json.loads(printed)["instances"]
            found = run("discover", "--config", config(tmp_path, *instances))
        finally:
            running.terminate()
            running.wait(10)
    assert [instance["name"] for instance in instances] == ["argocd-1", "argocd-2"]
    assert "argocd-1: 25 applications" in found.stderr
    assert "argocd-2: 25 applications" in found.stderr


def test_ports_beyond_the_last_one_are_told() -> None:
    """Several simulators from a high port on end with one line, and no traceback."""
    done = run("simulate", "--instances", "3", "--port", "65535")

    assert done.returncode == 1
    assert "cannot simulate" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *(("simulate", "--life", life) for life in ("nan", "inf", "-1", "1e308")),
        *((command, "--host", " ") for command in ("simulate", "serve", "demo")),
        ("serve", "--secrets-dir", ""),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...]) -> None:
    """An option that would do nothing, or never end, is exit 2 and names itself."""
    done = run(*arguments, "--port", "0")

    assert done.returncode == 2
    assert arguments[1] in done.stderr
    assert "Traceback" not in done.stderr
