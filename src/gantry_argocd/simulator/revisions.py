"""Revisions: which commits, charts and images the invented repositories hold."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from datetime import datetime, timedelta

from .codes import CallFailed, Code
from .gojson import Json
from .store import timestamp

_SHA = re.compile(r"[0-9a-f]{40}")
_GIT_REVISION = re.compile(r"[0-9a-f]{7,40}")
_UNKNOWN_NAME = re.compile(r"(no-such|missing|unknown|does-not-exist)")
_AUTHORS = (
    "Ada Example <ada@example.com>",
    "Jo Sand <jo.sand@example.com>",
    "María Peña <maria@example.com>",
    "Ravi K. <ravi@example.com>",
    "renovate[bot] <renovate@example.com>",
)
_SUBJECTS = (
    "Raise the memory limit",
    "Bump the image to {tag}",
    "Fix the readiness probe",
    "Configure retries & timeouts",
    "Remove the legacy <Ingress>",
    "Add a PodDisruptionBudget",
    "Rotate the signing key name",
)


def commit(repository: str, name: str) -> str:
    """Return the commit the branch or tag *name* of *repository* points at."""
    return hashlib.sha1(f"{repository}@{name}".encode()).hexdigest()  # noqa: S324 -- a git SHA


def is_sha(revision: str) -> bool:
    """Return whether *revision* is a full commit SHA."""
    return _SHA.fullmatch(revision) is not None


def sources_of(spec: Json) -> list[Json]:
    """Return the effective sources: several, the hydrated branch, or the single one."""
    if spec.get("sources"):
        return list(spec["sources"])
    hydrator = spec.get("sourceHydrator")
    if hydrator:
        dry, synced = hydrator.get("drySource", {}), hydrator.get("syncSource", {})
        return [
            {
                "repoURL": synced.get("repoURL") or dry.get("repoURL", ""),
                "path": synced.get("path", ""),
                "targetRevision": synced.get("targetBranch", ""),
            }
        ]
    return [spec.get("source") or {"repoURL": ""}]


def is_git(source: Json) -> bool:
    """Return whether *source* is neither a chart nor an OCI artifact."""
    return not source.get("chart") and not str(source.get("repoURL", "")).startswith("oci://")


class Revisions:
    """What the invented repositories know; remembers the commits it has handed out.

    *suffix* is how the text about a name ends that stands for no commit.
    """

    def __init__(self, suffix: str = "") -> None:
        self._suffix = suffix
        self._lock = threading.Lock()
        self._handed_out: set[str] = set()

    def resolve(self, app: Json, source: Json, revision: str, index: int) -> str:
        """Return what *revision* of *source* stands for; raises CallFailed as a sync would."""
        target = source.get("targetRevision") or "HEAD"
        wanted = revision or target
        if wanted == target:
            self._refuse_broken(app)
            compared = _compared_revision(app, index)
            if compared and (not is_git(source) or is_sha(compared)):
                return compared
        if is_sha(wanted):
            return wanted
        if not is_git(source):
            return wanted.replace("*", "0").lstrip("^~>=< ")
        if _UNKNOWN_NAME.search(wanted):
            raise _unresolvable(f"unable to resolve '{wanted}' to a commit SHA{self._suffix}")
        sha = commit(str(source.get("repoURL", "")), wanted)
        with self._lock:
            self._handed_out.add(sha)
        return sha

    def knows(self, app: Json, revision: str) -> bool:
        """Return whether a commit exists in the repositories of *app*; short SHAs count."""
        with self._lock:
            if any(sha.startswith(revision) for sha in self._handed_out):
                return True
        return any(known.startswith(revision) for known in _mentioned(app))

    def _refuse_broken(self, app: Json) -> None:
        for condition in app.get("status", {}).get("conditions") or ():
            message = condition.get("message", "")
            for sign in ("unable to resolve", "failed to list refs"):
                if sign in message:
                    detail = (sign + message.partition(sign)[2]).removesuffix(self._suffix)
                    raise _unresolvable(detail + self._suffix)

    def commit_metadata(self, app: Json, source: Json, revision: str) -> Json:
        """Return author, date and message of a commit; raises CallFailed as Argo CD does."""
        if not _GIT_REVISION.fullmatch(revision):
            raise CallFailed(Code.UNKNOWN, f"revision {revision} must be resolved")
        if not is_git(source):
            raise CallFailed(Code.UNKNOWN, _not_a_repository(source))
        if not self.knows(app, revision):
            raise CallFailed(Code.UNKNOWN, f"error acquiring repo lock: {_not_our_ref(revision)}")
        # The first seven digits decide, so that a short SHA tells the same story as the full one.
        rng = random.Random(revision[:7])  # noqa: S311 -- invented data, not a secret
        tag = f"v{rng.randint(1, 4)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}"
        message = rng.choice(_SUBJECTS).format(tag=tag)
        if rng.random() < 0.3:
            message += "\n\nReviewed-by: Jo Sand"
        answer: Json = {
            "author": rng.choice(_AUTHORS),
            "date": timestamp(_deployed(app, revision) - timedelta(minutes=rng.randint(5, 600))),
        }
        if rng.random() < 0.3:
            answer["tags"] = [tag]
        return {**answer, "message": message}


def _deployed(app: Json, revision: str) -> datetime:
    """Return when a commit was first deployed, or when its Application was last looked at."""
    for entry in _history(app):
        deployed = [str(entry.get("revision", "")), *map(str, entry.get("revisions") or ())]
        if any(known.startswith(revision) for known in deployed):
            return datetime.fromisoformat(entry.get("deployStartedAt") or entry["deployedAt"])
    status = app.get("status", {})
    return datetime.fromisoformat(
        status.get("reconciledAt") or app["metadata"]["creationTimestamp"]
    )


def unknown_commit(revision: str) -> str:
    """Return why a sync to a commit that does not exist ends in an error."""
    return (
        "Failed to load target state: failed to generate manifest for source 1 of 1: "
        "rpc error: code = Unknown desc = failed to initialize repository resources: "
        f"{_not_our_ref(revision).removeprefix('failed to initialize repository resources: ')}"
    )


def chart_details(source: Json, app: Json, version: str) -> Json:
    """Return description and maintainers of a chart; raises CallFailed if there is none."""
    chart = source.get("chart")
    if not chart:
        raise CallFailed(Code.UNKNOWN, f"no chart found for application: {app['metadata']['name']}")
    if version not in _mentioned(app) | {source.get("targetRevision")}:
        repository = source.get("repoURL", "")
        raise CallFailed(
            Code.UNKNOWN,
            "error extracting chart: error fetching chart: failed to fetch chart: failed running "
            f"helm: `helm pull --destination /tmp/helm --version {version} --repo {repository} "
            f'{chart}` failed exit status 1: Error: chart "{chart}" version "{version}" '
            f"not found in {repository} repository",
        )
    return {
        "description": f"{chart} web service chart",
        "home": f"https://charts.example.com/{chart}",
        "maintainers": ["Platform Team <platform@example.com>"],
    }


def oci_metadata(source: Json, revision: str, now: datetime) -> Json:
    """Return the annotations of an OCI artifact; raises CallFailed for other sources."""
    repository = str(source.get("repoURL", ""))
    if not repository.startswith("oci://"):
        path = "/" + repository.removeprefix("https://")
        raise CallFailed(
            Code.UNKNOWN,
            "failed to initialize oci client: failed to initialize repository: "
            f'invalid reference: invalid repository "{path}"',
        )
    name = repository.rsplit("/", 1)[-1]
    return {
        "createdAt": timestamp(now - timedelta(days=3)),
        "authors": "Platform Team <platform@example.com>",
        "docsUrl": f"https://docs.example.com/{name}",
        "sourceUrl": f"https://github.com/acme/{name}",
        "version": revision,
        "description": f"Manifests of {name}",
    }


def source_at(app: Json, source_index: int, version_id: int | None) -> Json:
    """Return the source a revision question is about; raises CallFailed as Argo CD does."""
    prefix = "error getting app source by source index and version ID: "
    sources = sources_of(app.get("spec", {}))
    if version_id is not None:
        entry = next((e for e in _history(app) if e.get("id") == version_id), None)
        if entry is None:
            raise CallFailed(
                Code.UNKNOWN,
                f"{prefix}error getting source by version ID: "
                f"revision history not found for version ID {version_id}",
            )
        sources = entry.get("sources") or [entry["source"]]
    if source_index < 0:
        raise CallFailed(Code.INTERNAL, f"runtime error: index out of range [{source_index}]")
    if source_index >= len(sources) and len(sources) > 1:
        raise CallFailed(
            Code.UNKNOWN,
            f"{prefix}source index {source_index} not found "
            f"because there are only {len(sources)} sources",
        )
    source: Json = sources[min(source_index, len(sources) - 1)]
    return source


def _history(app: Json) -> list[Json]:
    return app.get("status", {}).get("history") or []


def _compared_revision(app: Json, index: int) -> str:
    sync = app.get("status", {}).get("sync", {})
    revisions = sync.get("revisions")
    if revisions:
        return str(revisions[index]) if index < len(revisions) else ""
    return str(sync.get("revision", ""))


def _mentioned(app: Json) -> set[str]:
    status = app.get("status", {})
    holders = [status.get("sync", {}), *_history(app)]
    holders.append((status.get("operationState") or {}).get("syncResult") or {})
    holders.append((app.get("operation") or {}).get("sync") or {})
    found = {str(holder.get("revision") or "") for holder in holders}
    for holder in holders:
        found.update(str(item) for item in holder.get("revisions") or ())
    return found


def _unresolvable(detail: str) -> CallFailed:
    return CallFailed(
        Code.FAILED_PRECONDITION,
        f"error resolving repo revision: rpc error: code = Unknown desc = {detail}",
    )


def _not_our_ref(revision: str) -> str:
    return (
        "failed to initialize repository resources: rpc error: code = Internal desc = "
        f"Failed to checkout revision {revision}: `git fetch origin {revision} --tags --force "
        "--prune` failed exit status 128: fatal: remote error: upload-pack: not our ref "
        f"{revision}"
    )


def _not_a_repository(source: Json) -> str:
    return (
        "error acquiring repo lock: failed to initialize repository resources: rpc error: "
        "code = Internal desc = Failed to fetch default: `git fetch origin --tags --force "
        "--prune` failed exit status 128: remote: not found\n"
        f"fatal: repository '{source.get('repoURL', '')}/' not found"
    )
