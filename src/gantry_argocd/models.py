"""
What is known of an Argo CD application, as values.

Every text in here comes from a server or a tenant of it and is hostile until it is escaped;
credentials in repository addresses were removed when it was read (``wire``). Times carry a zone.
"""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from .refs import AppKey


class SourceKind(enum.Enum):
    """Where the manifests of a source are kept."""

    GIT = "git"
    HELM = "helm"
    """A chart, from a Helm repository or an OCI registry."""
    OCI = "oci"
    """An OCI image (``oci://``, Argo CD 3.1 and later)."""


@attrs.frozen(kw_only=True)
class Source:
    """
    One place that manifests come from (``argocd-api.md`` section 8.2).

    Attributes:
        repo_url: As Argo CD says it, without credentials. May be empty.

        web_url: The https address of a Git repository; None for other kinds, and where none
            can be told.

        path: Empty for a chart.

        chart: Name of the chart. Empty for other kinds.

        target_revision: What is to be followed: branch, tag, SHA, version. Empty means ``HEAD``.

        ref: Alias for value files of other sources. Empty in most.

        name: Empty in most.
    """

    repo_url: str = ""
    web_url: str | None = None
    path: str = ""
    chart: str = ""
    target_revision: str = ""
    ref: str = ""
    name: str = ""

    @property
    def kind(self) -> SourceKind:
        """Say where the manifests are kept."""
        if self.chart:
            return SourceKind.HELM
        return SourceKind.OCI if self.repo_url.startswith("oci://") else SourceKind.GIT


@attrs.frozen(kw_only=True)
class Destination:
    """
    Where an application is deployed to.

    Attributes:
        server: URL of the Kubernetes API. Empty when the cluster is given by name.

        name: Name of the cluster in Argo CD. Empty when it is given by URL.

        namespace: May be empty.
    """

    server: str = ""
    name: str = ""
    namespace: str = ""


@attrs.frozen(kw_only=True)
class Facts:
    """
    The little of an application that the catalogue is made from.

    Only what the portable list projection holds (``argocd-api.md`` section 3), so an entity never
    depends on who spoke last: a list, a stream or a single GET.

    Attributes:
        key: Which application.

        label: Value of the label ``labelKey``. Empty when it is not set.

        project: Never empty; Argo CD's empty project is ``default``.

        sync: ``Unknown`` when Argo CD has not said anything yet.

        health: ``Unknown`` when Argo CD has not said anything yet.

        repo: The repository for ``argocd.io/repoURL``, without credentials. Empty when none.

        repo_url: The https address for ``spec.repoUrl``. None for an app without Git source.

        destination: Where it is deployed to.

        ignored: Its owner asked not to be in the catalogue (rule 8).
    """

    key: AppKey
    label: str = ""
    project: str = "default"
    sync: str = "Unknown"
    health: str = "Unknown"
    repo: str = ""
    repo_url: str | None = None
    destination: Destination = Destination()
    ignored: bool = False


@attrs.frozen(kw_only=True)
class Resource:
    """
    A Kubernetes object that an application manages.

    Attributes:
        sync: Empty for a live hook.

        health: None when Argo CD does not say, which is normal for many kinds: show "n/a".

        hook: A live hook: neither out of sync nor to be pruned (``argocd-api.md`` section 8.4).

        prune: It is no longer in the source; a sync with prune deletes it.

        prune_confirmation: Pruning it waits for somebody's confirmation.
    """

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    sync: str = ""
    health: str | None = None
    health_message: str = ""
    hook: bool = False
    prune: bool = False
    prune_confirmation: bool = False


@attrs.frozen(kw_only=True)
class Condition:
    """
    Something that Argo CD wants people to know about an application.

    Attributes:
        type: Ends in ``Error``, ``Warning`` or ``Info``.

        since: None when Argo CD does not say.
    """

    type: str
    message: str
    since: datetime | None = None

    @property
    def severity(self) -> str:
        """``error``, ``warning`` or ``info``, told from the type."""
        for word in ("Error", "Warning"):
            if self.type.endswith(word):
                return word.lower()
        return "info"


