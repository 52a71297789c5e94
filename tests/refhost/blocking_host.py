"""
A host of its own process, with a plugin whose routes hang: run by the tests of the end.

``python blocking_host.py FOLDER`` prints its URL, and ``ended`` when ``serve`` has returned.
"""

# ruff: noqa: T201 - the tests read what it prints

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from gantry_argocd.hookspecs import Request, Response, Route, hookimpl
from gantry_argocd.refhost import HostOptions, create_host, listening, serve


class Hanging:
    """A plugin that nothing wakes up: neither its route nor its ``shutdown`` comes back."""

    @hookimpl
    def plugin_manifest(self) -> Any:
        """Describe the fake."""
        return {
            "name": "hanging", "title": "Hanging", "description": "", "longDescription": "",
            "version": "1.0.0", "author": "Tests", "category": "integration", "homepage": "",
            "features": [], "entityPanels": [], "actionTypes": [], "requirements": [],
            "configSchema": {"type": "object"},
        }  # fmt: skip

    @hookimpl
    def plugin_routes(self) -> Sequence[Route]:
        """Bring a route that hangs and says when it is called."""

        def hang(request: Request) -> Response:
            print("hanging", flush=True)
            threading.Event().wait(60)
            return Response(status=200, body={})

        return [Route(method="GET", path="/hang", role="viewer", summary="", handler=hang)]

    @hookimpl
    def shutdown(self) -> bool:
        """Hang as well."""
        threading.Event().wait(60)
        return True


def main(folder: Path) -> None:
    """Serve until a signal comes."""
    logging.basicConfig(level=logging.WARNING)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    options = HostOptions(installed=(), hasher=hasher)
    with listening("127.0.0.1", 0) as listener:
        host = create_host(
            data_dir=folder, admin_password="correct horse", plugins=[Hanging()], options=options
        )
        serve(host, listener=listener, ready=lambda url: print(url, flush=True))
    print("ended", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
