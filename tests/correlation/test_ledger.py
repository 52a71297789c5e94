"""
What the plugin remembers between correlations, with catalogues that do not do as they are told.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from world import START, app, service

from gantry_argocd.catalogue.ledger import Ledger
from gantry_argocd.correlation import Answer, InstanceInfo, Outcome, receive
from gantry_argocd.hookspecs import Applied, Change, Entity
from gantry_argocd.models import Facts
from gantry_argocd.refs import AppKey

ONE = InstanceInfo(name="one", origin="https://one")
TWO = InstanceInfo(name="two", origin="https://two")


class Shelf:
    """
    The smallest catalogue: a dict, handed over as it is.

    Attributes:
        rows: By name.

        lose: Names of entities whose changes are dropped without a word.

        meanwhile: Called when a correlation was made and before it is written.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.lose: set[str] = set()
        self.meanwhile: Callable[[], None] = lambda: None
        self.written: list[str] = []

    def update(self, correlate: Callable[[Sequence[Entity]], Sequence[Change]]) -> Applied:
        """Do what *correlate* asks for, nearly."""
        changes = correlate(list(self.rows.values()))
        self.meanwhile()
        self.write(changes)
        return Applied(created=0, updated=0, deleted=0)

    def write(self, changes: Sequence[Change]) -> None:
        """Store changes."""
        self.written = [change["name"] for change in changes]
        for change in changes:
            if change["name"] in self.lose:
                continue
            if change["entity"] is None:
                del self.rows[change["name"]]
            else:
                self.rows[change["name"]] = copy.deepcopy(dict(change["entity"]))

    def audit(self, record: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def sync_of(self, name: str) -> str:
        """Give the sync status of an entity."""
        return str(self.rows[name]["metadata"]["annotations"]["argocd.io/syncStatus"])


@pytest.fixture
def shelf() -> Shelf:
    """Make an empty catalogue."""
    return Shelf()


def ledger_of(shelf: Shelf, *sources: InstanceInfo) -> Ledger:
    """Make a ledger that writes to *shelf*."""
    return Ledger(shelf, sources=lambda: sources or (ONE,), now=lambda: START)


def everything(*apps: Facts, source: InstanceInfo = ONE) -> dict[str, Answer]:
    """Give the answer that these are all apps of an instance."""
    return {source.name: Answer(source=source, outcome=Outcome.COMPLETE, apps=apps, began_at=START)}


def event(*apps: Facts, deleted: str = "") -> dict[str, Answer]:
    """Give what a stream tells."""
    gone = frozenset([app(deleted).key] if deleted else ())
    answer = Answer(
        source=ONE, outcome=Outcome.PARTIAL, apps=apps, deleted=gone, began_at=START, by_sync=False
    )
    return {"one": answer}


def test_a_change_that_the_catalogue_lost_is_written_the_next_time(shelf: Shelf) -> None:
    """What a host failed to store is not believed to be there."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay"), app("one:web")))
    shelf.lose = {"pay"}
    ledger.apply(event(app("one:pay", sync="OutOfSync")))
    assert shelf.sync_of("pay") == "Synced"

    shelf.lose = set()
    ledger.apply(event(app("one:pay", sync="OutOfSync")))

    assert shelf.sync_of("pay") == "OutOfSync"


def test_a_failed_transaction_changes_nothing_in_memory(shelf: Shelf) -> None:
    """When the catalogue cannot be written, the same event is written once it can."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay")))

    def fail() -> None:
        raise OSError

    shelf.meanwhile = fail
    with pytest.raises(OSError):  # noqa: PT011  made above
        ledger.apply(event(app("one:pay", sync="OutOfSync")))
    shelf.meanwhile = lambda: None
    ledger.apply(event(app("one:pay", sync="OutOfSync")))

    assert shelf.sync_of("pay") == "OutOfSync"


def test_a_retried_transaction_meets_the_guard_once(shelf: Shelf) -> None:
    """A confirmed loss stays confirmed when the host has to correlate twice."""
    ledger = ledger_of(shelf)
    apps = [app(f"one:app-{number}") for number in range(5)]
    ledger.apply(everything(*apps))
    confirmed = Answer(
        source=ONE, outcome=Outcome.COMPLETE, apps=(apps[0],), began_at=START, confirmed=True
    )

    class Twice(Shelf):
        """Somebody else is always faster the first time."""

        def update(self, correlate: Callable[[Sequence[Entity]], Sequence[Change]]) -> Applied:
            """Correlate twice."""
            correlate(list(self.rows.values()))
            return super().update(correlate)

    twice = Twice()
    twice.rows = shelf.rows
    ledger = ledger_of(twice)
    ledger.apply({})
    applied = ledger.apply({"one": confirmed})

    assert set(twice.rows) == {"app-0"}
    assert len(applied.retired) == 4