@attrs.frozen(kw_only=True)
class ResourceResult:
    """
    What a sync did to one resource.

    Attributes:
        status: ``Synced``, ``SyncFailed``, ``Pruned``, ``PruneSkipped``; empty while it runs.

        hook_type: Empty for a plain resource.

        hook_phase: Means something for hooks only (``argocd-api.md`` section 8.3).
    """

    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""

    @property
    def failed(self) -> bool:
        """Say whether it is why a sync failed."""
        hook = bool(self.hook_type) and self.hook_phase in {"Failed", "Error"}
        return hook or self.status == "SyncFailed"


ENDED = frozenset({"Succeeded", "Failed", "Error"})
"""Argo CD's phases of an operation that has ended."""

ABANDONED = "Abandoned"
"""Phase of an operation that was taken away before it ended; Argo CD has no word for it."""


@attrs.frozen(kw_only=True)
class Operation:
    """
    The sync or rollback that Argo CD ran last on an application, or is running now.

    Attributes:
        phase: ``Queued`` (requested, not yet begun), ``Running``, ``Terminating``,
            ``Succeeded``, ``Failed``, ``Error`` or ``Abandoned``.

        started_at: None while it is queued.

        finished_at: None while it runs. Set together with ``Running`` when an attempt failed
            and Argo CD waits to retry.

        retries: Attempts after the first. Starts at 0.

        initiator: The Gantry user, when it was begun here; else Argo CD's. Empty for an automated
            one.

        automated: Argo CD itself began it.

        request_id: The correlation id of the portal's request. Empty when others began it.

        selected: It is about some of the resources only.

        revisions: What it deploys; one for each source.
    """

    phase: str
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retries: int = 0
    initiator: str = ""
    automated: bool = False
    dry_run: bool = False
    request_id: str = ""
    selected: bool = False
    revisions: tuple[str, ...] = ()
    results: tuple[ResourceResult, ...] = ()

    @property
    def running(self) -> bool:
        """Say whether it has not ended yet."""
        return self.phase not in {*ENDED, ABANDONED}

    @property
    def held(self) -> bool:
        """Say whether a sync window holds it, and with it its end."""
        return self.running and "blocked by sync window" in self.message.lower()

    @property
    def awaits_confirmation(self) -> bool:
        """Say whether it does nothing until somebody confirms that resources are pruned."""
        return self.running and "waiting for pruning confirmation" in self.message.lower()

    @property
    def waiting_for_retry(self) -> bool:
        """Say whether an attempt failed and the next has not begun."""
        return self.phase == "Running" and self.finished_at is not None


@attrs.frozen(kw_only=True)
class Commit:
    """
    Who made a revision, and what it is about.

    Attributes:
        author: Name without the address; for a chart its maintainers. May be empty.

        subject: First line of the message; for a chart its description. May be empty.
    """

    author: str = ""
    subject: str = ""


@attrs.frozen(kw_only=True)
class RevisionAsk:
    """
    A revision that something can be learnt about (``argocd-api.md`` section 7).

    Attributes:
        source: Where it is from.

        revision: A commit, the version of a chart, or a digest.

        index: Which source of the application it is. Starts at 0.

        number: Deployment that it belongs to. None for what was compared.
    """

    source: Source
    revision: str
    index: int = 0
    number: int | None = None

    @property
    def subject(self) -> RevisionKey:
        """What is asked about, whoever asks: a revision never changes."""
        return self.source.repo_url, self.source.chart, self.revision


RevisionKey = tuple[str, str, str]
"""Repository, chart and revision."""


@attrs.frozen(kw_only=True)
class Deployment:
    """
    One entry of the deployment history.

    Attributes:
        id: What a rollback names. Starts at 0.

        revisions: One for each of *sources*.

        deployed_at: When it was complete. None when Argo CD does not say.

        started_at: None when Argo CD does not say.
    """

    id: int
    revisions: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    deployed_at: datetime | None = None
    started_at: datetime | None = None
    initiator: str = ""
    automated: bool = False


