"""One running host for each file of tests, and fresh ones on demand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .support import Marker, Portal, Time, portal


@pytest.fixture(scope="module")
def marker() -> Marker:
    """Give the plugin of the shared host."""
    return Marker()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, marker: Marker) -> Iterator[Portal]:
    """Give a running host that the tests of one file share."""
    with portal(tmp_path_factory.mktemp("site"), marker) as running:
        yield running


@pytest.fixture
def time() -> Time:
    """Give a clock that stands still."""
    return Time()
