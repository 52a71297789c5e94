"""
What is known of one instance's applications, from whoever spoke last (``design.md``, "One snapshot
per instance"). No network.

A list takes its time, and the stream tells of changes meanwhile. Everything that is learnt has a
place in one order: a list counts as of its beginning, an event as of its coming.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..models import Facts
    from ..refs import AppKey
    from ..wire import Event


@attrs.frozen(kw_only=True)
class Known:
    """
    One application as it was last heard of.

    Attributes:
        facts: What the catalogue is made from.

        uid: Of the Application. Empty when only a list told of it.

        version: Argo CD's numeric ``resourceVersion``. None when only a list told of it.

        turn: Place in the order of what was learnt.
    """

    facts: Facts
    uid: str = ""
    version: int | None = None
    turn: int


class Snapshot:
    """
    The applications of one instance. Safe for many readers and writers.

    Memory grows with the applications that are there, and with those that went between two lists.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = 0
        self._apps: dict[AppKey, Known] = {}
        # Told as deleted since the last complete list, and when that list began.
        self._gone: dict[AppKey, int] = {}
        self._complete = 0
        self._listed = False

    def begin(self) -> int:
        """Give the turn of a list that begins now."""
        with self._lock:
            self._turn += 1
            return self._turn

    @property
    def listed(self) -> bool:
        """Say whether a list has ever come."""
        return self._listed

    def take_list(self, apps: Iterable[Facts], turn: int, *, complete: bool) -> None:
        """
        Take in a list.

        Args:
            apps: First ones count where one stands twice.

            turn: Given by :meth:`begin`.

            complete: What is missing is not there.
        """
        found = {facts.key: facts for facts in reversed(tuple(apps))}
        with self._lock:
            self._listed = True
            for key, facts in found.items():
                known = self._apps.get(key)
                if (known.turn if known else self._gone_at(key)) > turn:
                    continue
                # A version stays known only while the list says the same: after a restore of the
                # cluster versions are lower than they were.
                same = known is not None and known.facts == facts
                self._apps[key] = Known(
                    facts=known.facts if known and same else facts,
                    uid=known.uid if known and same else "",
                    version=known.version if known and same else None,
                    turn=turn,
                )
            if complete and turn > self._complete:
                self._complete = turn
                self._gone = {key: when for key, when in self._gone.items() if when > turn}
                for key in self._apps.keys() - found.keys():
                    if self._apps[key].turn <= turn:
                        del self._apps[key]

    def _gone_at(self, key: AppKey) -> int:
        """Give since which turn an application that is not known is not there."""
        return max(self._gone.get(key, 0), self._complete)

    def take_events(self, events: Iterable[Event]) -> tuple[set[AppKey], set[AppKey]]:
        """
        Take in what the stream told.

        Returns:
            Applications of which the catalogue should know something new, gone ones included; and
            all of which anything at all may be new.
        """
        news: set[AppKey] = set()
        touched: set[AppKey] = set()
        with self._lock:
            for event in events:
                key = event.facts.key
                known = self._apps.get(key)
                if known is not None and _older(event, known):
                    continue
                self._turn += 1
                touched.add(key)
                if event.deleted:
                    self._gone[key] = self._turn
                    if self._apps.pop(key, None) is not None or not self._listed:
                        news.add(key)
                    continue
                facts = event.facts
                if known is not None and known.facts == facts:
                    facts = known.facts  # which the catalogue shares
                else:
                    news.add(key)
                self._gone.pop(key, None)
                self._apps[key] = Known(
                    facts=facts,
                    uid=event.uid,
                    version=event.version,
                    turn=self._turn,
                )
        return news, touched

    def brought_up_to_date(
        self, apps: Sequence[Facts], turn: int, *, complete: bool
    ) -> tuple[Facts, ...]:
        """
        Give a list with what was learnt since it began.

        Args:
            apps: As listed.

            turn: Of the list.

            complete: What came since is added; to a list that is not complete it would not matter.
        """
        with self._lock:
            result: list[Facts] = []
            listed = set()
            for facts in apps:
                listed.add(facts.key)
                known = self._apps.get(facts.key)
                # What the list says itself is in here, too; every reader shares it.
                if known is not None and known.turn >= turn:
                    result.append(known.facts)
                elif known is not None or self._gone_at(facts.key) <= turn:
                    result.append(facts)
            if complete:
                result += [
                    known.facts
                    for key, known in self._apps.items()
                    if known.turn > turn and key not in listed
                ]
        return tuple(result)

    def get(self, key: AppKey) -> Known | None:
        """Give one application."""
        with self._lock:
            return self._apps.get(key)

    def facts(self) -> Mapping[AppKey, Facts]:
        """Give all applications."""
        with self._lock:
            return {key: known.facts for key, known in self._apps.items()}

    def __len__(self) -> int:
        return len(self._apps)


def _older(event: Event, known: Known) -> bool:
    """Say whether an event is of the past: replicas of Argo CD see things at different times."""
    if event.version is None or known.version is None or event.uid != known.uid:
        return False
    return event.version < known.version
