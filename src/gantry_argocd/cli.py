"""
The command ``gantry-argocd``.

Answers go to standard output, progress and problems to standard error. Exit codes: 0 done, 1 it
could not be done or not in full, 2 the command or its configuration is wrong.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import yaml

from .settings import validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .hookspecs import ConfigError
    from .instances.hub import Heard
    from .refhost import Host
    from .runtime import Runtime
    from .simulator import Simulator


def _named(_context: click.Context, _parameter: click.Parameter, address: str) -> str:
    if not address.strip():
        raise click.BadParameter("an address is expected; 0.0.0.0 or :: listens on all")
    return address


def _absolute(
    _context: click.Context, _parameter: click.Parameter, folders: Sequence[str]
) -> list[str]:
    """References name absolute paths, so a relative folder would hold none of them."""
    if "" in folders:
        raise click.BadParameter("a folder is expected")
    return [str(Path(folder).absolute()) for folder in folders]


_host_option = click.option(
    "--host", "address", default="127.0.0.1", show_default=True, callback=_named
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gantry-argocd")
def main() -> None:
    """Argo CD in the Gantry developer portal."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s"
    )


# --- discover ---


@main.command()
@click.option("--config", "path", required=True, type=click.Path(path_type=Path), metavar="FILE")
@click.option("--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@click.option("--explain", is_flag=True, help="Say of each application why it is where it is.")
def discover(path: Path, output: str, explain: bool) -> None:
    """Print the entities that would be synced; writes nothing."""
    runtime = _runtime(path)
    heard: list[Heard] = []
    try:
        entities = runtime.discover(told=lambda item: _tell(item, heard))
    finally:
        runtime.stop()
    report = runtime.status()["lastSync"]
    told = {str(item.error) for item in heard if item.error}
    for problem in report["errors"]:
        if problem not in told:
            _note(f"note: {problem}")
    printed = runtime.explain_all(heard) if explain else entities
    if output == "json":
        click.echo(json.dumps(printed, indent=2, ensure_ascii=False))
    elif printed:
        click.echo(yaml.safe_dump_all(printed, sort_keys=False, allow_unicode=True), nl=False)
    if any(item.error or item.problems for item in heard):
        sys.exit(1)


def _tell(item: Heard, heard: list[Heard]) -> None:
    heard.append(item)
    if item.error is not None:
        _note(f"{item.error}\n  {item.error.help}")
    else:
        apps = _count(len(item.apps), "application")
        _note(f"{item.source.name}: {apps} in {item.seconds:.1f} s")


def _runtime(path: Path) -> Runtime:
    """Make what asks the instances of a configuration file; nothing is asked yet."""
    from .client.calls import Client
    from .instances.hub import reveal
    from .runtime import Runtime

    verdict = validate(_load(path), trusted=True)
    if verdict.settings is None or verdict.enable_errors:
        _refuse(path, [*verdict.errors, *verdict.enable_errors])
    # What goes wrong is told here, in words for a terminal.
    logging.getLogger("gantry_argocd").setLevel(logging.ERROR)
    _note(f"asking {_count(len(verdict.settings.instances), 'instance')} ...")

    def now() -> datetime:
        return datetime.now(UTC)

    return Runtime(
        verdict.settings,
        enabled=True,
        host=None,
        make_client=lambda instance: Client(instance, reveal=reveal, now=now),
        now=now,
    )


# --- check ---


@main.command()
@click.option("--config", "path", required=True, type=click.Path(path_type=Path), metavar="FILE")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check(path: Path, output: str) -> None:
    """Examine every instance: network, certificate, credentials, rights; says what to do."""
    runtime = _runtime(path)
    try:
        found = runtime.check()
    finally:
        runtime.stop()
    ok = all(one.ok for one in found)
    if output == "json":
        body = {"ok": ok, "instances": [one.as_json() for one in found]}
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
    else:
        for one in found:
            click.echo(f"{one.instance}: {'can be used' if one.ok else 'cannot be used'}")
            for step in one.steps:
                click.echo(f"  {step.state:8} {step.name:8} {step.message}")
                if step.help:
                    click.echo(f"  {'':17} {step.help}")
    if not ok:
        sys.exit(1)


# --- serve ---


@main.command()
@_host_option
@click.option("--port", "-p", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Where the catalogue and the key file are kept.",
)
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Configuration of the plugin; applied and enabled at start.",
)
@click.option(
    "--secrets-dir",
    "secrets_dirs",
    multiple=True,
    callback=_absolute,
    help="Where file: in a configuration from REST may point; may be repeated.",
)
def serve(
    address: str, port: int, data_dir: Path, path: Path | None, secrets_dirs: list[str]
) -> None:
    """
    Run the host for real use; nothing is configured beforehand.

    GANTRY_ADMIN_PASSWORD is the password of the user admin; without it one is made and printed
    once. GANTRY_ENCRYPTION_KEY encrypts stored configurations; without it a key file does.
    """
    from .refhost import ConfigRefused, HostOptions, create_host, listening
    from .refhost import serve as serve_host

    configs: Mapping[str, Mapping[str, Any]] = {}
    if path is not None:
        config = _load(path)  # once: it may be a pipe
        verdict = validate(config, trusted=True)
        if verdict.errors or verdict.enable_errors:
            _refuse(path, [*verdict.errors, *verdict.enable_errors])
        configs = {"argocd": config}
    options = HostOptions(secrets_dirs=secrets_dirs) if secrets_dirs else HostOptions()
    try:
        # The address first: a password must not be made and shown for a host that cannot serve.
        with listening(address, port) as listener:
            host = create_host(
                data_dir=data_dir,
                encryption_key=os.environ.get("GANTRY_ENCRYPTION_KEY") or None,
                admin_password=os.environ.get("GANTRY_ADMIN_PASSWORD") or None,
                configs=configs,
                options=options,
            )
            if host.generated_password is not None:
                click.echo(f"Sign in as admin with the password {host.generated_password}")
                click.echo("It is shown only now; set GANTRY_ADMIN_PASSWORD to choose one.")
            serve_host(
                host,
                address,
                port,
                listener=listener,
                ready=lambda url: click.echo(f"Gantry is at {url}"),
            )
    except ConfigRefused as problem:
        _refuse(path or Path("the stored configuration"), problem.errors)
    except OSError as problem:
        _fail(f"cannot serve at {address}:{port}: {problem.strerror or problem}")
    except ValueError as problem:
        _fail(f"cannot serve: {problem}")


