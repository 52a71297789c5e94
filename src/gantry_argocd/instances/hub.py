"""
All configured instances at once: what they list, one application, and who is meant by a name.
"""

from __future__ import annotations

import logging
import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from .. import errors
from ..client.calls import Client
from ..concurrency import Gate, Pool
from ..correlation import Answer, InstanceInfo, Outcome
from ..refs import AppKey, Wanted
from ..shortly import Shortly
from ..wire import Reader, Reading
from .doctor import Diagnosis, Step, diagnose
from .snapshot import Known, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from ..models import Application, Facts
    from ..settings import InstanceSettings, Secret, Settings

LOG = logging.getLogger("gantry_argocd")

LISTS_AT_ONCE = 32
LONGEST = 1.0
"""Seconds for which lists that are there wait for others that are being read at that moment."""
READS_AT_ONCE = 10
DETAILS_KEPT = 256
"""Applications that are kept in full; one can be megabytes, though few are."""

KEPT = 5.0
"""Seconds for which an Application that was read is shown again."""

KEPT_WHILE_LIVE = 60.0
"""The same, where the stream says when it changes; the health of single resources it does not."""


def reveal(secret: Secret) -> str:
    """
    Give the text of a secret, read from where it refers to.

    Raises:
        SecretMissing: If there is nothing at that place.
    """
    reference = secret.reference
    if reference is None:
        return secret.reveal()
    kind, name = reference
    try:
        text = os.environ[name] if kind == "env" else Path(name).read_text("utf-8")
    except (KeyError, OSError, ValueError):
        raise errors.SecretMissing(f"{kind}:{name} cannot be read") from None
    return text.strip()


@attrs.frozen(kw_only=True)
class Heard:
    """
    What one instance said when it was asked for everything.

    Attributes:
        source: Which instance.

        outcome: Complete; partial when a row could not be read; failed.

        apps: What it listed.

        problems: A sentence for each row that could not be read.

        error: Why it failed. None when it did not.

        began_at: When the asking began.

        turn: Its place among all that is learnt of the instance.

        seconds: How long it took.
    """

    source: InstanceInfo
    outcome: Outcome
    apps: tuple[Facts, ...] = ()
    problems: tuple[str, ...] = ()
    error: errors.ArgoCDError | None = None
    began_at: datetime
    turn: int = 0
    seconds: float


@attrs.frozen(kw_only=True)
class Fetched:
    """
    One application in full.

    Attributes:
        application: Read.

        document: Argo CD's own JSON.
    """

    application: Application
    document: Any


