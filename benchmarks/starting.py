"""W10: how long a host waits for the plugin to be imported and registered."""

from __future__ import annotations

import json
import subprocess
import sys

from measuring import Figure, Row, alternate, demand
from sizes import Sizes

_RATIO = 1.5
_FLOOR = "import httpx"
_PRODUCT = """
from importlib.metadata import entry_points
import pluggy
from gantry_argocd import hookspecs
manager = pluggy.PluginManager("gantry")
manager.add_hookspecs(hookspecs)
entry, = entry_points(group="gantry.plugins", name="argocd")
manager.register(entry.load(), entry.name)
manager.check_pending()
"""
_ASKED = _PRODUCT + "manager.hook.plugin_manifest()\n"
_FRAME = """
import json, sys, threading, time
network = []
sys.addaudithook(lambda name, _: network.append(name) if name.startswith("socket.") else None)
began = time.perf_counter()
{work}
took = (time.perf_counter() - began) * 1000
network = [name for name in network if name != "socket.__new__"]
status = open("/proc/self/status").read()
memory = [int(status.split(k)[1].split()[0]) * 1024 / 1e6 for k in ("VmHWM:", "VmRSS:")]
print(json.dumps([took, threading.active_count(), network, memory]))
"""


def starting(sizes: Sizes) -> list[Row]:
    """Measure W10."""
    seen: list[tuple[float, float]] = []

    def product() -> float:
        took, threads, network, used = _run(_PRODUCT)
        demand(threads == 1, f"{threads} threads after the import")
        demand(not network, f"the import used the network: {network}")
        seen.append((used[0], used[1]))
        return took

    figure, least = alternate(sizes.rounds, product, lambda: _run(_FLOOR)[0])
    asked = Figure(tuple(_run(_ASKED)[0] for _ in range(sizes.rounds)))
    row = Row(
        workload="W10",
        work="import of the plugin by its entry point, and registration with pluggy",
        figure=figure,
        peer="`import httpx`",
        floor=least,
        mark=f"at most {_RATIO:g} x, no network, no thread",
        reached=figure.median <= _RATIO * least.median,
        warm_up=1,
        memory=seen[-1],
        upstream=(0, 0),
        notes=[
            "a fresh interpreter each time; no network, no thread",
            f"until the first hook has answered, which imports everything: {asked.median:.0f} ms",
        ],
    )
    return [row]


def _run(work: str) -> tuple[float, int, list[str], list[float]]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _FRAME.format(work=work)],
        capture_output=True,
        text=True,
        check=False,
    )
    demand(done.returncode == 0, done.stderr)
    took, threads, network, used = json.loads(done.stdout)
    return took, threads, network, used
