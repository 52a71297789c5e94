"""One good instance and one that misbehaves, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scene import Bad, populate, port_of
from servers import Authority, Front

from gantry_argocd.simulator import Simulator


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def good() -> Iterator[Simulator]:
    """An Argo CD with two applications that does what it should."""
    with Simulator(apps=1, operation_seconds=0.3) as simulator:
        populate(simulator, "good-a", "good-b")
        yield simulator


@pytest.fixture(scope="module")
def _bad() -> Iterator[Bad]:
    with Simulator(apps=1, seed=2, name="bad", operation_seconds=0.3) as simulator:
        populate(simulator, "bad-a", "bad-b", "bad-c")
        with Front(port_of(simulator)) as front:
            yield Bad(simulator, front)


@pytest.fixture(scope="module")
def _bad_tls(authority: Authority) -> Iterator[Bad]:
    with Simulator(apps=1, seed=2, name="bad", operation_seconds=0.3) as simulator:
        populate(simulator, "bad-a", "bad-b", "bad-c")
        with Front(port_of(simulator), authority.server()) as front:
            yield Bad(simulator, front, authority.pem)


@pytest.fixture
def bad(_bad: Bad) -> Iterator[Bad]:
    """An Argo CD with three applications that can be made to misbehave."""
    yield _bad
    _bad.heal()
    _bad.simulator.requests.clear()


@pytest.fixture
def bad_tls(_bad_tls: Bad) -> Iterator[Bad]:
    """The same behind TLS, with a certificate of the authority."""
    yield _bad_tls
    _bad_tls.heal()
