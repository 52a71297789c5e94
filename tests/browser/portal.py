"""The browser, and the portal that it looks at."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gantry_argocd.refhost import ShownPage
from gantry_argocd.showroom import gallery_page
from gantry_argocd.simulator import Simulator
from whole import Portal, running

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--force-color-profile=srgb", "--disable-dev-shm-usage"]


@contextmanager
def running_portal() -> Iterator[Portal]:
    """Run simulators, and a host with the gallery, until the block ends."""
    gallery = ShownPage(path="/gallery", title="Gallery", draw=gallery_page())
    with (
        tempfile.TemporaryDirectory(prefix="gantry-browser-") as folder,
        Simulator(apps=40, operation_seconds=0.4) as argocd,
        Simulator(apps=20, seed=2, name="staging", operation_seconds=0.4) as staging,
        running(argocd, staging, Path(folder), gallery) as portal,
    ):
        yield portal