def test_a_mapping_that_a_host_changes_in_place_is_noticed(shelf: Shelf) -> None:
    """A host may edit the very mappings that it handed over."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay")))
    shelf.rows["pay"]["metadata"]["annotations"]["argocd.io/syncStatus"] = "Nonsense"

    ledger.apply({})

    assert shelf.sync_of("pay") == "Synced"


def test_nothing_is_looked_at_again_when_nothing_has_changed(shelf: Shelf) -> None:
    """A second discovery of the same writes nothing."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay"), app("one:web")))
    ledger.apply(everything(app("one:pay"), app("one:web")))
    assert shelf.written == []


def test_a_write_of_others_between_correlation_and_storing_is_not_lost(shelf: Shelf) -> None:
    """What somebody else has correlated meanwhile, and what was heard, both count."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay"), app("one:web")))

    def person() -> None:
        shelf.meanwhile = lambda: None
        stored = receive(None, service("shop", annotations={"argocd.io/appName": "web"}), "create")
        assert stored is not None
        shelf.rows["shop"] = dict(stored)
        shelf.write(ledger.correlate(list(shelf.rows.values()))["changes"])

    shelf.meanwhile = person
    ledger.apply(event(app("one:pay", sync="OutOfSync")))
    ledger.apply({})

    assert set(shelf.rows) == {"pay", "shop"}
    assert shelf.sync_of("pay") == "OutOfSync"
    assert ledger.record(AppKey("one", "argocd", "pay")) is not None
    ledger.apply({})
    assert shelf.written == []


def test_a_write_of_others_that_was_taken_back_is_forgotten(shelf: Shelf) -> None:
    """A transaction that ends in nothing leaves no trace in what is known."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:web")))
    shop = receive(None, service("shop", annotations={"argocd.io/appName": "web"}), "create")
    assert shop is not None
    changes = ledger.correlate([*shelf.rows.values(), shop])["changes"]
    assert {change["name"] for change in changes} == {"shop", "web"}

    ledger.apply(event(app("one:web", sync="OutOfSync")))

    assert set(shelf.rows) == {"web"}
    assert shelf.sync_of("web") == "OutOfSync"


def test_an_app_that_moves_leaves_its_entity(shelf: Shelf) -> None:
    """What has apps is told as it is now, so reports count no entity that is gone."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay"), app("one:web")))
    ledger.apply(event(app("one:pay", label="shop")))
    assert {key.name for key in ledger.entities()} == {"shop", "web"}
    assert set(shelf.rows) == {"shop", "web"}


def test_two_rows_of_one_identity_are_correlated_as_a_whole(shelf: Shelf) -> None:
    """A catalogue that is no catalogue costs time, and nothing else."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay")))
    shelf.rows["again"] = copy.deepcopy(shelf.rows["pay"])

    ledger.apply(event(app("one:pay", sync="OutOfSync")))

    assert shelf.sync_of("pay") == "OutOfSync"


def original(name: str) -> dict[str, Any]:
    """Make a row as the original plugin wrote it."""
    return service(
        name,
        createdBy="argocd-plugin",
        annotations={
            "argocd.io/appName": name,
            "argocd.io/appNames": f"one:{name}",
            "argocd.io/syncStatus": "Synced",
            "argocd.io/destNamespace": "prod",
        },
        title=name,
        tags=["argocd"],
        spec={"type": "backend", "deployedIn": [{"kind": "Environment", "name": "prod"}]},
    )


def test_rows_of_the_original_plugin_are_taken_over_once(shelf: Shelf) -> None:
    """
    Upgrading leaves one Service for each app, and none for an app that is gone (rule 20).
    """
    shelf.rows = {"pay": original("pay"), "gone": original("gone")}
    ledger = ledger_of(shelf, ONE, TWO)
    ledger.apply(everything(app("one:pay")))
    assert "argocd.io/provenance" in shelf.rows["pay"]["metadata"]["annotations"]
    assert shelf.rows["gone"] == original("gone"), "two has not answered yet"

    ledger.apply(everything(source=TWO))

    assert set(shelf.rows) == {"pay"}
    ledger.apply(everything())
    assert shelf.rows == {}, "nothing of the row was anybody else's"


def test_after_a_restart_nothing_is_taken_over_again(shelf: Shelf) -> None:
    """A catalogue that holds something of ours was taken over before (rule 20)."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay")))
    shelf.rows["old"] = original("old")
    ledger_of(shelf).apply(everything(app("one:pay")))
    assert shelf.rows["old"]["metadata"]["tags"] == ["argocd"]


def test_what_looks_like_the_original_plugins_later_is_somebodys(shelf: Shelf) -> None:
    """Once taken over, a row without provenance was written by a person."""
    ledger = ledger_of(shelf)
    ledger.apply(everything(app("one:pay")))
    shelf.rows["old"] = original("old")

    ledger.apply(everything(app("one:pay")))

    assert shelf.rows["old"]["metadata"]["tags"] == ["argocd"]