class Hub:
    """
    The clients of all instances, and what is known of the applications of each.

    Args:
        settings: The configuration.

        make_client: Makes the client of an instance.

        now: The time, aware.

        monotonic: Seconds that pass.

        is_live: Says of an instance whether its changes are told as they happen.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        make_client: Callable[[InstanceSettings], Client],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        is_live: Callable[[str], bool],
    ) -> None:
        self._settings = settings
        self._now = now
        self._reader = Reader()
        self._readings = Gate()
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}
        self._broken: dict[str, errors.ArgoCDError] = {}
        self._own_namespaces: dict[str, str] = {}
        self._snapshots = {instance.name: Snapshot() for instance in settings.instances}
        self._details: Shortly[AppKey, Fetched | errors.ArgoCDError] = Shortly(
            lambda key: KEPT_WHILE_LIVE if is_live(key.instance) else KEPT,
            monotonic=monotonic,
            keep=lambda found: isinstance(found, Fetched),
            most=DETAILS_KEPT,
        )
        self._failed: dict[str, errors.ArgoCDError] = {}
        self._contact: dict[str, datetime] = {}
        for instance in settings.instances:
            try:
                self._clients[instance.name] = make_client(instance)
            except errors.ArgoCDError as error:
                # Its certificates cannot be read; that is no reason to lose the others.
                self._broken[instance.name] = error

    def close(self) -> None:
        """Close all connections; calls under way fail soon."""
        for client in self._clients.values():
            client.close()

    def client(self, instance: str) -> Client:
        """
        Give the client of an instance.

        Raises:
            UnknownInstance: If none is configured under that name.

            ArgoCDError: If it could not be made.
        """
        if instance in self._broken:
            raise self._broken[instance]
        if instance not in self._clients:
            raise errors.UnknownInstance(f"no Argo CD instance is called {instance[:63]!r}")
        return self._clients[instance]

    # --- everything ---

    def source(self, name: str) -> InstanceInfo:
        """Describe an instance as the catalogue remembers it."""
        instance = self._settings.instance(name)
        if instance is None:
            raise errors.UnknownInstance(f"no Argo CD instance is called {name[:63]!r}")
        with self._lock:
            own = instance.namespace or self._own_namespaces.get(name) or "argocd"
        return InstanceInfo(
            name=name,
            origin=instance.url,
            project=instance.project,
            selector=instance.selector,
            own_namespace=own,
        )

    def sources(self) -> list[InstanceInfo]:
        """Describe all configured instances."""
        return [self.source(instance.name) for instance in self._settings.instances]

    def remember_namespace(self, name: str, namespace: str) -> None:
        """Take Argo CD's own namespace from what the catalogue remembers, until it is asked."""
        with self._lock:
            self._own_namespaces.setdefault(name, namespace)

    def ask(
        self, names: Sequence[str] | None = None, *, label_key: str | None = None
    ) -> Iterator[list[Heard]]:
        """
        Ask instances for everything at once; give their answers as they come.

        Args:
            names: Which instances. None for all.

            label_key: Read another label than the configured one, to try it; such answers are
                not remembered.
        """
        wanted = [i.name for i in self._settings.instances if names is None or i.name in names]
        calls = {name: (lambda name=name: self._ask_one(name, label_key)) for name in wanted}
        for batch in Pool(calls, limit=LISTS_AT_ONCE, name="argocd-list").batches(
            self._is_reading, LONGEST
        ):
            yield list(batch.values())

    def _is_reading(self) -> bool:
        """
        Say whether an answer that has come is being read.

        What is read now takes the processor from whoever would write now: both are done sooner if
        it is written together. An instance that is slow to answer is waited for by nobody (D8).
        """
        return self._readings.inside > 0

    def _ask_one(self, name: str, label_key: str | None) -> Heard:
        began = self._now()
        snapshot = self._snapshots[name]
        try:
            client = self.client(name)
            self._learn_namespace(name, client)
            turn = snapshot.begin()
            content = client.list_applications()
            source = self.source(name)
            reading = attrs.evolve(
                self._reading(source), label_key=label_key or self._settings.label_key
            )
            with self._readings:
                listing = self._reader.listing(content, reading)
                if label_key is None:
                    snapshot.take_list(listing.apps, turn, complete=not listing.problems)
        except errors.ArgoCDError as error:
            with self._lock:
                self._failed[name] = error
            return Heard(
                source=self.source(name),
                outcome=Outcome.FAILED,
                error=error,
                began_at=began,
                seconds=(self._now() - began).total_seconds(),
            )
        with self._lock:
            self._failed.pop(name, None)
            self._contact[name] = began
        return Heard(
            source=source,
            outcome=Outcome.PARTIAL if listing.problems else Outcome.COMPLETE,
            apps=listing.apps,
            problems=listing.problems,
            began_at=began,
            turn=turn,
            seconds=(self._now() - began).total_seconds(),
        )

    def answer(self, heard: Heard, *, by_sync: bool = False, confirmed: bool = False) -> Answer:
        """
        Give what an instance listed as an answer for the catalogue, as of now.

        Args:
            heard: What it said.

            by_sync: It was asked by a sync, so it may confirm a loss (rule 16).

            confirmed: A person confirmed that a loss is real.
        """
        apps = heard.apps
        if heard.error is None:
            snapshot = self._snapshots[heard.source.name]
            complete = heard.outcome is Outcome.COMPLETE
            apps = snapshot.brought_up_to_date(apps, heard.turn, complete=complete)
        return Answer(
            source=heard.source,
            outcome=heard.outcome,
            apps=apps,
            began_at=heard.began_at,
            by_sync=by_sync,
            confirmed=confirmed,
        )

    def told(
        self, name: str, apps: Sequence[Facts], deleted: Iterable[AppKey] = ()
    ) -> dict[str, Answer]:
        """Give what was heard of single applications now as an answer for the catalogue."""
        answer = Answer(
            source=self.source(name),
            outcome=Outcome.PARTIAL,
            apps=tuple(apps),
            deleted=frozenset(deleted),
            began_at=self._now(),
            by_sync=False,
        )
        return {name: answer}

    def overhear(self, name: str, results: Sequence[Any]) -> AbstractSet[AppKey]:
        """
        Take in what the stream of an instance sent.

        Args:
            name: Of the instance.

            results: Argo CD's JSON.

        Returns:
            The applications of which the catalogue should know something new.
        """
        heard = self._reader.events(results, self._reading(self.source(name)))
        for problem in heard.problems:
            LOG.warning("%s", problem)
        news, touched = self._snapshots[name].take_events(heard.events)
        for key in touched:
            self._details.forget(key)
        return news

    def _learn_namespace(self, name: str, client: Client) -> None:
        instance = self._settings.instance(name)
        if instance is None or instance.namespace:
            return
        try:
            found = client.own_namespace()
        except (errors.Unreachable, errors.TimedOut, errors.Unauthenticated):
            raise
        except errors.ArgoCDError:
            return  # The list decides whether the instance is well.
        if found:
            with self._lock:
                self._own_namespaces[name] = found

    def _reading(self, source: InstanceInfo) -> Reading:
        return Reading(
            instance=source.name,
            label_key=self._settings.label_key,
            own_namespace=source.own_namespace,
        )

    def check(self) -> list[Diagnosis]:
        """Examine every instance, all at once."""
        calls = {
            instance.name: (lambda instance=instance: self._check_one(instance))
            for instance in self._settings.instances
        }
        found = Pool(calls, limit=LISTS_AT_ONCE, name="argocd-check").results()
        return [found[instance.name] for instance in self._settings.instances]

    def _check_one(self, instance: InstanceSettings) -> Diagnosis:
        try:
            return diagnose(instance, self.client(instance.name), self._now)
        except errors.ArgoCDError as error:
            name = "tls" if isinstance(error, errors.TLSFailed) else "connect"
            step = Step(name=name, state="failed", message=error.message, help=error.help)
            return Diagnosis(instance=instance.name, steps=(step,))

    # --- one application ---

    def fetch(self, key: AppKey, project: str, *, refresh: str | None = None) -> Fetched:
        """
        Fetch one application in full, as it is now.

        Raises:
            ArgoCDError: If it cannot be.
        """
        document = self.client(key.instance).application(key, project, refresh=refresh)
        return self.read(key, document)

    def read(self, key: AppKey, document: Any) -> Fetched:
        """
        Read Argo CD's JSON of the application *key*, which is newer than what is kept of it.

        Raises:
            Malformed: If it cannot be read, or is about another application.
        """
        fetched = self._read(key, document)
        # This one is not kept in its place: a change that was told while it was on its way is not
        # in it.
        self._details.forget(key)
        return fetched

    def _read(self, key: AppKey, document: Any) -> Fetched:
        reading = self._reading(self.source(key.instance))
        application = self._reader.application(document, reading)
        if application.key != key:
            raise errors.Malformed(
                f"answered with another application than {key.name}", instance=key.instance
            )
        return Fetched(application=application, document=document)

    def fetch_all(
        self, wanted: Mapping[AppKey, str], seconds: float
    ) -> dict[AppKey, Fetched | errors.ArgoCDError]:
        """
        Fetch several applications at once, or give them as they were read a moment ago.

        Args:
            wanted: Their projects by key.

            seconds: What has not come by then is a time-out.
        """
        fetches = {
            key: partial(self._fetch_safely, key, project) for key, project in wanted.items()
        }
        reading = self._details.begin(fetches, limit=READS_AT_ONCE, name="argocd-read")
        found = reading.results(seconds)
        late = {
            key: errors.TimedOut("no answer within the page's time limit", instance=key.instance)
            for key in wanted.keys() - found.keys()
        }
        return found | late

    def _fetch_safely(self, key: AppKey, project: str) -> Fetched | errors.ArgoCDError:
        try:
            return self._read(key, self.client(key.instance).application(key, project))
        except errors.ArgoCDError as error:
            return error
        except errors.UnknownInstance as error:
            return errors.NotFound(str(error), instance=key.instance)

    # --- who is meant ---

    def known(self) -> dict[AppKey, Facts]:
        """Give every application that is known of."""
        return {k: f for snapshot in self._snapshots.values() for k, f in snapshot.facts().items()}

    def known_app(self, key: AppKey) -> Known | None:
        """Give what is known of one application."""
        return self._snapshots[key.instance].get(key)

    def count(self, instance: str) -> int:
        """Give how many applications of an instance are known of."""
        return len(self._snapshots[instance])

    def failure(self, instance: str) -> errors.ArgoCDError | None:
        """Give the error of an instance's last list; None when it was well."""
        with self._lock:
            return self._failed.get(instance)

    def contact(self, instance: str) -> datetime | None:
        """Say when the last list that an instance answered began; None when it never did."""
        with self._lock:
            return self._contact.get(instance)

    def answered(self, instance: str) -> bool:
        """Say whether an instance has answered since the start."""
        snapshot = self._snapshots.get(instance)
        return snapshot is not None and snapshot.listed


