"""What is known of an instance, whoever spoke last."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gantry_argocd.instances.snapshot import Snapshot
from gantry_argocd.models import Facts
from gantry_argocd.refs import AppKey
from gantry_argocd.wire import Event


def facts(name: str = "pay", sync: str = "Synced") -> Facts:
    """Make an application."""
    return Facts(key=AppKey("one", "argocd", name), sync=sync)


def told(
    name: str = "pay", sync: str = "Synced", *, version: int = 1, uid: str = "u", gone: bool = False
) -> Event:
    """Make an event."""
    return Event(facts=facts(name, sync), version=version, uid=uid, deleted=gone)


def listed(*apps: Facts) -> Snapshot:
    """Make the snapshot after a first list."""
    snapshot = Snapshot()
    snapshot.take_list(apps, snapshot.begin(), complete=True)
    return snapshot


def sync_of(snapshot: Snapshot, name: str = "pay") -> str | None:
    """Give the sync status of an application that is known."""
    known = snapshot.get(AppKey("one", "argocd", name))
    return known.facts.sync if known else None


def test_an_event_that_came_during_a_list_outlives_the_list() -> None:
    """A slow list does not take back what the stream told meanwhile."""
    snapshot = listed(facts())
    turn = snapshot.begin()
    snapshot.take_events([told(sync="OutOfSync"), told("new"), told("old", gone=True)])
    slow = [facts(), facts("old")]
    snapshot.take_list(slow, turn, complete=True)

    assert sync_of(snapshot) == "OutOfSync"
    assert sync_of(snapshot, "new") == "Synced"
    assert sync_of(snapshot, "old") is None
    answer = snapshot.brought_up_to_date(slow, turn, complete=True)
    assert {(item.key.name, item.sync) for item in answer} == {
        ("pay", "OutOfSync"),
        ("new", "Synced"),
    }


def test_a_list_corrects_what_the_stream_lost() -> None:
    """What the stream dropped silently is true again after the next list."""
    snapshot = listed(facts())
    snapshot.take_events([told(version=5)])
    snapshot.take_list([facts(sync="OutOfSync")], snapshot.begin(), complete=True)
    assert sync_of(snapshot) == "OutOfSync"


def test_a_list_that_is_not_complete_removes_nothing() -> None:
    """A row that cannot be read is no reason to think that an application is gone."""
    snapshot = listed(facts(), facts("other"))
    snapshot.take_list([facts()], snapshot.begin(), complete=False)
    assert sync_of(snapshot, "other") == "Synced"


def test_the_older_of_two_lists_never_wins() -> None:
    """Of two lists that overlap the one that began later counts, whichever ends first."""
    snapshot = listed(facts())
    first, second = snapshot.begin(), snapshot.begin()
    snapshot.take_list([facts(sync="OutOfSync")], second, complete=True)
    snapshot.take_list([facts(), facts("gone")], first, complete=True)
    assert sync_of(snapshot) == "OutOfSync"
    assert sync_of(snapshot, "gone") is None


def test_an_older_version_of_the_same_application_is_ignored() -> None:
    """Another replica of Argo CD that is behind does not turn time back."""
    snapshot = listed(facts())
    snapshot.take_events([told(sync="OutOfSync", version=7)])
    news, touched = snapshot.take_events([told(version=6)])
    assert (news, touched) == (set(), set())
    assert sync_of(snapshot) == "OutOfSync"


def test_an_application_made_anew_may_have_a_lower_version() -> None:
    """After a restore of the cluster versions begin lower; another uid says so."""
    snapshot = listed(facts())
    snapshot.take_events([told(sync="OutOfSync", version=900, uid="before")])
    snapshot.take_events([told(version=3, uid="after")])
    assert sync_of(snapshot) == "Synced"


def test_after_a_list_that_says_otherwise_any_version_is_believed() -> None:
    """When the list has seen the cluster restored, its events count again."""
    snapshot = listed(facts())
    snapshot.take_events([told(sync="OutOfSync", version=900)])
    snapshot.take_list([facts()], snapshot.begin(), complete=True)
    snapshot.take_events([told(sync="Unknown", version=4)])
    assert sync_of(snapshot) == "Unknown"


def test_only_what_the_catalogue_shows_is_news_to_it() -> None:
    """A change that no entity shows writes nothing, but what was read in full is old."""
    snapshot = listed(facts())
    news, touched = snapshot.take_events([told(version=2)])
    assert news == set()
    assert touched == {AppKey("one", "argocd", "pay")}


NAMES = st.sampled_from(["a", "b", "c"])


class Interleaving(RuleBasedStateMachine):
    """A server with a stream that delivers late, and lists that take their time."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = Snapshot()
        self.server: dict[str, Facts] = {}
        self.version = 0
        self.sent: list[Event] = []
        self.lists: list[tuple[int, list[Facts] | None]] = []

    def _event(self, app: Facts, *, gone: bool) -> None:
        self.version += 1
        self.sent.append(Event(facts=app, version=self.version, uid="u", deleted=gone))

    @rule(name=NAMES, sync=st.sampled_from(["Synced", "OutOfSync"]))
    def change(self, name: str, sync: str) -> None:
        """An application is made or changed."""
        self.server[name] = facts(name, sync)
        self._event(self.server[name], gone=False)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """An application is deleted."""
        if name in self.server:
            self._event(self.server.pop(name), gone=True)

    @precondition(lambda self: self.sent)
    @rule()
    def deliver(self) -> None:
        """The oldest event arrives."""
        self.snapshot.take_events([self.sent.pop(0)])

    @rule()
    def ask(self) -> None:
        """A list is asked for."""
        self.lists.append((self.snapshot.begin(), None))

    @precondition(lambda self: self.lists)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """The server reads its applications for a list."""
        at = data.draw(st.integers(0, len(self.lists) - 1))
        turn, rows = self.lists[at]
        if rows is None:
            self.lists[at] = (turn, list(self.server.values()))

    @precondition(lambda self: any(rows is not None for _, rows in self.lists))
    @rule()
    def arrive(self) -> None:
        """A list arrives."""
        at = next(i for i, (_, rows) in enumerate(self.lists) if rows is not None)
        turn, rows = self.lists.pop(at)
        assert rows is not None
        self.snapshot.take_list(rows, turn, complete=True)
        answer = self.snapshot.brought_up_to_date(rows, turn, complete=True)
        assert {item.key: item for item in answer} == self.snapshot.facts(), (
            "what goes to the catalogue is what the snapshot then says"
        )

    @invariant()
    def the_end_is_the_truth(self) -> None:
        """Once all events have come, and one more list, what is known is what is there."""
        late = Snapshot()
        late._turn = self.snapshot._turn
        late._apps, late._gone = dict(self.snapshot._apps), dict(self.snapshot._gone)
        late._complete = self.snapshot._complete
        for event in self.sent:
            late.take_events([event])
        late.take_list(self.server.values(), late.begin(), complete=True)
        assert {key.name: app for key, app in late.facts().items()} == self.server


TestInterleaving = Interleaving.TestCase