# --- rotate-key ---


@main.command("rotate-key")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("data"),
    show_default=True,
    help="Where the catalogue and the key file are kept.",
)
def rotate_key(data_dir: Path) -> None:
    """
    Encrypt the stored configurations with a new key.

    Without GANTRY_ENCRYPTION_KEY the new key is made and put into the key file; a host that runs
    goes on with it. With it, GANTRY_NEW_ENCRYPTION_KEY is the new one: stop the host, run this,
    and start the host with the new one as GANTRY_ENCRYPTION_KEY. Everybody signs in anew.
    """
    from .refhost import HostError, rotate

    present = os.environ.get("GANTRY_ENCRYPTION_KEY") or None
    wanted = os.environ.get("GANTRY_NEW_ENCRYPTION_KEY") or None
    if present is not None and wanted is None:
        _fail("GANTRY_ENCRYPTION_KEY is set: give the new key as GANTRY_NEW_ENCRYPTION_KEY", 2)
    if wanted is not None and wanted == present:
        _fail("the new key is the present one", 2)
    try:
        done = rotate(data_dir, present=present, wanted=wanted)
    except (HostError, ValueError, OSError) as problem:
        _fail(f"the key has not been changed: {problem}")
    click.echo(f"{_count(len(done), 'configuration')} encrypted with the new key")
    if wanted is not None:
        click.echo("Start the host with the new key as GANTRY_ENCRYPTION_KEY.")


# --- simulate ---


@main.command()
@_host_option
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    default=9090,
    show_default=True,
    help="Port of the first instance, the others follow; 0 lets the system choose each.",
)
@click.option(
    "--apps",
    type=click.IntRange(0, 100_000),
    default=40,
    show_default=True,
    help="Applications of all instances together.",
)
@click.option("--instances", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--life",
    type=float,
    default=0,
    show_default=True,
    help="How much happens to each instance in a minute: commits, drift, failures, deletions.",
)
@click.option("--release", default="3.5", show_default=True, help="The Argo CD that it is.")
@click.option(
    "--output",
    type=click.Choice(["text", "config"]),
    default="text",
    show_default=True,
    help="What to print once all answer: addresses, or a configuration of the plugin.",
)
def simulate(
    address: str,
    port: int,
    apps: int,
    instances: int,
    seed: int,
    life: float,
    release: str,
    output: str,
) -> None:
    """
    Run an Argo CD API without a cluster behind it, with a varied fleet that is alive.

    Any client of Argo CD can use it: it lists, watches, syncs, refreshes, rolls back and refuses
    as the real server of the chosen release does. Accounts are admin, reader, syncer, paylead and
    nobody; the password of each is simulator. What another process may change, and which faults
    it may cause, is in docs/simulator.md.
    """
    from .simulator import BUSIEST, PROFILES, Simulator
    from .wire import PORTABLE_FIELDS

    if release not in PROFILES:
        raise click.BadParameter(f"there are {', '.join(PROFILES)}", param_hint="--release")
    if not 0 <= life <= BUSIEST:  # click lets through what is not a number
        raise click.BadParameter(f"a number from 0 to {BUSIEST:.0f}", param_hint="--life")

    with ExitStack() as stack:
        running: list[Simulator] = []
        gc.disable()  # nothing of a fleet is garbage, and looking takes longer than making it
        for number in range(instances):
            simulator = Simulator(
                apps=apps // instances + (number < apps % instances),
                seed=seed + number,
                name="production" if instances == 1 else f"argocd-{number + 1}",
                host=address,
                port=port + number if port else 0,
                release=release,
            )
            try:
                running.append(stack.enter_context(simulator))
            except (OSError, OverflowError) as problem:  # a port beyond the last one
                _fail(f"cannot simulate: {problem}")
            simulator.prepare_list(PORTABLE_FIELDS)
            simulator.life.run(life)
            if instances > 1:
                _note(f"{simulator.name} has {_count(len(simulator.fleet), 'application')}")
        gc.freeze()
        gc.enable()
        _print_simulators(running, output)
        _wait_for_signal()