def resolve(
    wanted: Wanted,
    known: Mapping[AppKey, Facts],
    sources: Mapping[str, InstanceInfo],
    *,
    ref: bool = False,
) -> AppKey | None:
    """
    Find the one application that *wanted* names (A6): never a guess.

    Args:
        wanted: What somebody wrote.

        known: All applications.

        sources: All instances by name.

        ref: ``instance:name`` was written as a ref, so it means Argo CD's own namespace, where
            there is one of that name (correlation rules, "Words").

    Returns:
        None when there is none.

    Raises:
        UnknownInstance: If it names an instance that is not configured.

        AmbiguousApp: If there are several.
    """
    if wanted.instance is not None and wanted.instance not in sources:
        raise errors.UnknownInstance(f"no Argo CD instance is called {wanted.instance[:63]!r}")
    found = sorted(
        key
        for key in known
        if key.name == wanted.name
        and wanted.instance in {None, key.instance}
        and wanted.namespace in {None, key.namespace}
    )
    if ref and wanted.instance is not None and wanted.namespace is None and len(found) > 1:
        own = sources[wanted.instance].own_namespace
        found = [key for key in found if key.namespace == own] or found
    if len(found) <= 1:
        return found[0] if found else None
    refs = [key.ref(sources[key.instance].own_namespace) for key in found]
    raise errors.AmbiguousApp(
        f"{len(found)} applications are called {wanted.name!r}: say which with instance and "
        "namespace",
        refs,
    )