@attrs.frozen(kw_only=True)
class Hydration:
    """
    The last work of the source hydrator, which makes manifests from a dry commit.

    Attributes:
        phase: ``Hydrating``, ``Hydrated`` or ``Failed``.

        revision: The dry commit.

        since: When it ended; while it runs, when it began.
    """

    phase: str
    message: str = ""
    revision: str = ""
    since: datetime | None = None


@attrs.frozen(kw_only=True)
class AutoSync:
    """How Argo CD syncs an application by itself."""

    prune: bool = False
    self_heal: bool = False


@attrs.frozen(kw_only=True)
class ExternalURL:
    """A link that is safe to follow: absolute, http or https, with a host, without user info."""

    title: str
    url: str


@attrs.frozen(kw_only=True)
class Application:
    """
    Everything that the panel shows of one application.

    Attributes:
        facts: What the catalogue knows as well.

        uid: Empty when the answer did not hold it.

        sources: In Argo CD's order. For a hydrated application the dry source.

        revisions: What was compared last, one for each source. A branch name, and no commit,
            when the comparison failed.

        by_position: Its sources are a list, be it of one: a revision is chosen by position.

        auto_sync: None when syncs are started by hand.

        health_message: Empty in most releases.

        operation: None when none ever ran.

        deleting: Argo CD is deleting it.

        left_alone: Argo CD is told not to touch it (annotation ``skip-reconcile``): it neither
            compares nor syncs it.

        refreshing: A comparison is requested and has not been made.

        never_synced: No operation and no history.

        reconciled_at: When Argo CD last compared it. None when it never did.

        generated_by: The ApplicationSet that made it, and undoes changes of it. Empty in most.

        hydrated: The dry revision that the hydrator made the present commit from. Empty in most.

        hydrated_source: Where the hydrator puts what it makes. None in most.

        hydration: The hydrator's last work. None in most.
    """

    facts: Facts
    uid: str = ""
    sources: tuple[Source, ...] = ()
    revisions: tuple[str, ...] = ()
    by_position: bool = False
    auto_sync: AutoSync | None = None
    sync_options: tuple[str, ...] = ()
    health_message: str = ""
    health_since: datetime | None = None
    conditions: tuple[Condition, ...] = ()
    operation: Operation | None = None
    resources: tuple[Resource, ...] = ()
    history: tuple[Deployment, ...] = ()
    images: tuple[str, ...] = ()
    external_urls: tuple[ExternalURL, ...] = ()
    created_at: datetime | None = None
    reconciled_at: datetime | None = None
    deleting: bool = False
    left_alone: bool = False
    refreshing: bool = False
    generated_by: str = ""
    hydrated: str = ""
    hydrated_source: Source | None = None
    hydration: Hydration | None = None

    @property
    def compared_sources(self) -> tuple[Source, ...]:
        """What *revisions* are of: the hydrator's commits for a hydrated application."""
        return (self.hydrated_source,) if self.hydrated_source else self.sources

    def sources_of(self, entry: Deployment) -> tuple[Source, ...]:
        """Give what the revisions of a deployment are of."""
        return entry.sources or self.compared_sources

    @property
    def key(self) -> AppKey:
        """Which application."""
        return self.facts.key

    @property
    def never_synced(self) -> bool:
        """No operation ever ran."""
        return self.operation is None and not self.history

    @property
    def last_sync_at(self) -> datetime | None:
        """When the last sync ended, dry runs aside; else the newest deployment; None if never."""
        last = self.operation
        if last is not None and last.finished_at and not (last.running or last.dry_run):
            return last.finished_at
        times = [entry.deployed_at for entry in self.history if entry.deployed_at]
        return max(times, default=None)

    @property
    def comparison_failed(self) -> bool:
        """
        Manifests or cluster never loaded, so Argo CD's word on health means nothing.

        Argo CD calls such an application ``Healthy`` (``argocd-api.md`` section 8.3).
        """
        return self.facts.sync == "Unknown"