def _print_simulators(running: Sequence[Simulator], output: str) -> None:
    if output == "config":
        instances = [{"name": s.name, "argocdUrl": s.url, "token": s.token} for s in running]
        click.echo(json.dumps({"instances": instances}, indent=2))
        return
    for simulator in running:
        click.echo(f"Argo CD (simulated) is at {simulator.url}")
        click.echo(f"token: {simulator.token}")


# --- demo ---


@main.command()
@_host_option
@click.option("--port", "-p", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option(
    "--apps",
    type=click.IntRange(2, 100_000),
    default=40,
    show_default=True,
    help="Applications of both instances together.",
)
def demo(address: str, port: int, apps: int) -> None:
    """Run a whole portal with two simulated Argo CD instances; nothing is kept."""
    from .refhost import sample, serve_in_thread

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gantry-demo-")))
        try:
            host = _demo_host(stack, folder, apps)
            running = stack.enter_context(serve_in_thread(host, address, port))
        except OSError as problem:
            _fail(f"cannot serve at {address}:{port}: {problem.strerror or problem}")
        _wait_for_first_sync(host)
        click.echo(f"\nGantry is at {running.url}")
        users = ", ".join(user.username for user in sample.demo_users())
        click.echo(f"Sign in as {users}; the password is {sample.DEMO_PASSWORD}")
        click.echo("Open the service payment-api and its tab ArgoCD.")
        click.echo(f"Every state of the tab is at {running.url}/gallery. Ctrl-C ends the demo.")
        _wait_for_signal()
        _note("ending ...")


def _demo_host(stack: ExitStack, folder: Path, apps: int) -> Host:
    from .refhost import HostOptions, ShownPage, create_host, sample
    from .showroom import gallery_page
    from .simulator import Simulator

    _note("starting two simulated Argo CD instances ...")
    first = stack.enter_context(Simulator(apps=apps - apps // 3, seed=1, name="production"))
    second = stack.enter_context(Simulator(apps=apps // 3, seed=2, name="staging"))
    config = {
        "instances": [
            {"name": "production", "argocdUrl": first.url, "token": first.token},
            {
                "name": "staging",
                "argocdUrl": second.url,
                "username": "admin",
                "password": "simulator",
            },
        ],
        "labelKey": "name",
        "syncInterval": "30s",
    }
    host = create_host(
        data_dir=folder,
        users=sample.demo_users(),
        configs={"argocd": config},
        plugins=sample.neighbours(),
        options=HostOptions(
            shown=[ShownPage(path="/gallery", title="Gallery", draw=gallery_page())]
        ),
    )
    _note("filling the catalogue ...")
    sample.fill(host)
    return host


def _wait_for_first_sync(host: Host) -> None:
    """Wait, with a word of progress, until the first sync has ended."""
    waited = threading.Event()
    for _ in range(600):
        status = host.plugins.status("argocd") or {}
        report = status.get("lastSync")
        if report is not None and not report["running"]:
            _note(
                f"synced {report['apps']} applications into "
                f"{report['created'] + report['updated'] + report['unchanged']} services"
            )
            for problem in report["errors"]:
                _note(f"note: {problem}")
            return
        waited.wait(0.1)
    _note("the first sync still runs")


# --- common ---


class _Loader(yaml.SafeLoader):
    """Reads YAML without dates: what looks like one is a text, as it is in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _load(path: Path) -> Any:
    """Read JSON or YAML; every JSON text is a YAML one."""
    try:
        return yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  a SafeLoader
    except OSError as problem:
        _fail(f"{path}: {problem.strerror}", 2)
    except UnicodeDecodeError:
        _fail(f"{path}: is no UTF-8 text", 2)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        # Its text quotes the line, which may hold a secret.
        mark = getattr(problem, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        _fail(f"{path}: is neither JSON nor YAML{where}", 2)


def _refuse(path: Path, problems: Sequence[ConfigError]) -> NoReturn:
    _note(f"{path}: the configuration cannot be used:")
    for problem in problems:
        _note(f"  {problem['path']}: {problem['message']}")
    sys.exit(2)


def _fail(text: str, code: int = 1) -> NoReturn:
    _note(text)
    sys.exit(code)


def _note(text: str) -> None:
    click.echo(text, err=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _wait_for_signal() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
